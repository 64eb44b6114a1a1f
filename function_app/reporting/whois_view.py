"""Who stood behind an address, for a terminal: a few answers in full, many as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from function_app.model.ledger import Holding
from function_app.reporting.terminal import indented, named
from function_app.reporting.words import moment, plain, short

type Row = Mapping[str, Any]

_MOST_IN_FULL = 3
_RULES_SHOWN = 12


def whois_view(found: Row) -> RenderableType:
    """The answer to one question (`service.attribution.attributed`)."""
    rows, nodes = found["held_by"], found["nodes"]
    asked = str(found["address"]).removesuffix("/32")
    at = moment(datetime.fromisoformat(found["at"]))
    parts: list[RenderableType] = []
    for node in nodes:
        parts += _node(node)
    if len(rows) > _MOST_IN_FULL:
        return Group(*parts, _table(rows))
    for row in rows:
        parts += _in_full(row, asked, at)
    return Group(*parts) if parts else Text(f"nobody held {asked} at {at}, nor before")


def _in_full(row: Row, asked: str, at: str) -> Iterator[RenderableType]:
    yield Text(plain(f"{asked} at {at}: {_verdict(row)}"), style="bold")
    yield named("tenant", plain(row["tenant"]))
    yield named("cluster", plain(row["cluster"]))
    yield named("namespaces", plain(_namespaces(row)))
    yield named("range", f"{row['range']}, given out {_at(row['since'])} (generation {plain(row['generation'])})")
    if row["gateway"]:
        yield named("gateway", plain(row["gateway"]))
    for pod in row["pods"]:
        yield named("pod", plain(f"{pod['pod']} on node {pod['node']}, {pod['address']} since {_at(pod['since'])}"))
    yield named("commit", f"{short(row['commit'])} by {plain(row['author']) or 'nobody known'}{_review(row)}")
    yield from _rules(row)


def _verdict(row: Row) -> str:
    match row["holding"]:
        case Holding.QUARANTINED:
            return f"in quarantine since {_at(row['freed_at'])}, last held by {row['tenant']}"
        case Holding.ENDED:
            return f"held by nobody, last by {row['tenant']} (free since {_at(row['ended_at'])})"
        case Holding.LEAVING:
            return f"held by {row['tenant']}, which is leaving"
        case _:
            return f"held by {row['tenant']}{'' if row['namespaces'] or row['formerly'] else ', nothing routed yet'}"


def _namespaces(row: Row) -> str:
    names = ", ".join(row["namespaces"]) or "none then"
    if not row["formerly"]:
        return names
    former = ", ".join(row["formerly"])
    return f"{names}; until {_at(row['unrouted_at'])} {former}, whose older connections may still run over it"


def _review(row: Row) -> str:
    said = [
        *([f"pull request {plain(row['pull_request'])}"] if row["pull_request"] else []),
        *([f"approved by {plain(row['approver'])}"] if row["approver"] else []),
    ]
    return f", {', '.join(said)}" if said else ""


def _rules(row: Row) -> Iterator[RenderableType]:
    rules = row["rules"]
    if rules is None:
        since = row["rules_since"]
        yield named("rules", f"not known for then: those in force now came {_at(since)}" if since else "not known")
        return
    if not rules:
        yield named("rules", "none in force for this range: all is denied")
        return
    yield named("rules", f"in force{f' since {_at(row["rules_since"])}' if row['rules_since'] else ''}")
    for rule in rules[:_RULES_SHOWN]:
        words = f"{rule['name']}: {', '.join(rule['to'])} over {', '.join(rule['over'])}"
        yield indented(Text(plain(words)))
    if len(rules) > _RULES_SHOWN:
        yield indented(Text(f"and {len(rules) - _RULES_SHOWN} more; --output json lists all"))


def _node(node: Row) -> Iterator[RenderableType]:
    which = f"node {node['node']}" if node["node"] else "a node that the newest pass did not see"
    yield Text(plain(f"{node['address']}: unattributed, {which} of {node['cluster']}"), style="bold")
    names = ", ".join(node["namespaces"]) or "none, as of the newest pass"
    yield named("leave as nodes", plain(names))
    if node["seen_at"]:
        yield named("seen", _at(node["seen_at"]))


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in ("range", "tenant", "cluster", "namespaces", "commit", "author", "since", "state"):
        table.add_column(name, overflow="fold")
    for row in rows:
        end = row["ended_at"] or row["freed_at"]
        table.add_row(
            row["range"],
            plain(row["tenant"]),
            plain(row["cluster"]),
            plain(", ".join(row["namespaces"]) or "none"),
            short(row["commit"]),
            plain(row["author"]),
            _at(row["since"]),
            f"{row['holding']}{f' since {_at(end)}' if end else ''}",
        )
    return table


def _at(text: str) -> str:
    return moment(datetime.fromisoformat(text))
