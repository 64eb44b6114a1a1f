"""What a firewall log adds up to, for a terminal (`attributing.summary`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from function_app.reporting.terminal import indented, named
from function_app.reporting.words import counted, plain

type Row = Mapping[str, Any]

_DESTINATIONS = 3
_STRANGERS = 8
_WHY = {
    "node": "a node's address",
    "free": "of a range that was free then: egressctl whois says who held it last",
    "before-ledger": "older than the ledger",
    "unknown": "never given out then",
    "no-address": "no IPv4 address",
}


def attribute_view(found: Row) -> RenderableType:
    """Tenants, strangers, troubles and what might be allowed."""
    parts: list[RenderableType] = []
    if found["tenants"]:
        parts.append(_tenants(found["tenants"]))
    parts += _strangers(found["strangers"])
    for trouble in found["troubles"]:
        lines = ", ".join(f"{line:,}" for line in trouble["first"])
        words = f" ({plain(', '.join(trouble['words']))})" if trouble["words"] else ""
        parts.append(Text(f"{_lines(trouble['lines'])} {trouble['what']}{words}: line {lines}", style="yellow"))
    parts += _suggestions(found["suggestions"])
    about = " Rare destinations were not kept apart." if found["counts_dropped"] else ""
    parts.append(Text(f"{_lines(found['lines'])}, {found['attributed']:,} attributed.{about}", style="bold"))
    return Group(*parts)


def _tenants(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("tenant", overflow="fold")
    for name in ("lines", "denied"):
        table.add_column(name, justify="right")
    table.add_column("most to", overflow="fold")
    for row in rows:
        to = ", ".join(f"{one['to']}:{one['port']} ({one['lines']:,})" for one in row["destinations"][:_DESTINATIONS])
        denied = Text(f"{row['denied']:,}", style="red" if row["denied"] else "dim")
        table.add_row(plain(row["tenant"]), f"{row['lines']:,}", denied, plain(to))
    return table


def _strangers(found: Row) -> Iterator[RenderableType]:
    count = found["allowed"] + found["denied"]
    if not count:
        return
    yield named("nobody's", f"{_lines(count)}, {found['denied']:,} denied", "yellow")
    for one in found["sources"][:_STRANGERS]:
        yield indented(Text(plain(f"{one['source']}: {one['lines']:,}, {_WHY.get(one['why'], one['why'])}")))


def _suggestions(rows: list[Row]) -> Iterator[RenderableType]:
    tenant = ""
    for row in rows:
        if row["tenant"] != tenant:
            tenant = row["tenant"]
            yield Text(
                plain(f"denied by default; what tenants/{tenant}.yaml could allow, if it is meant to"), style="bold"
            )
        text = yaml.safe_dump([row["allow"]], sort_keys=False, default_flow_style=None, width=200).rstrip()
        yield indented(Text(plain(f"{text}   # {row['denied']:,} denied")))


def _lines(count: int) -> str:
    return counted(count, "line") if count < 1000 else f"{count:,} lines"
