"""The ledgers of all hubs compiled for a question that is asked a hundred thousand times a second: who was this address then?"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
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


class AddressIndex:
    """`who(address, time)`, by the join of docs/attribution.md."""

    def __init__(self, spans: Iterable[Span], nodes: Mapping[str, str], ledger_begins: datetime | None) -> None:
        """`nodes` maps a cluster to its node subnet; `ledger_begins` is None when no ledger holds anything."""
        self._answers: dict[tuple[str, ...], Answer] = {}
        self._nodes = [(IPv4Network(subnet), cluster) for cluster, subnet in sorted(nodes.items())]
        self._ledger_begins = ledger_begins or END
        self._starts, self._segments = self._compiled(spans)
        self._pieces: dict[str, tuple[Piece, ...]] = {}
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
        pieces = self._pieces.get(address)
        if pieces is None:
            if len(self._pieces) >= _MOST_REMEMBERED:
                self._pieces.clear()
                self._last.clear()
            pieces = self._pieces[address] = self._pieces_of(address)
        place = bisect_right(pieces, moment, key=lambda piece: piece.begins) - 1
        found = pieces[max(place, 0)]
        self._last[address] = found
        return found.answer

    def _pieces_of(self, address: str) -> tuple[Piece, ...]:
        """All of time for one address, without gaps."""
        try:
            number = int(IPv4Address(address))
        except ValueError:
            return (self._piece(BEGINNING, END, self.no_address),)
        spans = self._segments[bisect_right(self._starts, number) - 1] if self._starts else ()
        known = list(spans)
        moments = {BEGINNING, END, *(one.begins for one in known), *(one.ends for one in known if one.ends)}
        if known:
            moments.add(self._ledger_begins)
        borders = sorted(moments)
        return tuple(
            self._piece(begins, ends, self._answer_in(known, number, begins)) for begins, ends in pairwise(borders)
        )

    def _answer_in(self, spans: Sequence[Span], number: int, at: datetime) -> Answer:
        standing = [one for one in spans if one.begins <= at and (one.ends is None or at < one.ends)]
        if standing:
            held = max(standing, key=lambda one: (one.held.since, one.seq)).held
            names = ", ".join(held.namespaces)
            return self._answer(held.tenant, held.cluster, names, held.commit, held.generation, held.holding.value)
        cluster = next((name for subnet, name in self._nodes if IPv4Address(number) in subnet), "")
        if cluster:
            return self._nobody(Nobody.NODE, cluster)
        if not spans:
            return self._nobody(Nobody.UNKNOWN)
        if at < self._ledger_begins:
            return self._nobody(Nobody.BEFORE_LEDGER)
        return self._nobody(Nobody.FREE if any(one.begins <= at for one in spans) else Nobody.UNKNOWN)

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
