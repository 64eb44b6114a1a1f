"""Calico's selector language, as far as deciding whether somebody's selector hits a gateway of ours needs it.

Source of the grammar: Calico docs, resources/selectors. A selector that does not parse is answered with `None` by `hits`:
the caller must treat it as a possible hit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
_Predicate = Callable[[Labels], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'[^']*'|"[^"]*")
    | (?P<symbol>==|!=|&&|\|\||[!(){},])
    | (?P<word>(?:not\s+in|starts\s+with|ends\s+with)(?![\w./-])|[A-Za-z0-9_][\w./-]*)
    )""",
    re.VERBOSE,
)


class _Unparsable(ValueError):
    """The text is no selector."""


def hits(selector: str, labels: Labels) -> bool | None:
    """Whether the selector matches these labels; None when it cannot be understood."""
    try:
        return _Parser(selector).predicate()(labels)
    except _Unparsable:
        return None


class _Parser:
    """Recursive descent over the tokens of one selector."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def predicate(self) -> _Predicate:
        if not self._tokens:
            return lambda _: False
        found = self._either()
        if self._at != len(self._tokens):
            raise _Unparsable
        return found

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *expected: str) -> str:
        token = self._peek()
        if not token or (expected and token not in expected):
            raise _Unparsable
        self._at += 1
        return token

    def _either(self) -> _Predicate:
        parts = [self._both()]
        while self._peek() == "||":
            self._take()
            parts.append(self._both())
        return lambda labels: any(part(labels) for part in parts)

    def _both(self) -> _Predicate:
        parts = [self._single()]
        while self._peek() == "&&":
            self._take()
            parts.append(self._single())
        return lambda labels: all(part(labels) for part in parts)

    def _single(self) -> _Predicate:
        token = self._take()
        if token == "!":  # noqa: S105 - a token of the language, not a secret
            inner = self._single()
            return lambda labels: not inner(labels)
        if token == "(":  # noqa: S105 - as above
            group = self._either()
            self._take(")")
            return group
        if token in ("all", "global") and self._peek() == "(":
            self._take("(")
            self._take(")")
            everything = token == "all"  # noqa: S105 - as above
            return lambda _: everything
        if token == "has":  # noqa: S105 - as above
            self._take("(")
            key = self._take()
            self._take(")")
            return lambda labels: key in labels
        return self._comparison(token)

    def _comparison(self, key: str) -> _Predicate:
        operator = " ".join(self._take().split())
        if operator in ("in", "not in"):
            values = self._values()
            return lambda labels: (labels.get(key) in values) is (operator == "in")
        value = _unquoted(self._take())
        comparisons: dict[str, _Predicate] = {
            "==": lambda labels: labels.get(key) == value,
            "!=": lambda labels: labels.get(key) != value,
            "contains": lambda labels: value in labels.get(key, "") if key in labels else False,
            "starts with": lambda labels: key in labels and labels[key].startswith(value),
            "ends with": lambda labels: key in labels and labels[key].endswith(value),
        }
        if operator not in comparisons:
            raise _Unparsable
        return comparisons[operator]

    def _values(self) -> frozenset[str]:
        self._take("{")
        values: set[str] = set()
        while self._peek() != "}":
            values.add(_unquoted(self._take()))
            if self._peek() == ",":
                self._take()
        self._take("}")
        return frozenset(values)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Unparsable
        found.append(match.group().strip())
        at = match.end()
    return found


def _unquoted(token: str) -> str:
    if len(token) < 2 or token[0] not in "'\"":
        raise _Unparsable
    return token[1:-1]
