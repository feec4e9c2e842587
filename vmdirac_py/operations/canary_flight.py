"""One instance from its launch to its end: what a cloud shows of it on the way. The ledger is no part of this."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import cast

from vmdirac_py.clouds.api import AnswerLost, CloudEndpoint, CloudError, Finding, Instance, LaunchRequest, WithConsole
from vmdirac_py.model.inventory import Endpoint

NAP = 2.0  # seconds between two looks
END_SECONDS = 300.0  # within which it must be gone after it was ended
MOST_SHOWN = 200  # characters of a console
WORD = "vmdirac-canary"
"""What its user data writes."""
LOOK_YOURSELF = "look for it with the cloud's own tools; the scheduler ends what it finds of it"


@dataclass(frozen=True, slots=True)
class Watch:
    """How time passes (`now` in epoch seconds, `nap` for so many seconds), and who is told how far it is."""

    now: Callable[[], float]
    nap: Callable[[float], None]
    say: Callable[[str], None]

    def until(self, true: Callable[[], bool], seconds: float) -> bool:
        """Ask again and again until it is true, or `seconds` are over."""
        end = self.now() + seconds
        while not true():
            if self.now() >= end:
                return False
            self.nap(NAP)
        return True


@dataclass
class Flight:
    """A canary's life.

    Args:
        driver: of its endpoint.
        endpoint: for its timeouts.
        request: what is launched; its batch must be of its own.
        seconds: how long it is waited for until it is seen, and for the first word on its console.
        watch: time and a listener.
        bind: is told of each instance as soon as it is known.
    """

    driver: CloudEndpoint
    endpoint: Endpoint
    request: LaunchRequest
    seconds: float
    watch: Watch
    bind: Callable[[Instance], None]
    known: set[str] = field(default_factory=set)
    listed: tuple[Instance, ...] = ()
    """What bore its mark in the last listing that showed any."""
    doubtful: bool = True
    """Whether the cloud may still give an instance we do not know of."""
    over: bool = False
    """Whether it is certain that nothing of it is left."""

    def fly(self) -> list[Finding]:
        """Launch, look and end it; it is ended whatever happens, also when a person loses patience."""
        findings: list[Finding] = []
        try:
            findings.extend(self._look())
        except KeyboardInterrupt:
            self.watch.say("stopped; what was started is being ended")
            findings.append(Finding("canary", ok=False, text="somebody stopped it before it was over"))
        finally:
            findings.append(self._end())
        return findings

    def _look(self) -> Iterator[Finding]:
        began = self.watch.now()
        yield self._launch()
        if not (self.known or self.doubtful):
            return
        if not self.watch.until(self._seen, self.seconds):
            yield Finding("listing", ok=False, text=f"not listed within {self.seconds:.0f} s", mend=LOOK_YOURSELF)
            return
        (instance, *more) = self.listed
        yield _listing(instance, more, self.watch.now() - began)
        yield self._mark(instance)
        if hasattr(self.driver, "console") and not instance.terminal:
            yield self._console(cast("WithConsole", self.driver), instance.id)

    def _launch(self) -> Finding:
        self.watch.say(f"asking for one VM of pool {self.request.pool.name}")
        # The answer names what is to be ended: it is waited for also when a person loses patience meanwhile.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._ask).result()

    def _ask(self) -> Finding:
        try:
            result = self.driver.launch(self.request)
        except AnswerLost as error:
            return refused("launch", error)
        except CloudError as error:
            self.doubtful = False
            return refused("launch", error)
        self._meet(result.launched)
        self.doubtful = False
        if not result.launched:
            text = "; ".join(f"{one.text} ({one.error_class})" for one in result.refused) or "the cloud gave none"
            return Finding("launch", ok=False, text=text, mend="wait for capacity, or choose another flavor")
        return Finding("launch", ok=True, text=f"the cloud took it as {', '.join(sorted(self.known))}")

    def _meet(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            if instance.id not in self.known:
                self.known.add(instance.id)
                self.bind(instance)

    def _mine(self) -> tuple[Instance, ...]:
        """Return what a listing shows of it. Raises CloudError."""
        batch = self.request.mark.batch
        return tuple(one for one in self.driver.instances() if one.mark.batch == batch or one.id in self.known)

    def _seen(self) -> bool:
        try:
            found = self._mine()
        except CloudError as error:
            self.watch.say(f"no listing: {error}")
            return False
        self._meet(found)
        self.listed = found or self.listed
        self.watch.say(f"{found[0].id} is listed as {found[0].state}" if found else "not listed yet")
        return bool(found)

    def _mark(self, instance: Instance) -> Finding:
        same = replace(instance.mark, vm="") == replace(self.request.mark, vm="")
        text = "it bears our mark" if same else f"it bears {instance.mark}, not {self.request.mark}"
        return Finding("mark", ok=same, text=text, mend="" if same else "this driver cannot be used with this cloud")

    def _console(self, driver: WithConsole, instance: str) -> Finding:
        texts = [""]

        def written() -> bool:
            texts.append(driver.console(instance).strip())
            self.watch.say(f"its console holds {len(texts[-1])} characters")
            return bool(texts[-1])

        try:
            self.watch.until(written, self.seconds)
        except CloudError as error:
            return refused("console", error)
        ran = "it ran our user data; " if WORD in texts[-1] else ""
        return Finding("console", ok=True, text=f"{ran}{_shown(texts[-1], self.seconds)}")

    def _end(self) -> Finding:
        """End whatever there is of it, and see it gone."""
        late = self.endpoint.listing_lag + (self.endpoint.client_timeout if self.doubtful else 0.0)
        if (self.known or self.doubtful) and not self.listed:
            self.watch.until(self._seen, late)
        if not self.known:
            self.over = not self.doubtful
            text = f"nothing of it showed up within {late:.0f} s" if self.doubtful else "nothing of it was started"
            return Finding("end", ok=self.over, text=text, mend="" if self.over else LOOK_YOURSELF)
        self.watch.say(f"ending {', '.join(sorted(self.known))}")
        gone = self.watch.until(self._told_to_end, END_SECONDS) and self.watch.until(self._gone, END_SECONDS)
        # Where it was never listed, its absence proves nothing: the cloud's listings may lag.
        self.over = gone and bool(self.listed)
        text = "it is gone" if self.over else "it was told to end, and nobody saw it gone"
        return Finding("end", ok=self.over, text=text, mend="" if self.over else LOOK_YOURSELF)

    def _told_to_end(self) -> bool:
        try:
            self.driver.terminate(sorted(self.known))
        except CloudError as error:
            self.watch.say(f"not ended yet: {error}")
            return False
        return True

    def _gone(self) -> bool:
        try:
            return all(instance.terminal for instance in self._mine())
        except CloudError as error:
            self.watch.say(f"no listing: {error}")
            return False


def refused(about: str, error: CloudError) -> Finding:
    """Return what a cloud's refusal means to who looks."""
    where = f"{error.where}: " if error.where else ""
    return Finding(about, ok=False, text=f"{where}{error.what} ({error.error_class})", mend=error.mend)


def _listing(instance: Instance, more: Sequence[Instance], took: float) -> Finding:
    text = f"listed as {instance.state} after {took:.0f} s"
    if more:
        return Finding("listing", ok=False, text=f"{text}, and {len(more)} more nobody asked for")
    if instance.terminal or instance.fault:
        return Finding("listing", ok=False, text=f"{text}: {instance.fault or 'it ended by itself'}")
    return Finding("listing", ok=True, text=" ".join([text, *([f"at {instance.address}"] if instance.address else [])]))


def _shown(text: str, seconds: float) -> str:
    if not text:
        return f"nothing was written within {seconds:.0f} s"
    return f"{len(text)} characters, the last: {' '.join(text[-MOST_SHOWN:].split())}"
