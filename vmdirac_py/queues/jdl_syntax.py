"""The syntax of JDL, checked before DIRAC's own parser sees it: that one is lax and guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from vmdirac_py.base.errors import BadInput

MOST_CHARACTERS = 100_000
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)?")


class BadJdl(BadInput):
    """A job description that cannot be used; `where` names file and line."""


@dataclass(frozen=True, slots=True)
class Token:
    """A character that means something (quoted text counts as one), and its line."""

    text: str
    line: int


def attribute_lines(text: str, where: str) -> dict[str, int]:
    """Check the syntax and return the line of each attribute.

    Raises:
        BadJdl: with the line of what is unbalanced, missing or not JDL.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadJdl(f"longer than {MOST_CHARACTERS} characters", where=where, mend="put data into files")
    tokens = list(_tokens(text, where))
    lines: dict[str, int] = {}
    for statement in _statements(_body(tokens, where), where):
        name, line = _attribute(statement, where)
        if name in lines:
            raise BadJdl(f"{name} is set twice (line {lines[name]} too)", where=f"{where}:{line}", mend="keep one")
        lines[name] = line
    return lines


def _tokens(text: str, where: str) -> Iterator[Token]:
    line = 1
    for match in re.finditer(r'"[^"\n]*"|[^\s"\[\]{}=;,]+|[\[\]{}=;,]|\n|\s|"', text):
        found = match.group()
        if found == '"':
            raise BadJdl("a quote is opened and never closed", where=f"{where}:{line}", mend='add the missing "')
        if any(ord(character) < ord(" ") and not character.isspace() for character in found):
            raise BadJdl("a control character", where=f"{where}:{line}", mend="remove it")
        if found == "\n":
            line += 1
        elif not found.isspace():
            yield Token(found, line)


def _body(tokens: list[Token], where: str) -> list[Token]:
    """Return what stands between the outer brackets, if there are any."""
    if not tokens:
        raise BadJdl("there is nothing in it", where=where, mend='write at least Executable = "...";')
    opened, closed = tokens[0].text == "[", tokens[-1].text == "]"
    if opened != closed:
        line = tokens[0 if opened else -1].line
        raise BadJdl("[ and ] do not match", where=f"{where}:{line}", mend="put the whole job between [ and ]")
    body = tokens[1:-1] if opened else tokens
    for token in body:
        if token.text in {"[", "]"}:
            raise BadJdl("a [ ... ] inside the job", where=f"{where}:{token.line}", mend="lists are written { ... }")
    return body


def _statements(tokens: list[Token], where: str) -> Iterator[list[Token]]:
    """Cut at semicolons; braces must be balanced within each."""
    statement: list[Token] = []
    for token in tokens:
        if token.text != ";":
            statement.append(token)
            continue
        _check_braces(statement, where)
        if statement:
            yield statement
        statement = []
    if statement:
        _check_braces(statement, where)
        yield statement


def _check_braces(statement: list[Token], where: str) -> None:
    opened: list[Token] = []
    for token in statement:
        if token.text == "{":
            opened.append(token)
        elif token.text == "}" and not opened:
            raise BadJdl("a } without its {", where=f"{where}:{token.line}", mend="remove it or add the {")
        elif token.text == "}":
            opened.pop()
    if opened:
        raise BadJdl("a { without its }", where=f"{where}:{opened[-1].line}", mend="close the list before the ;")


def _attribute(statement: list[Token], where: str) -> tuple[str, int]:
    """Check `Name = value`: one value or one list."""
    name = statement[0]
    at = f"{where}:{name.line}"
    if not NAME.fullmatch(name.text):
        raise BadJdl(f"not an attribute's name: {name.text[:40]}", where=at, mend="JDL knows no comments")
    if len(statement) < 2 or statement[1].text != "=":  # noqa: PLR2004 - name and =
        raise BadJdl(f"{name.text} is not followed by =", where=at, mend=f"write {name.text} = value;")
    value = statement[2:]
    if not value:
        raise BadJdl(f"{name.text} has no value", where=at, mend="give it one or remove it")
    _check_value(name, value, where)
    return name.text, name.line


def _check_value(name: Token, value: list[Token], where: str) -> None:
    for token in value:
        if token.text == "=":
            raise BadJdl(f"a ; is missing after {name.text}", where=f"{where}:{token.line}", mend="end each line by ;")
    if value[0].text != "{":
        if len(value) > 1:
            at = f"{where}:{value[1].line}"
            raise BadJdl(f"more than one value for {name.text}", where=at, mend='quote it, or write {"a", "b"}')
        return
    for one, two in pairwise(value):
        if _ends(one) and _begins(two):
            at = f"{where}:{two.line}"
            raise BadJdl(f"a comma is missing in the list {name.text}", where=at, mend="put commas between its entries")


def _ends(token: Token) -> bool:
    return token.text not in {"{", ","}


def _begins(token: Token) -> bool:
    return token.text not in {"}", ","}
