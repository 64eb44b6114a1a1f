"""What a history is made of: actions with plain arguments, registered by name with the words that tell of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Group(StrEnum):
    """Actions of one sort, for the coverage table."""

    ADDED = "tenant added"
    REMOVED = "tenant removed"
    RENUMBERED = "range changed"
    PLACES = "cluster or namespaces changed"
    RULES = "rules changed"
    SHAPE = "replicas, bypass, onRemoval changed"
    BROKEN = "file broken, renamed, repaired"
    TREE = "tree emptied, rewound, swapped"
    SHARED = "rule set, guardrails, drift mode, pace changed"
    CLUSTER = "people on a cluster"
    FIREWALL = "people on the firewall"
    FOREIGN = "foreign things"
    NODES = "nodes"
    FABRIC = "the fabric changes"
    GATEWAYS = "gateways fail"
    AZURE = "Azure fails"
    MEMORY = "ledger or state lost"
    DECISION = "block, forget, waiver, suspension"
    TIME = "time passes"
    PASS = "pass"  # noqa: S105 - a pass, not a password
    TWO = "two passes at once"
    TROUBLE = "calls fail"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that happens; arguments are plain values or another Action."""

    name: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return self.deed.words.format(*self.arguments)

    @property
    def deed(self) -> Deed:
        """What its name stands for."""
        return DEEDS[self.name]


@dataclass(frozen=True, slots=True)
class Deed:
    """How an action is done and told."""

    group: Group
    words: str
    do: Callable[..., None]


DEEDS: dict[str, Deed] = {}


def deed[**P](group: Group, words: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Register a function `(history, *arguments)` under its own name."""

    def register(function: Callable[P, None]) -> Callable[P, None]:
        DEEDS[function.__name__] = Deed(group, words, function)
        return function

    return register
