"""The picture of who holds what: a cluster's egress range as rows of a power of two, each range as one rectangle or whole rows.

Free rows in a row are folded into one, so that a large range with few tenants stays small.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from zlib import crc32

WIDTH, ROW, GAP = 1024, 22, 3
"""Of the picture, in its own units."""
_MOST_ROWS_BITS = 6
_HUES = 6
_FOLDED_FROM = 3
"""Free rows."""
_CHARACTER = 6.6
"""About how wide a letter of a label is."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a range: `state` is routed, waiting, leaving or quarantined."""

    tenant: str
    cluster: str
    range: IPv4Network
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One rectangle. `hue` tells neighbours apart; `label` is empty where it would not fit."""

    x: float
    y: int
    width: float
    height: int
    hue: int
    label: str
    holder: Holder


@dataclass(frozen=True, slots=True)
class Row:
    """One row, with its first address; `words` say how many free ones it stands for."""

    y: int
    first: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """One cluster's range."""

    cluster: str
    egress: IPv4Network
    height: int
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]
    taken: int

    @property
    def words(self) -> str:
        """What somebody is told who cannot see it."""
        ranges = "1 range" if len(self.cells) == 1 else f"{len(self.cells)} ranges"
        return f"{self.egress} of {self.cluster}: {ranges} given out, {self.taken:,} of {self.egress.num_addresses:,} addresses"


def picture_of(cluster: str, egress: IPv4Network, holders: Iterable[Holder]) -> Picture:
    """Lay out what lies inside; a range outside, or with a wrong cluster's name, is none of it."""
    bits = 32 - egress.prefixlen
    row_bits = max(bits - min(max((bits + 1) // 2 - 1, 0), _MOST_ROWS_BITS), 0)
    rows = 1 << (bits - row_bits)
    inside = sorted(
        (one for one in holders if one.cluster == cluster and one.range.subnet_of(egress)),
        key=lambda one: (one.range.network_address, one.range.prefixlen),
    )
    places, shown = _rows(egress, row_bits, rows, inside)
    cells = tuple(_cell(one, egress, row_bits, places) for one in inside)
    taken = sum(one.range.num_addresses for one in inside)
    return Picture(cluster, egress, len(shown) * ROW, cells, shown, taken)


def _rows(
    egress: IPv4Network, row_bits: int, rows: int, inside: Iterable[Holder]
) -> tuple[dict[int, int], tuple[Row, ...]]:
    """Where each row that holds something stands, and all that is shown."""
    first = int(egress.network_address)
    used = {
        row
        for one in inside
        for row in range(
            (int(one.range.network_address) - first) >> row_bits,
            ((int(one.range.broadcast_address) - first) >> row_bits) + 1,
        )
    }
    places: dict[int, int] = {}
    shown: list[Row] = []
    row = 0
    while row < rows:
        free = next((behind - row for behind in range(row, rows) if behind in used), rows - row)
        run = free if free >= _FOLDED_FROM else 1
        if run == 1:
            places[row] = len(shown) * ROW
        words = f"{run << row_bits:,} free addresses" if run > 1 else ""
        shown.append(Row(len(shown) * ROW, str(IPv4Address(first + (row << row_bits))), words))
        row += run
    return places, tuple(shown)


def _cell(holder: Holder, egress: IPv4Network, row_bits: int, places: Mapping[int, int]) -> Cell:
    offset = int(holder.range.network_address) - int(egress.network_address)
    row, inside = offset >> row_bits, offset & ((1 << row_bits) - 1)
    scale = WIDTH / (1 << row_bits)
    width = min(holder.range.num_addresses, 1 << row_bits) * scale
    height = max(1, holder.range.num_addresses >> row_bits) * ROW
    fits = width - 10 >= len(holder.tenant) * _CHARACTER
    return Cell(
        x=round(inside * scale + 1, 1),
        y=places[row] + 1,
        width=round(max(width - GAP, 1), 1),
        height=height - GAP,
        hue=crc32(holder.tenant.encode()) % _HUES,
        label=holder.tenant if fits else "",
        holder=holder,
    )
