"""The cloud's notice that it takes a VM back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from tests.doubles.spot_notice import ACTION, spot_notice
from vmdirac_py.worker import notice
from vmdirac_py.worker.notice import Notice, Taking

SAID = '{"action": "terminate", "time": "2027-09-18T08:22:00Z"}'
TAKING = Taking("terminate", datetime(2027, 9, 18, 8, 22, tzinfo=UTC).timestamp())


def _unheard(_: Taking) -> None:
    pytest.fail("nobody asked to be told")


@pytest.mark.parametrize("sessions", [True, False])
def test_a_notice_is_read(*, sessions: bool) -> None:
    """There is none until there is one, with a session's token where the service wants one."""
    with spot_notice(sessions=sessions) as cloud:
        looking = Notice(cloud.address, _unheard)
        assert looking.look() is None
        cloud.notice = SAID
        assert looking.look() == TAKING
        assert [one for one in cloud.asked if "token" in one] == (["PUT /latest/api/token"] if sessions else [])


@pytest.mark.parametrize(
    "text",
    ["<html>", "[]", "{}", '{"action": "terminate"}', '{"action": "stop", "time": "soon"}', '{"time": 7}', "\xff"],
)
def test_what_is_no_notice_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A service that says something else takes no VM away, and is complained of once."""
    with spot_notice() as cloud:
        cloud.notice = text
        looking = Notice(cloud.address, _unheard)
        assert [looking.look() for _ in range(3)] == [None] * 3
    assert capsys.readouterr().err.count("not understood") == 1


def test_a_service_that_is_not_there_tells_nothing() -> None:
    """Neither a closed port nor a refused token is a notice."""
    with spot_notice() as cloud:
        gone = cloud.address
    assert Notice(gone, _unheard).look() is None
    with spot_notice(sessions=True) as cloud:
        cloud.answer = lambda *_: (401, "")  # type: ignore[method-assign]
        assert Notice(cloud.address, _unheard).look() is None


def test_what_gives_nonsense_for_a_token_tells_nothing() -> None:
    """Something else that answers there does not end the looking."""
    with spot_notice() as cloud:
        cloud.answer = lambda method, *_: (200, "<p>\nno\n</p>") if method == "PUT" else (401, "")  # type: ignore[method-assign]
        assert Notice(cloud.address, _unheard).look() is None


def test_it_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it hears of it, without having asked again."""
    monkeypatch.setattr(notice, "_SECONDS", 0.01)
    heard, told = list[Taking](), threading.Event()

    def taken(taking: Taking) -> None:
        heard.append(taking)
        told.set()

    with spot_notice() as cloud:
        Notice(cloud.address, taken).start()
        cloud.notice = SAID
        assert told.wait(20)
        looks = cloud.asked.count(f"GET {ACTION}")
    assert heard == [TAKING]
    assert looks >= 1


def test_without_an_address_nothing_is_looked_at() -> None:
    """Where no cloud tells, no thread is started."""
    before = threading.active_count()
    Notice("", _unheard).start()
    assert threading.active_count() == before
