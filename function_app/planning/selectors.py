"""Calico's selector language, as far as deciding whether somebody's selector hits a gateway of ours needs it.

Source of the grammar: Calico docs, resources/selectors. A selector that does not parse is answered with `None` by `hits`:
the caller must treat it as a possible hit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

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


@dataclass(frozen=True, slots=True)
class Selector:
    """A selector that was understood. `required` are labels without which nothing is selected."""

    matches: _Predicate
    required: Labels = field(default_factory=dict)


def hits(selector: str, labels: Labels) -> bool | None:
    """Whether the selector matches these labels; None when it cannot be understood."""
    found = parsed(selector)
    return None if found is None else found.matches(labels)


@lru_cache(maxsize=16_384)
def parsed(text: str) -> Selector | None:
    """A selector's meaning, None when it cannot be understood; every namespace's is read again in every pass."""
    try:
        return _Parser(text).selector()
    except _Unparsable:
        return None


class _Parser:
    """Recursive descent over the tokens of one selector."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0

    def selector(self) -> Selector:
        if not self._tokens:
            return Selector(lambda _: False)
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

    def _either(self) -> Selector:
        parts = [self._both()]
        while self._peek() == "||":
            self._take()
            parts.append(self._both())
        if len(parts) == 1:
            return parts[0]
        return Selector(lambda labels: any(part.matches(labels) for part in parts))

    def _both(self) -> Selector:
        parts = [self._single()]
        while self._peek() == "&&":
            self._take()
            parts.append(self._single())
        if len(parts) == 1:
            return parts[0]
        required = {key: value for part in parts for key, value in part.required.items()}
        return Selector(lambda labels: all(part.matches(labels) for part in parts), required)

    def _single(self) -> Selector:
        token = self._take()
        if token == "!":  # noqa: S105 - a token of the language, not a secret
            inner = self._single()
            return Selector(lambda labels: not inner.matches(labels))
        if token == "(":  # noqa: S105 - as above
            group = self._either()
            self._take(")")
            return group
        if token in ("all", "global") and self._peek() == "(":
            self._take("(")
            self._take(")")
            everything = token == "all"  # noqa: S105 - as above
            return Selector(lambda _: everything)
        if token == "has":  # noqa: S105 - as above
            self._take("(")
            key = self._take()
            self._take(")")
            return Selector(lambda labels: key in labels)
        return self._comparison(token)

    def _comparison(self, key: str) -> Selector:
        operator = " ".join(self._take().split())
        if operator in ("in", "not in"):
            values = self._values()
            return Selector(lambda labels: (labels.get(key) in values) is (operator == "in"))
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
        return Selector(comparisons[operator], {key: value} if operator == "==" else {})

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
