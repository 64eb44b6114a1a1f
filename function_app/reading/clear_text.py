"""Texts in which nothing is unusual, read fast: values alone, without their places, by libyaml's events.

Nearly every definition is such a text. Whatever readers of YAML could differ in, and whatever may be a mistake, is left to
`documents`, which reads it again and words it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

import yaml

from function_app.reading.plain_scalars import INTEGER, ambiguity

type Value = str | int | bool | list[Value] | dict[str, Value] | None

MAX_DEPTH = 20
MAX_NODES = 20_000

# Control characters, line separators that editors hide, and marks that turn or hide text on the screen.
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)
FAST = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""libyaml's events come ten times as fast as those of PyYAML's own parser."""


class Unusual(Exception):
    """Not what a definition usually looks like: whether it is wrong, and in which words, `documents` tells."""


@dataclass(slots=True)
class ClearText:
    """Builds the values of a text in which nothing is unusual, without looking where they stand."""

    root: Value = None
    node: list[Value] | dict[str, Value] | None = None
    pending: str | None = None
    outer: list[tuple[list[Value] | dict[str, Value] | None, str | None]] = field(default_factory=list)
    nodes: int = 0
    documents: int = 0

    def read(self, text: str) -> dict[str, Value]:
        """The whole text; raises Unusual, and what the parser raises."""
        for event in yaml.parse(text, Loader=FAST):
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.MappingStartEvent():
                    self._open(event, {})
                case yaml.SequenceStartEvent():
                    self._open(event, [])
                case yaml.CollectionEndEvent():
                    self.node, self.pending = self.outer.pop()
                case yaml.DocumentStartEvent():
                    self.documents += 1
                    if self.documents > 1 or event.version or event.tags:
                        raise Unusual
                case yaml.AliasEvent():
                    raise Unusual
        if not isinstance(self.root, dict):
            raise Unusual
        return self.root

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._count(event)
        text, node = event.value, self.node
        if event.style and INVISIBLE.search(text):
            raise Unusual
        if isinstance(node, dict) and self.pending is None:
            if text in node or not (event.style or _is_clear_key(text)):
                raise Unusual
            self.pending = text
        else:
            self._place(text if event.style else _plain_value(text))

    def _open(self, event: yaml.CollectionStartEvent, value: list[Value] | dict[str, Value]) -> None:
        self._count(event)
        if (isinstance(self.node, dict) and self.pending is None) or len(self.outer) >= MAX_DEPTH:
            raise Unusual
        self._place(value)
        self.outer.append((self.node, self.pending))
        self.node, self.pending = value, None

    def _count(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES or event.anchor is not None or event.tag is not None:
            raise Unusual

    def _place(self, value: Value) -> None:
        node = self.node
        if isinstance(node, list):
            node.append(value)
        elif node is not None and self.pending is not None:
            node[self.pending] = value
            self.pending = None
        else:
            self.root = value


@lru_cache(maxsize=16_384)
def _is_clear_key(text: str) -> bool:
    """Whether every reader takes this unquoted key for text."""
    return text not in {"<<", "", "null", "true", "false"} and not INTEGER.fullmatch(text) and not ambiguity(text)


@lru_cache(maxsize=16_384)
def _plain_value(text: str) -> str | int | bool | None:
    """What an unquoted text means; raises Unusual where readers differ."""
    if ambiguity(text):
        raise Unusual
    if text in {"", "null"}:
        return None
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if INTEGER.fullmatch(text) else text
