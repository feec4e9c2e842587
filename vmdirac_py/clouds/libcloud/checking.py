"""What is wrong with an endpoint and its pools, told by key when the inventory is read; without libcloud."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vmdirac_py.clouds.closest import closest
from vmdirac_py.clouds.options import problems_in, tls_warnings
from vmdirac_py.model.inventory import Endpoint, Pool

from .maps import Provider, Word
from .options import PoolOptions
from .providers import PROVIDERS


def problems(endpoint: Endpoint, pools: Sequence[Pool]) -> list[str]:
    """Return what is wrong with the endpoint's and its pools' options, naming the key."""
    name = endpoint.options.get("provider")
    provider = PROVIDERS.get(name) if isinstance(name, str) else None
    if provider is None:
        return [f"endpoint_options.provider: {_unknown(name)}"]
    found = _of_endpoint(endpoint, provider)
    return [*found, *(problem for pool in pools for problem in _of_pool(pool, provider, str(name)))]


def warnings(endpoint: Endpoint) -> list[str]:
    """Return what is allowed but unwise: certificates that are not verified, credentials without TLS."""
    name = endpoint.options.get("provider")
    if not isinstance(name, str) or name not in PROVIDERS or _of_endpoint(endpoint, PROVIDERS[name]):
        return []
    options = PROVIDERS[name].options.model_validate(dict(endpoint.options))
    return [
        *tls_warnings(options, endpoint.name),
        *(
            f"endpoint {endpoint.name}: endpoint_options.{key} is http: credentials and user data go in the clear"
            for key, url in options.urls().items()
            if url.startswith("http:")
        ),
    ]


def _unknown(name: object) -> str:
    return "must be given" if not name else f"no map for {name!r}; {closest(str(name), PROVIDERS)}"


def _of_endpoint(endpoint: Endpoint, provider: Provider) -> list[str]:
    found = problems_in(provider.options, endpoint.options, "endpoint_options")
    if not found:
        found = provider.options.model_validate(dict(endpoint.options)).problems()
    return [*found, *_too_many(endpoint, provider)]


def _too_many(endpoint: Endpoint, provider: Provider) -> Iterator[str]:
    """Complain of batches that cannot be asked for within one call's time, where each VM takes a call of its own."""
    if provider.seconds_each is None:
        return
    most = max(1, int(endpoint.client_timeout / provider.seconds_each))
    if endpoint.ramp > most:
        yield (
            f"endpoint_ramp: must be at most {most}: libcloud asks this provider for one VM after the other, and all of"
            f" a batch within endpoint_client_timeout ({endpoint.client_timeout:g} s)"
        )


def _of_pool(pool: Pool, provider: Provider, name: str) -> list[str]:
    found = [_named(problem, pool) for problem in problems_in(PoolOptions, pool.options, "pool_options")]
    for word in sorted(pool.options.keys() & PoolOptions.model_fields.keys()):
        wrong = _of_word(word, provider.words.get(word), pool, name)
        found += [f"pool_options.{word} of {pool.name}: {problem}" for problem in wrong]
    return found


def _of_word(word: str, mapped: Word | None, pool: Pool, name: str) -> Iterator[str]:
    value = pool.options[word]
    if mapped is None:
        yield f"the map of provider {name} has no such word"
    elif mapped.needs and value and not pool.options.get(mapped.needs):
        yield f"needs {mapped.needs} as well"
    elif mapped.most is not None and isinstance(value, list) and len(value) > mapped.most:
        yield f"at most {mapped.most} with provider {name}"


def _named(problem: str, pool: Pool) -> str:
    key, colon, rest = problem.partition(": ")
    return f"{key} of {pool.name}{colon}{rest}"
