"""What is added to a template: whatever is given comes back as it was."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.doubles.opennebula_xml import body_of
from tests.support.opennebula import OURS, POOL
from vmdirac_py.clouds.api import Mark
from vmdirac_py.clouds.opennebula.template import ENVIRONMENT_STRING, MAX_USER_DATA, attributes, write
from vmdirac_py.model.resources import Resources

XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r\"'\\<>&$]"),
    min_size=1,
)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True)
MARK = Mark(OURS, "batch-1", "vo-1", "pool-1", "vm-1")


@given(st.dictionaries(NAMES, XML_TEXT | st.dictionaries(NAMES, XML_TEXT, min_size=1)))
def test_every_value_comes_back(given_attributes: dict[str, str | dict[str, str]]) -> None:
    """Quotes, backslashes, line ends, CDATA ends and any letters are read back as they were written."""
    assert body_of(write(given_attributes)) == given_attributes


@given(st.binary(max_size=2000))
def test_user_data_is_base64_as_cloud_init_reads_it(user_data: bytes) -> None:
    """USER_DATA with USER_DATA_ENCODING base64 holds the user data byte for byte."""
    context = attributes({}, MARK, user_data, None)["CONTEXT"]
    assert isinstance(context, dict)
    assert context["USER_DATA_ENCODING"] == "base64"
    assert base64.b64decode(context["USER_DATA"], validate=True) == user_data


def test_the_templates_own_context_stays() -> None:
    """CONTEXT is given as a whole, with what the template had; only user data of its own gives way to ours."""
    own = {"NETWORK": "YES", "SSH_PUBLIC_KEY": "$USER[SSH_PUBLIC_KEY]", "USERDATA": "x", "USERDATA_ENCODING": "none"}
    context = attributes(own, MARK, b"ours", None)["CONTEXT"]
    assert isinstance(context, dict)
    assert {"NETWORK": "YES", "SSH_PUBLIC_KEY": "$USER[SSH_PUBLIC_KEY]"}.items() <= context.items()
    assert not {"USERDATA", "USERDATA_ENCODING"} & context.keys()


def test_the_host_name_is_the_instance_id() -> None:
    """A VM is told its instance id as its host name, also where its template had another one."""
    context = attributes({"SET_HOSTNAME": "$NAME"}, MARK, b"", None)["CONTEXT"]
    assert isinstance(context, dict)
    assert context["SET_HOSTNAME"] == "one-$VMID"


def test_sizes_are_given_only_where_asked_for() -> None:
    """Without resizing a VM has its template's sizes; with it, the pool's."""
    pool = replace(POOL, resources=Resources(cores=4, ram_mb=9000))
    plain, resized = attributes({}, MARK, b"", None), attributes({}, MARK, b"", pool)
    assert not {"CPU", "VCPU", "MEMORY"} & plain.keys()
    assert (resized["CPU"], resized["VCPU"], resized["MEMORY"]) == ("4", "4", "9000")


def test_the_largest_user_data_fits_an_environment_variable() -> None:
    """The longest user data, encoded, is a variable Linux lets a context script export; a byte more is not."""
    longest = len("USER_DATA=") + len(base64.b64encode(b"x" * MAX_USER_DATA)) + 1
    assert longest <= ENVIRONMENT_STRING < longest + 4
