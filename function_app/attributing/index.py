"""The ledgers of all hubs compiled for a question that is asked a hundred thousand times a second: who was this address then?"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

from function_app.model.spans import Span

COLUMNS = ("Tenant", "Cluster", "Namespaces", "Commit", "Generation", "Holding")
"""What a line gets."""
BEGINNING = datetime.min.replace(tzinfo=UTC)
END = datetime.max.replace(tzinfo=UTC)
_LONGEST_ADDRESS = len("255.255.255.255")
_MOST_REMEMBERED = 200_000
"""Addresses whose answer is remembered; a scan over a whole /8 must not fill the memory."""


class Nobody(StrEnum):
    """Why a line has no row."""

    NODE = "node"
    FREE = "free"
    BEFORE_LEDGER = "before-ledger"
    UNKNOWN = "unknown"
    NO_ADDRESS = "no-address"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What stands behind a line: the six columns, as values and as they are spliced into a JSON object. One object a meaning."""

    columns: tuple[str, ...]
    spliced: bytes

    @property
    def tenant(self) -> str:
        """Empty for nobody."""
        return self.columns[0]

    @property
    def holding(self) -> str:
        """A holding, or why there is nobody."""
        return self.columns[5]


@dataclass(frozen=True, slots=True)
class Piece:
    """One answer for one address from `begins` until before `ends`.

    `after` and `before` are their seconds as text: a time whose first 19 characters lie strictly between is inside without being
    read as a time.
    """

    begins: datetime
    ends: datetime
    after: str
    before: str
    answer: Answer


type Timeline = tuple[list[datetime], tuple[Piece, ...]]
"""Pieces in their order, and beside them when each begins."""


class AddressIndex:
    """`who(address, time)`, by the join of docs/attribution.md."""

    def __init__(self, spans: Iterable[Span], nodes: Mapping[str, str], ledger_begins: datetime | None) -> None:
        """`nodes` maps a cluster to its node subnet; `ledger_begins` is None when no ledger holds anything."""
        self._answers: dict[tuple[str, ...], Answer] = {}
        self._nodes = [(IPv4Network(subnet), cluster) for cluster, subnet in sorted(nodes.items())]
        self._ledger_begins = ledger_begins or END
        self._starts, self._segments = self._compiled(spans)
        self._compiled_parts: dict[int, Timeline] = {}
        self._pieces: dict[str, Timeline] = {}
        self._last: dict[str, Piece] = {}
        self.no_address = self._nobody(Nobody.NO_ADDRESS)

    def who(self, address: str, at: str) -> Answer:
        """The answer for `SourceIp` and `TimeGenerated` as they stand in a line; raises ValueError for a time that is none."""
        last = self._last.get(address)
        if last is not None and last.after < at[:19] < last.before and at[-1] == "Z":
            return last.answer
        return self._looked_up(address, at)

    def _looked_up(self, address: str, at: str) -> Answer:
        if len(address) > _LONGEST_ADDRESS:
            return self.no_address
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        known = self._pieces.get(address)
        if known is None:
            if len(self._pieces) >= _MOST_REMEMBERED:
                self._pieces.clear()
                self._last.clear()
            known = self._pieces[address] = self._pieces_of(address)
        begins, pieces = known
        found = self._last[address] = pieces[max(bisect_right(begins, moment) - 1, 0)]
        return found.answer

    def _pieces_of(self, address: str) -> Timeline:
        """All of time for one address, without gaps; addresses of one part share it."""
        try:
            number = int(IPv4Address(address))
        except ValueError:
            return _timeline((self._piece(BEGINNING, END, self.no_address),))
        part = bisect_right(self._starts, number) - 1
        if not self._segments[part]:
            return _timeline((self._piece(BEGINNING, END, self._beside(number)),))
        if part not in self._compiled_parts:
            self._compiled_parts[part] = _timeline(tuple(self._swept(self._segments[part], number)))
        return self._compiled_parts[part]

    def _swept(self, spans: Sequence[Span], number: int) -> Iterator[Piece]:
        """Pieces from the beginning to the end of time, in one walk over rows in the order of their beginnings."""
        moments = {
            BEGINNING,
            END,
            self._ledger_begins,
            *(one.begins for one in spans),
            *(one.ends or END for one in spans),
        }
        standing: list[Span] = []
        seen = 0
        for begins, ends in pairwise(sorted(moments)):
            standing = [one for one in standing if one.ends is None or begins < one.ends]
            while seen < len(spans) and spans[seen].begins <= begins:
                standing.append(spans[seen])
                seen += 1
            yield self._piece(begins, ends, self._answer_in(standing, number, begins, anybody=seen > 0))

    def _answer_in(self, standing: Sequence[Span], number: int, at: datetime, *, anybody: bool) -> Answer:
        if standing:
            held = max(standing, key=lambda one: (one.held.since, one.seq)).held
            names = ", ".join(held.namespaces)
            return self._answer(held.tenant, held.cluster, names, held.commit, held.generation, held.holding.value)
        if at < self._ledger_begins:
            return self._nobody(Nobody.BEFORE_LEDGER)
        return self._nobody(Nobody.FREE) if anybody else self._beside(number)

    def _beside(self, number: int) -> Answer:
        """An address that no tenant was ever given: a node's, or nobody's."""
        cluster = next((name for subnet, name in self._nodes if IPv4Address(number) in subnet), "")
        return self._nobody(Nobody.NODE, cluster) if cluster else self._nobody(Nobody.UNKNOWN)

    def _nobody(self, why: Nobody, cluster: str = "") -> Answer:
        return self._answer("", cluster, "", "", "", why.value)

    def _answer(self, *columns: str) -> Answer:
        found = self._answers.get(columns)
        if found is None:
            spliced = json.dumps(dict(zip(COLUMNS, columns, strict=True)), separators=(",", ":"))[1:].encode()
            found = self._answers[columns] = Answer(columns, spliced)
        return found

    @staticmethod
    def _piece(begins: datetime, ends: datetime, answer: Answer) -> Piece:
        return Piece(begins, ends, begins.isoformat()[:19], ends.isoformat()[:19], answer)

    @staticmethod
    def _compiled(spans: Iterable[Span]) -> tuple[list[int], list[tuple[Span, ...]]]:
        """Addresses cut where any range begins or ends, and the rows that lie over each part."""
        by_range: dict[IPv4Network, list[Span]] = {}
        for span in spans:
            by_range.setdefault(span.held.range, []).append(span)
        edges = sorted(
            {0, *(int(one.network_address) for one in by_range), *(int(one.broadcast_address) + 1 for one in by_range)}
        )
        parts: list[list[Span]] = [[] for _ in edges]
        for network, found in by_range.items():
            first = bisect_right(edges, int(network.network_address)) - 1
            behind = bisect_right(edges, int(network.broadcast_address))
            for place in range(first, behind):
                parts[place].extend(found)
        return edges, [tuple(sorted(part, key=lambda one: (one.begins, one.seq))) for part in parts]


def _timeline(pieces: tuple[Piece, ...]) -> Timeline:
    return [piece.begins for piece in pieces], pieces
