"""What a log adds up to, in bounded memory: by tenant, its destinations and denials; sources nobody knows; lines that are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from function_app.attributing.index import Answer, Nobody

_MOST_KEYS = 200_000
"""Different flows that are counted apart; beyond it those seen once are dropped, and the sums say `about`."""
_PLACES_SHOWN = 3


class Trouble(StrEnum):
    """Why a line could not be attributed, or deserves a word."""

    NOT_JSON = "no JSON object"
    TOO_LONG = "longer than 1 MiB, skipped"
    TORN = "the gzip file is cut or damaged there"
    OTHER_TABLE = "of another table"
    LEGACY = "of a legacy category: set the diagnostic setting to resource-specific tables"
    ARRAY = "a JSON array: write one object a line (jq -c '.[]')"
    NO_TIME = "without a time that can be read"
    NO_SOURCE = "without SourceIp"
    NOT_CSV = "no row of this CSV"
    OUT_OF_ORDER = "earlier than the line before (attributed all the same)"


@dataclass(frozen=True, slots=True)
class Flow:
    """What is counted apart; `tenant` is empty for strangers. `explicit` says that a rule decided, and not the default."""

    tenant: str
    destination: str
    port: str
    protocol: str
    application: bool
    denied: bool
    explicit: bool


@dataclass(slots=True)
class Met:
    """How often a trouble was met, and in which lines first."""

    count: int = 0
    lines: list[int] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)


type Key = tuple[str, str, str, str, bool, bool, bool]


class Tally:
    """Counts as lines go by. `flows` is written by the loop that reads lines, in its own time."""

    def __init__(self) -> None:
        self.lines = 0
        self.attributed = 0
        self.flows: dict[Key, int] = {}
        self.sources: Counter[tuple[str, str]] = Counter()
        self.met: dict[Trouble, Met] = {}
        self.dropped = 0

    def trouble(self, what: Trouble, line: int, words: str = "") -> None:
        """Something about a line."""
        met = self.met.setdefault(what, Met())
        met.count += 1
        if len(met.lines) < _PLACES_SHOWN:
            met.lines.append(line)
        if words and (words in met.words or len(met.words) < _PLACES_SHOWN):
            met.words[words] += 1

    def prune(self) -> None:
        """Forget the rarest when there are too many to keep."""
        if len(self.flows) > _MOST_KEYS:
            self.dropped += sum(1 for count in self.flows.values() if count == 1)
            self.flows = {key: count for key, count in self.flows.items() if count > 1}
            if len(self.flows) > _MOST_KEYS // 2:
                kept = sorted(self.flows, key=lambda key: self.flows[key], reverse=True)[: _MOST_KEYS // 2]
                self.dropped += sum(self.flows.values()) - sum(self.flows[key] for key in kept)
                self.flows = {key: self.flows[key] for key in kept}
        if len(self.sources) > _MOST_KEYS:
            self.sources = Counter(dict(self.sources.most_common(_MOST_KEYS // 2)))

    def by_flow(self) -> Iterator[tuple[Flow, int]]:
        """Every flow that is kept, with its count."""
        for (tenant, to, port, protocol, application, denied, explicit), count in self.flows.items():
            # Ports are numbers in JSON and text in CSV.
            yield Flow(tenant, to, str(port or ""), str(protocol or ""), application, denied, explicit), count


def is_stranger(answer: Answer) -> bool:
    """An address that belongs to no tenant."""
    return answer.holding in Nobody
