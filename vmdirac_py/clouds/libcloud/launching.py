"""One launch: a single call where the provider makes many VMs at once, else a call for each VM."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from vmdirac_py.clouds.api import (
    AnswerLost,
    CloudError,
    Instance,
    LaunchRequest,
    LaunchResult,
    Mark,
    NoCapacity,
    Refusal,
    Throttled,
)
from vmdirac_py.clouds.marks import to_labels

from .cloud import Cloud
from .errors import told_of_change
from .maps import Provider
from .options import PoolOptions
from .reading import instance_of
from .wire import Wire

FEWER = "the cloud gave fewer than asked for"
NO_TIME = "the call's time was over before all were asked for"
NOTHING = "the call was answered, and the answer names no instance"


class Launching:
    """A launch request on its way to one cloud.

    Args:
        request: what is wanted.
        provider: whose map is used.
        cloud: who is asked.
        wire: over which line.
        where: the endpoint's name, for errors.
    """

    def __init__(self, request: LaunchRequest, provider: Provider, cloud: Cloud, wire: Wire, where: str) -> None:
        self._request = request
        self._provider = provider
        self._cloud = cloud
        self._wire = wire
        self._where = where
        self._alike = {**provider.fixed, **self._arguments(_alike(request))}

    def run(self) -> LaunchResult:
        """Ask. Raises CloudError: nothing was launched, or (`AnswerLost`) nobody knows what was."""
        return self._at_once() if self._provider.seconds_each is None else self._one_by_one()

    def _at_once(self) -> LaunchResult:
        mark, wanted = self._request.mark, len(self._request.vms)
        launched = self._ask(mark, name=mark.batch, least=1, most=wanted, token=_token(mark))
        short = wanted - len(launched)
        return LaunchResult(launched, (Refusal(short, NoCapacity.error_class, FEWER),) if short > 0 else ())

    def _one_by_one(self) -> LaunchResult:
        """Ask for one VM after the other; who refuses one is not asked for the rest.

        Each bears its mark from its first moment, so an interruption leaves nothing that a listing would not show.
        """
        launched: list[Instance] = []
        slowest = 0.0
        for vm in self._request.vms:
            before = self._wire.remaining()
            if before < slowest:
                return self._with_rest(launched, Throttled(NO_TIME))
            try:
                launched += self._ask(replace(self._request.mark, vm=vm), name=vm)
            except CloudError as error:
                if isinstance(error, AnswerLost) or not launched:
                    raise
                return self._with_rest(launched, error)
            slowest = max(slowest, before - self._wire.remaining())
        return LaunchResult(tuple(launched))

    def _with_rest(self, launched: Sequence[Instance], error: CloudError) -> LaunchResult:
        rest = len(self._request.vms) - len(launched)
        return LaunchResult(tuple(launched), (Refusal(rest, error.error_class, error.what),))

    def _ask(self, mark: Mark, **particular: Any) -> tuple[Instance, ...]:
        """Call `create_node` once and read its answer; an answer that names nothing is an error. Raises CloudError."""
        arguments = {**self._alike, **self._arguments({**particular, "mark": to_labels(mark)})}
        self._wire.watch(self._provider.changing)
        try:
            made = self._cloud.create(arguments)
            read = tuple(instance_of(node, self._provider, mark) for node in made)
        except Exception as error:  # noqa: BLE001 - libcloud stumbles in any way over what it does not expect
            raise told_of_change(error, self._provider, self._where, self._wire.changed) from None
        if not read:
            raise AnswerLost(NOTHING, where=self._where)
        return read

    def _arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what `create_node` is given for these words. Raises CloudError: a name means nothing there."""
        words = self._provider.words
        return {words[name].keyword: words[name].form(value, self._cloud) for name, value in values.items()}


def _alike(request: LaunchRequest) -> dict[str, Any]:
    """Return what is the same for every VM of a request; a word left empty is not said."""
    said = PoolOptions.model_validate(dict(request.pool.options)).model_dump()
    alike = {"image": request.pool.image, "flavor": request.pool.flavor, "user_data": request.user_data}
    return {**alike, **{word: value for word, value in said.items() if value}}


def _token(mark: Mark) -> str:
    """Return the client token of a batch: 64 characters, the most EC2 takes, and another for each installation."""
    return hashlib.sha256(f"{mark.installation}/{mark.batch}".encode()).hexdigest()
