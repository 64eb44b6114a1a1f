"""Calico's selector language over labels: what picks nodes, namespaces, pods and peers.

Grammar as in Tigera docs, reference/resources/networkpolicy "Selectors": `==`, `!=`, `in {..}`, `not in {..}`, `contains`,
`starts with`, `ends with`, `has()`, `all()`, `global()`, `!`, `&&`, `||`, parentheses; values in single or double quotes.
A negative comparison matches what lacks the label. `global()` matches nothing here: all that carries labels in this world
is a namespace, a pod or a node.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

Matches = Callable[[Mapping[str, str]], bool]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'[^']*'|"[^"]*")
      | (?P<symbol>&&|\|\||==|!=|[!(){},])
      | (?P<name>[A-Za-z0-9_./-]+)
    )""",
    re.VERBOSE,
)


class SelectorError(ValueError):
    """A selector that Calico would not parse."""


@lru_cache(maxsize=4096)
def compile_selector(selector: str) -> Matches:
    """A predicate over labels; an empty selector matches everything. Raises SelectorError."""
    if not selector.strip():
        return lambda _labels: True
    return _Parser(selector).parse()


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether the selector picks what bears these labels. Raises SelectorError."""
    return compile_selector(selector)(labels)


class _Parser:
    """Recursive descent over the tokens of one selector."""

    def __init__(self, selector: str) -> None:
        self._selector = selector
        self._tokens = list(self._scan())
        self._at = 0

    def parse(self) -> Matches:
        predicate = self._either()
        if self._at < len(self._tokens):
            raise self._error(f"unexpected {self._tokens[self._at]}")
        return predicate

    def _scan(self) -> Iterator[str]:
        position, end = 0, len(self._selector.rstrip())
        while position < end:
            token = _TOKEN.match(self._selector, position)
            if token is None:
                raise self._error(f"unexpected character {self._selector[position]!r}")
            yield token.group().strip()
            position = token.end()

    def _error(self, what: str) -> SelectorError:
        return SelectorError(f"selector {self._selector!r}: {what}")

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._error("it ends too early")
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _skip(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise self._error(f"{found} where {token} is expected")

    def _either(self) -> Matches:
        predicate = self._both()
        while self._skip("||"):
            predicate = _either(predicate, self._both())
        return predicate

    def _both(self) -> Matches:
        predicate = self._unary()
        while self._skip("&&"):
            predicate = _both(predicate, self._unary())
        return predicate

    def _unary(self) -> Matches:
        if self._skip("!"):
            inner = self._unary()
            return lambda labels: not inner(labels)
        if self._skip("("):
            grouped = self._either()
            self._expect(")")
            return grouped
        name = self._name()
        if name in ("all", "global", "has") and self._skip("("):
            return self._call(name)
        return self._comparison(name)

    def _name(self) -> str:
        token = self._next()
        if not re.fullmatch(r"[A-Za-z0-9_./-]+", token):
            raise self._error(f"{token} where a label is expected")
        return token

    def _call(self, function: str) -> Matches:
        if function == "has":
            label = self._name()
            self._expect(")")
            return lambda labels: label in labels
        self._expect(")")
        return lambda _labels: function == "all"

    def _comparison(self, label: str) -> Matches:
        operator = self._next()
        match operator:
            case "==":
                value = self._string()
                return lambda labels: labels.get(label) == value
            case "!=":
                value = self._string()
                return lambda labels: labels.get(label) != value
            case "in":
                values = self._strings()
                return lambda labels: labels.get(label) in values
            case "not":
                self._expect("in")
                values = self._strings()
                return lambda labels: labels.get(label) not in values
            case "contains":
                value = self._string()
                return lambda labels: label in labels and value in labels[label]
            case "starts":
                self._expect("with")
                value = self._string()
                return lambda labels: label in labels and labels[label].startswith(value)
            case "ends":
                self._expect("with")
                value = self._string()
                return lambda labels: label in labels and labels[label].endswith(value)
        raise self._error(f"{operator} where a comparison is expected")

    def _string(self) -> str:
        token = self._next()
        if token[0] not in "'\"":
            raise self._error(f"{token} where a quoted value is expected")
        return token[1:-1]

    def _strings(self) -> frozenset[str]:
        self._expect("{")
        values: set[str] = set()
        while not self._skip("}"):
            values.add(self._string())
            if not self._skip(","):
                self._expect("}")
                break
        return frozenset(values)


def _either(one: Matches, other: Matches) -> Matches:
    return lambda labels: one(labels) or other(labels)


def _both(one: Matches, other: Matches) -> Matches:
    return lambda labels: one(labels) and other(labels)
