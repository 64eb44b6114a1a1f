"""`python -m bench.answers`: what answers cost, and how that grows: whois over a year, a firewall's log, the page at a hub's limit.

CPU seconds of this process count, so that a busy machine matters less. With `--write` docs/attribution.md shows the figures.
`--lines 10000000` measures something else alone: so many lines through a pipe into the command, as an export of weeks goes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from ipaddress import IPv4Network
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, process_time
from typing import IO, Any, cast

from bench.figures import Row
from bench.page import renew, table
from function_app.adapters.ledger_file import LedgerFile
from function_app.attributing.index import AddressIndex
from function_app.attributing.lines import lines_of
from function_app.attributing.reading import attribute
from function_app.attributing.tally import Tally
from function_app.model.attribution import Attribution, LedgerIndex
from function_app.model.ledger import Holding, Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName
from function_app.model.spans import spans
from function_app.reporting.page import Page, content_of, render

START = datetime(2026, 1, 1, tzinfo=UTC)
RECORDS_A_WEEK, RANGES, RECORDS_A_LIFE = 2000, 1000, 5
"""1,000 changes a week, each of which makes about two records."""
LINES = 200_000


PAGE = Path(__file__).parents[1] / "docs" / "attribution.md"


def main() -> None:
    """Measure, print, and renew the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m bench.answers", description="What answers cost.")
    parser.add_argument("--runs", type=int, default=3, help="how often each measurement is repeated (default 3)")
    parser.add_argument("--write", action="store_true", help="renew the figures of docs/attribution.md")
    parser.add_argument(
        "--lines", type=int, help="so many lines through a pipe into `egressctl attribute`, and nothing else"
    )
    asked = parser.parse_args()
    if asked.lines is not None:
        print(_through_a_pipe(asked.lines))
        return
    rows = [*_whois(asked.runs), *_attribute(asked.runs), *_page(asked.runs)]
    for row in rows:
        verdict = "" if row.met is None else "met" if row.met else "MISSED"
        print(f"  {row.figure:<64} {row.goal:<14} {row.found}  {verdict}", flush=True)
    if asked.write:
        renew({"Answers": table(rows, f"--runs {asked.runs}, CPU time")}, PAGE)


def _whois(runs: int) -> Iterator[Row]:
    for weeks in (13, 52):
        records = _ledger(weeks * RECORDS_A_WEEK // RECORDS_A_LIFE)
        index = LedgerIndex()
        first = _seconds(partial(index.follow, records), 1)
        asked, at = IPv4Network("10.99.1.3"), records[-1].at
        answer = _seconds(partial(index.who_held, asked, at), runs)
        grown = [*records, replace(records[-1], seq=len(records) + 1)]
        once_more = _seconds(partial(index.follow, grown), 1)
        name = f"whois, {len(records):,} records ({weeks} weeks)"
        yield Row(name, "< 100 ms", f"{1000 * (answer + once_more):.1f} ms", answer + once_more < 0.1)
        yield Row(f"{name}: putting them in order, once a process", "", f"{1000 * first:.0f} ms")


def _attribute(runs: int) -> Iterator[Row]:
    for weeks in (1, 52):
        records = _ledger(weeks * RECORDS_A_WEEK // RECORDS_A_LIFE)
        index = AddressIndex(spans(records), {"spoke1-aks": "10.1.0.0/22"}, START)
        log = _log(records[-1].at - timedelta(hours=24))
        _attributed(log, index)
        seconds = _seconds(partial(_attributed, log, index), runs)
        rate = LINES / seconds
        yield Row(
            f"attribute, a day's log, {weeks}-week ledger", ">= 100,000/s", f"{rate:,.0f} lines/s", rate >= 100_000
        )


def _through_a_pipe(lines: int) -> str:
    """A day's log again and again, over a year's ledger; what the whole process took, start and ledger included."""
    records = _ledger(52 * RECORDS_A_WEEK // RECORDS_A_LIFE)
    log = _log(records[-1].at - timedelta(hours=24)) + b"\n"
    days = max(1, lines // LINES)
    with TemporaryDirectory(prefix="attribute-") as folder:
        LedgerFile(Path(folder) / "hubs" / "hub1").append(records)
        began = monotonic()
        running = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "function_app", "attribute", "-", "--write", os.devnull],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "EGRESS_REPOSITORY": folder, "EGRESS_STATE_FOLDER": folder},
        )
        with running, cast("IO[bytes]", running.stdin) as pipe:
            for _ in range(days):
                pipe.write(log)
        took, used = monotonic() - began, getrusage(RUSAGE_CHILDREN)
    if running.returncode:
        raise SystemExit(f"egressctl attribute ended with {running.returncode}.")
    cpu = used.ru_utime + used.ru_stime
    return (
        f"{days * LINES:,} lines, {days * len(log) / 1e9:.1f} GB, over {len(records):,} records: {cpu:.1f} s CPU, "
        f"{days * LINES / cpu:,.0f} lines/s and core, {took:.0f} s wall, {used.ru_maxrss / 1024:.0f} MiB at the most"
    )


def _page(runs: int) -> Iterator[Row]:
    for tenants in (100, 1000):
        hub, held = _hub(tenants), list(_holders(tenants))
        now = START + timedelta(minutes=2)
        made = _rendered(hub, held, now)
        seconds = _seconds(partial(_rendered, hub, held, now), runs)
        size = len(made.html.encode())
        yield Row(f"page, {tenants:,} tenants", "<= 300 ms", f"{1000 * seconds:.0f} ms", seconds <= 0.3)
        yield Row(f"page, {tenants:,} tenants, bytes", "< 1,000,000", f"{size:,}", size < 1_000_000)


def _attributed(log: bytes, index: AddressIndex) -> None:
    attribute(lines_of(BytesIO(log)), index, Tally(), len)


def _rendered(hub: dict[str, Any], held: list[Attribution], now: datetime) -> Page:
    return render([content_of(hub, held, now)], now)


def _seconds(work: Callable[[], object], runs: int) -> float:
    found: list[float] = []
    for _ in range(runs):
        began = process_time()
        work()
        found.append(process_time() - began)
    return median(found)


def _ledger(lives: int) -> list[Record]:
    """Generations one after the other on a thousand ranges, five records each."""
    step = timedelta(days=7) / RECORDS_A_WEEK
    kinds = (RecordKind.RESERVE, RecordKind.ROUTE, RecordKind.LEAVE, RecordKind.FREED, RecordKind.QUARANTINE_END)
    records: list[Record] = []
    for kind_of in range(-(-lives // RANGES)):
        for kind in kinds:
            for place in range(min(RANGES, lives - kind_of * RANGES)):
                seq = len(records) + 1
                records.append(_record(seq, kind, place, kind_of * RANGES + place, START + step * seq))
    return records


def _record(seq: int, kind: RecordKind, place: int, life: int, at: datetime) -> Record:
    return Record(
        seq=seq,
        epoch=1,
        at=at,
        kind=kind,
        tenant=TenantName(f"tenant-{life % 1500:04d}"),
        cluster=ClusterName("spoke1-aks"),
        generation=GenerationId(f"{life:08x}"),
        range=_range(place),
        namespaces=(NamespaceName(f"ns-{life}"),) if kind is RecordKind.ROUTE else (),
        commit=Commit(f"{seq:040x}"),
        author="jo@example.com",
    )


def _range(place: int) -> IPv4Network:
    return IPv4Network(((10 << 24) + (99 << 16) + 8 * place, 29))


def _log(begins: datetime) -> bytes:
    """A day of AZFWNetworkRule and AZFWApplicationRule lines from all ranges, in order of time."""
    common: dict[str, Any] = {
        "SourcePort": 40000,
        "Policy": "tenants",
        "RuleCollectionGroup": "egress-000",
        "RuleCollection": "tenant-app",
        "Rule": "site",
        "ActionReason": "",
        "_ResourceId": f"/subscriptions/{'1' * 36}/resourcegroups/hub/providers/microsoft.network/azurefirewalls/hub-fw",
    }
    lines: list[bytes] = []
    for number in range(LINES):
        at = (begins + timedelta(days=1) * (number / LINES)).isoformat().replace("+00:00", "Z")
        place = (number * 7919) % (8 * RANGES)
        source = f"10.99.{place // 256}.{place % 256}"
        action = "Deny" if number % 20 == 0 else "Allow"
        own: dict[str, Any] = (
            {
                "Type": "AZFWApplicationRule",
                "Protocol": "HTTPS",
                "DestinationPort": 443,
                "Fqdn": f"h{number % 500}.example.com",
            }
            if number % 2
            else {
                "Type": "AZFWNetworkRule",
                "Protocol": "TCP",
                "DestinationPort": 5432,
                "DestinationIp": "198.51.100.20",
            }
        )
        line = {"TimeGenerated": at, "SourceIp": source, "Action": action, **own, **common}
        lines.append(json.dumps(line).encode())
    return b"\n".join(lines)


def _hub(tenants: int) -> dict[str, Any]:
    rows = [
        {
            "tenant": f"tenant-{number:04d}",
            "cluster": "spoke1-aks",
            "cidr": str(_range(number)),
            "stage": "routed",
            "waiting_for": [],
            "namespaces": [f"tenant-{number:04d}-api", f"tenant-{number:04d}-jobs"],
        }
        for number in range(tenants)
    ]
    report = {
        "plan_id": "p",
        "hub": "hub1",
        "commit": "c" * 40,
        "finished_at": START.isoformat(),
        "converged": True,
        "attachments": rows,
        "clusters": {"spoke1-aks": {"egress": "10.99.0.0/18"}},
    }
    return {"hub": "hub1", "report": report}


def _holders(tenants: int) -> Iterator[Attribution]:
    for number in range(tenants):
        yield Attribution(
            tenant=TenantName(f"tenant-{number:04d}"),
            cluster=ClusterName("spoke1-aks"),
            generation=GenerationId(f"{number:08x}"),
            range=_range(number),
            holding=Holding.HELD,
            namespaces=(NamespaceName("api"),),
            commit=Commit("c" * 40),
            author="jo@example.com",
            since=START,
        )


if __name__ == "__main__":
    main()
