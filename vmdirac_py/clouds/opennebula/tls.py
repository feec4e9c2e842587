"""How the front end's certificate is verified."""

from __future__ import annotations

import ssl
from pathlib import Path

from vmdirac_py.base.errors import Unusable
from vmdirac_py.clouds.options import TlsOptions, verify


def context(options: TlsOptions, home: Path, where: str) -> ssl.SSLContext:
    """Return a context that trusts what the options say; no environment variable has a say.

    Raises:
        Unusable: the file of authorities cannot be used.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # `create_default_context` would heed SSL_CERT_FILE, SSLKEYLOGFILE
    trusted = verify(options, home)
    if trusted is False:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif trusted is True:
        _trust_the_system(made)
    else:
        _trust(made, str(trusted), where)
    return made


def _trust_the_system(made: ssl.SSLContext) -> None:
    paths = ssl.get_default_verify_paths()  # the openssl_* ones are built in, the others come from the environment
    if Path(paths.openssl_cafile).is_file():
        made.load_verify_locations(cafile=paths.openssl_cafile)
    if Path(paths.openssl_capath).is_dir():
        made.load_verify_locations(capath=paths.openssl_capath)


def _trust(made: ssl.SSLContext, ca_file: str, where: str) -> None:
    try:
        made.load_verify_locations(cafile=ca_file)
    except OSError as error:  # an ssl.SSLError is one too
        mend = f"put the authority's certificates (PEM) into {ca_file}"
        raise Unusable("endpoint_options.ca_file cannot be used", where=where, mend=mend) from error
