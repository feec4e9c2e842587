"""Every command a page names exists, with the options it is given."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from typer.testing import CliRunner

from vmdirac_py.cli.main import app

from .pages import code, name_of, pages

CALL = re.compile(r"(?<![\w/.-])vmdirac(?: --home \S+)?((?: [^ |;&#\"'(),]+)+)")
WORD = re.compile(r"[a-z]+")
OPTION = re.compile(r"--?[a-z]+(?:-[a-z]+)*")


def problems() -> list[str]:
    """Return every command or option a page names that does not exist."""
    return [f"{name_of(page)}: {problem}" for page in pages() for problem in problems_in(page.read_text())]


def problems_in(text: str) -> list[str]:
    """Return every command or option a text names that does not exist, each once."""
    calls = (call for line in code(text) for call in CALL.findall(line))
    found = (f"`vmdirac{call}`: {problem}" for call in calls for problem in _problems(call.split()))
    return list(dict.fromkeys(found))


def _problems(words: list[str]) -> Iterator[str]:
    path = _path(words)
    if not path:
        return
    told = help_of(path)
    if told is None:
        yield "there is no such command"
        return
    for word in words:
        option = OPTION.match(word)
        if option and not re.search(rf"(?<![\w-]){re.escape(option[0])}(?![\w-])", told):
            yield f"it has no option {option[0]}"


def _path(words: list[str]) -> tuple[str, ...]:
    """Return the command's name: one word, or two where the first names a group."""
    if not WORD.fullmatch(words[0]):
        return ()
    is_group = words[1:] and WORD.fullmatch(words[1]) and "Commands:" in (help_of((words[0],)) or "")
    return tuple(words[:2]) if is_group else (words[0],)


@cache
def help_of(path: tuple[str, ...]) -> str | None:
    """Return the help of a command; None: there is no such command."""
    result = CliRunner().invoke(app, [*path, "--help"], env={"TERMINAL_WIDTH": "200"})
    return result.output if result.exit_code == 0 else None
