"""`egress_flows.kql` restated in Python, statement by statement: Kusto's parser can be had here, its engine cannot.

Each property is one statement of the query, which its docstring quotes; a test holds the quotes against the file, so that nobody
changes one side alone. That the query is one, test_kusto.py shows; that Kusto means by its operators what is meant here, only a
workspace can prove (docs/not-proven.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network
from typing import Any

type Row = dict[str, Any]
type Rows = list[Row]

GENERATION = ("hub", "generation")
RECORD = ("hub", "generation", "seq")
PIECE = ("SourceIp", "moment")
HOLDER = ("tenant", "cluster", "names", "commit", "generation", "holding")


@dataclass(frozen=True)
class Workspace:
    """Two tables, the time, the function's parameter; and what the query makes of them."""

    app_traces: Rows
    firewall: Rows
    now: datetime
    since: timedelta

    @cached_property
    def records(self) -> Rows:
        """Each record that was told within the time, once.

        let records = AppTraces
            | where TimeGenerated > ago(since + 3d) and Message has "ledger.recorded"
            | extend r = parse_json(Message)
            | where tostring(r.event) == "ledger.recorded"
            | extend hub = tostring(r.hub), seq = tolong(r.seq)
            | summarize arg_max(TimeGenerated, r) by hub, seq
            | project hub, seq, at = todatetime(r.at), what = tostring(r.kind), tenant = tostring(r.tenant),
                cluster = tostring(r.cluster), generation = tostring(r.generation), prefix = tostring(r.range),
                namespaces = r.namespaces, commit = tostring(r.commit);
        """
        told = [
            {**json.loads(row["Message"]), "TimeGenerated": row["TimeGenerated"]}
            for row in self.app_traces
            if row["TimeGenerated"] > self.now - (self.since + timedelta(days=3))
            and "ledger.recorded" in row["Message"]
        ]
        told = [row for row in told if row["event"] == "ledger.recorded"]
        return [
            {
                **{
                    name: row[name]
                    for name in ("hub", "seq", "tenant", "cluster", "generation", "namespaces", "commit")
                },
                "what": row["kind"],
                "at": datetime.fromisoformat(row["at"]),
                "prefix": row["range"],
            }
            for row in arg_max(told, "TimeGenerated", ("hub", "seq"))
        ]

    @cached_property
    def past(self) -> Rows:
        """Each record beside all of its generation up to itself.

        let past = records
            | project hub, generation, seq
            | join kind=inner (records | project hub, generation, known = seq, then = at, did = what, about = namespaces)
                on hub, generation
            | where known <= seq;
        """
        renamed = {
            "hub": "hub",
            "generation": "generation",
            "seq": "known",
            "at": "then",
            "what": "did",
            "namespaces": "about",
        }
        left = [only(row, *GENERATION, "seq") for row in self.records]
        right = [{new: row[old] for old, new in renamed.items()} for row in self.records]
        return [row for row in joined(left, right, GENERATION) if row["known"] <= row["seq"]]

    @cached_property
    def pointing(self) -> Rows:
        """The namespaces that point at a generation after each record.

        let pointing = past
            | where did in ("route", "unroute")
            | mv-expand namespace = about to typeof(string)
            | summarize arg_max(known, did) by hub, generation, seq, namespace
            | where did == "route"
            | summarize names = strcat_array(array_sort_asc(make_set(namespace)), ", ") by hub, generation, seq;
        """
        routing = [row for row in self.past if row["did"] in ("route", "unroute")]
        each = [{**row, "namespace": name} for row in routing for name in row["about"]]
        newest = [row for row in arg_max(each, "known", (*RECORD, "namespace")) if row["did"] == "route"]
        return [
            {**dict(zip(RECORD, key, strict=True)), "names": ", ".join(sorted({row["namespace"] for row in group}))}
            for key, group in grouped(newest, RECORD)
        ]

    @cached_property
    def held(self) -> Rows:
        """Who holds after each record, by which commit and how far it has come.

        let held = past
            | summarize given = minif(then, did == "reserve"), reserved = maxif(known, did == "reserve"),
                leave = maxif(known, did == "leave"), freed = maxif(known, did == "freed"),
                ended = maxif(known, did == "quarantine_end"), named = maxif(known, did in ("reserve", "route"))
                by hub, generation, seq
            | where isnotnull(reserved) and isnull(ended)
            | extend holding = case(isnotnull(freed), "quarantined", isnotnull(leave) and leave > reserved, "leaving", "held")
            | lookup kind=inner (records | project hub, named = seq, commit) on hub, named
            | project hub, generation, seq, given, holding, commit;
        """
        found = []
        for key, group in grouped(self.past, RECORD):
            by_kind = {
                name: max((row["known"] for row in group if row["did"] in kinds), default=None)
                for name, kinds in {
                    "reserved": ("reserve",), "leave": ("leave",), "freed": ("freed",), "ended": ("quarantine_end",),
                    "named": ("reserve", "route"),
                }.items()
            }  # fmt: skip
            given = min((row["then"] for row in group if row["did"] == "reserve"), default=None)
            if by_kind["reserved"] is None or by_kind["ended"] is not None:
                continue
            leaving = by_kind["leave"] is not None and by_kind["leave"] > by_kind["reserved"]
            holding = "quarantined" if by_kind["freed"] is not None else "leaving" if leaving else "held"
            row = {**dict(zip(RECORD, key, strict=True)), "given": given, "holding": holding, "named": by_kind["named"]}
            found.append(row)
        commits = [{"hub": row["hub"], "named": row["seq"], "commit": row["commit"]} for row in self.records]
        return [only(row, *RECORD, "given", "holding", "commit") for row in joined(found, commits, ("hub", "named"))]

    @cached_property
    def rows(self) -> Rows:
        """The rows of docs/attribution.md that reach into the time asked about.

        let rows = records
            | sort by hub asc, generation asc, seq asc
            | extend ends = iff(next(hub) == hub and next(generation) == generation, next(at), datetime(null))
            | where isnull(ends) or ends > ago(since)
            | project hub, generation, seq, tenant, cluster, prefix, begins = at, ends
            | lookup kind=inner held on hub, generation, seq
            | lookup kind=leftouter pointing on hub, generation, seq
            | sort by given asc, seq asc
            | extend rank = row_number();
        """
        ordered = sorted(self.records, key=lambda row: (row["hub"], row["generation"], row["seq"]))
        spanned = [
            {
                **only(row, *RECORD, "tenant", "cluster", "prefix"),
                "begins": row["at"],
                "ends": following["at"] if following and same(row, following, GENERATION) else None,
            }
            for row, following in with_next(ordered)
        ]
        spanned = [row for row in spanned if row["ends"] is None or row["ends"] > self.now - self.since]
        found = left_joined(joined(spanned, self.held, RECORD), self.pointing, RECORD, ("names",))
        found.sort(key=lambda row: (row["given"], row["seq"]))
        return [{**row, "rank": rank} for rank, row in enumerate(found, start=1)]

    @cached_property
    def lines(self) -> Rows:
        """The firewall's lines.

        let lines = union AZFWApplicationRule, AZFWNetworkRule
            | where TimeGenerated > ago(since);
        """
        return [row for row in self.firewall if row["TimeGenerated"] > self.now - self.since]

    @cached_property
    def addresses(self) -> Rows:
        """Their sources.

        let addresses = lines
            | distinct SourceIp;
        """
        return [{"SourceIp": one} for one in {row["SourceIp"] for row in self.lines}]

    @cached_property
    def candidates(self) -> Rows:
        """Each address beside every row whose range it lies in.

        let candidates = addresses
            | where SourceIp !has "/"
            | mv-expand bits = range(0, 32, 1) to typeof(long)
            | extend prefix = format_ipv4_mask(SourceIp, bits)
            | join kind=inner rows on prefix;
        """
        prefixed = [
            {**row, "bits": bits, "prefix": format_ipv4_mask(row["SourceIp"], bits)}
            for row in self.addresses
            if "/" not in row["SourceIp"]
            for bits in range(33)
        ]
        return joined(prefixed, self.rows, ("prefix",))

    @cached_property
    def moments(self) -> Rows:
        """All of time for each address, cut wherever a row begins or ends.

        let moments = union (addresses | project SourceIp, moment = datetime(1970-01-01)),
                (candidates | project SourceIp, moment = begins),
                (candidates | where isnotnull(ends) | project SourceIp, moment = ends)
            | distinct SourceIp, moment
            | sort by SourceIp asc, moment asc
            | extend until = iff(next(SourceIp) == SourceIp, next(moment), datetime(null));
        """
        cuts = {(row["SourceIp"], datetime(1970, 1, 1, tzinfo=UTC)) for row in self.addresses}
        cuts |= {(row["SourceIp"], row["begins"]) for row in self.candidates}
        cuts |= {(row["SourceIp"], row["ends"]) for row in self.candidates if row["ends"] is not None}
        ordered = [{"SourceIp": address, "moment": moment} for address, moment in sorted(cuts)]
        return [
            {**row, "until": following["moment"] if following and same(row, following, ("SourceIp",)) else None}
            for row, following in with_next(ordered)
        ]

    @cached_property
    def holders(self) -> Rows:
        """The row that counts in each piece of time.

        let holders = moments
            | join kind=inner candidates on SourceIp
            | where begins <= moment and (isnull(ends) or moment < ends)
            | summarize arg_max(rank, tenant, cluster, names, commit, generation, holding) by SourceIp, moment;
        """
        standing = [
            row
            for row in joined(self.moments, self.candidates, ("SourceIp",))
            if row["begins"] <= row["moment"] and (row["ends"] is None or row["moment"] < row["ends"])
        ]
        return [only(row, *PIECE, *HOLDER) for row in arg_max(standing, "rank", PIECE)]

    @cached_property
    def pieces(self) -> Rows:
        """Pieces of time, those of nobody among them.

        let pieces = moments
            | lookup kind=leftouter holders on SourceIp, moment;
        """
        return left_joined(self.moments, self.holders, PIECE, HOLDER)

    @cached_property
    def flows(self) -> Rows:
        """Each line with the one piece that it falls into.

        lines
        | lookup kind=inner pieces on SourceIp
        | where moment <= TimeGenerated and (isnull(until) or TimeGenerated < until)
        | project TimeGenerated, Tenant = tenant, Namespaces = names, Commit = commit, Cluster = cluster,
            Generation = generation, Holding = holding, SourceIp, Action, Destination = coalesce(Fqdn, DestinationIp),
            DestinationPort, Rule, RuleCollection, ActionReason
        """
        return [
            row
            for row in joined(self.lines, self.pieces, ("SourceIp",))
            if row["moment"] <= row["TimeGenerated"] and (row["until"] is None or row["TimeGenerated"] < row["until"])
        ]


def arg_max(rows_: Iterable[Row], column: str, by: Sequence[str]) -> Rows:
    """The row with the highest value of each group; one of them where several have it."""
    return [max(group, key=lambda row: row[column]) for _, group in grouped(rows_, by)]


def grouped(rows_: Iterable[Row], by: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], Rows]]:
    """Groups of rows with equal values."""
    found: dict[tuple[Any, ...], Rows] = {}
    for row in rows_:
        found.setdefault(tuple(row[name] for name in by), []).append(row)
    yield from found.items()


def joined(left: Rows, right: Rows, on: Sequence[str]) -> Rows:
    """Every pair of rows with equal keys: `join kind=inner` and `lookup kind=inner`."""
    by_key = dict(grouped(right, on))
    return [{**other, **row} for row in left for other in by_key.get(tuple(row[name] for name in on), ())]


def left_joined(left: Rows, right: Rows, on: Sequence[str], columns: Sequence[str]) -> Rows:
    """`lookup kind=leftouter`: a row without a match has empty columns."""
    by_key = dict(grouped(right, on))
    nothing = [dict.fromkeys(columns, "")]
    return [{**other, **row} for row in left for other in by_key.get(tuple(row[name] for name in on), nothing)]


def with_next(rows_: Rows) -> Iterator[tuple[Row, Row | None]]:
    """Each row and the one that `next` reads."""
    return zip(rows_, [*rows_[1:], None], strict=True)


def same(row: Row, other: Row, names: Sequence[str]) -> bool:
    """Whether two rows are equal in these columns."""
    return all(row[name] == other[name] for name in names)


def only(row: Row, *names: str) -> Row:
    """`project`."""
    return {name: row[name] for name in names}


def format_ipv4_mask(address: str, bits: int) -> str:
    """As Kusto's: the prefix in CIDR notation, empty for what is no IPv4 address."""
    try:
        return str(IPv4Network((IPv4Address(address), bits), strict=False))
    except ValueError:
        return ""
