"""The loop: a line in, the same line with six columns more out. Written for speed, since logs have a hundred million lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

import orjson

from function_app.attributing.index import COLUMNS, AddressIndex, Answer
from function_app.attributing.lines import TooLong, Torn, is_csv
from function_app.attributing.tally import Key, Tally, Trouble, is_stranger

type Write = Callable[[bytes], object]

_APPLICATION, _NETWORK = "AZFWApplicationRule", "AZFWNetworkRule"
_LEGACY = frozenset({"AzureFirewallNetworkRule", "AzureFirewallApplicationRule", "AzureFirewallDnsProxy"})
_PRUNE_EVERY = 50_000
_LONGEST_NAME = 253
"""Of a name in DNS (RFC 1035)."""
_PORTAL_TIME = "%m/%d/%Y, %I:%M:%S.%f %p"
"""How the portal writes `TimeGenerated [UTC]` into CSV."""


def attribute(lines: Iterable[bytes], index: AddressIndex, tally: Tally, write: Write) -> None:
    """Every line of a log that is one goes to `write` with its columns; what is none is counted and named."""
    waiting = iter(lines)
    first = next(waiting, None)
    if first is None:
        return
    everything = _chained(first, waiting)
    if is_csv(first):
        _csv(everything, index, tally, write)
    else:
        _json(everything, index, tally, write)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _json(lines: Iterator[bytes], index: AddressIndex, tally: Tally, write: Write) -> None:
    loads, who, flows, latest = orjson.loads, index.who, tally.flows, ""
    number = 0
    for number, line in enumerate(lines, start=1):
        try:
            record = loads(line)
            columns = record.get("properties") or record
            source = columns["SourceIp"]
            at = record.get("TimeGenerated") or record["time"]
            answer = who(source, at)
            table = record.get("Type") or record.get("category")
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError):
            _no_line(line, number, tally)
            continue
        application = table == _APPLICATION
        if not application and table != _NETWORK:
            if table:
                _other_table(str(table), number, tally)
                continue
            application = "Fqdn" in columns
        if at < latest:
            tally.trouble(Trouble.OUT_OF_ORDER, number)
        latest = at
        action = columns.get("Action")
        to = (columns.get("Fqdn") or columns.get("TargetUrl")) if application else columns.get("DestinationIp")
        if to.__class__ is not str or len(to) > _LONGEST_NAME:
            to = str(to or "")[:_LONGEST_NAME]
        key = (
            answer.columns[0],
            to,
            columns.get("DestinationPort"),
            columns.get("Protocol"),
            application,
            action == "Deny",
            bool(columns.get("Rule")),
        )
        try:
            flows[key] = flows.get(key, 0) + 1
        except TypeError:
            _no_line(line, number, tally)
            continue
        if not answer.columns[0]:
            tally.sources[source, answer.columns[5]] += 1
        end = line.rfind(b"}")
        write(line[:end] + b"," + answer.spliced + b"\n")
        tally.attributed += 1
        if number % _PRUNE_EVERY == 0:
            tally.prune()
            flows = tally.flows
    tally.lines += number
    tally.prune()


def _no_line(line: bytes, number: int, tally: Tally) -> None:
    """Say what is the matter with a line; a blank one is nothing."""
    if isinstance(line, TooLong):
        tally.trouble(Trouble.TOO_LONG, number)
    elif isinstance(line, Torn):
        tally.trouble(Trouble.TORN, number)
    elif line.strip():
        tally.trouble(*_what_is_wrong(line, number))


def _what_is_wrong(line: bytes, number: int) -> tuple[Trouble, int, str]:
    if line.lstrip().startswith(b"["):
        return Trouble.ARRAY, number, ""
    try:
        record = orjson.loads(line)
    except ValueError:
        return Trouble.NOT_JSON, number, ""
    if not isinstance(record, dict):
        return Trouble.NOT_JSON, number, ""
    table = record.get("Type") or record.get("category") or record.get("Category")
    if isinstance(table, str) and table in _LEGACY:
        return Trouble.LEGACY, number, table
    if isinstance(table, str) and table not in (_APPLICATION, _NETWORK):
        return Trouble.OTHER_TABLE, number, table[:60]
    columns = record.get("properties") or record
    if not isinstance(columns, dict) or not isinstance(columns.get("SourceIp"), str):
        return Trouble.NO_SOURCE, number, ""
    return Trouble.NO_TIME, number, ""


def _other_table(table: str, number: int, tally: Tally) -> None:
    legacy = table in _LEGACY
    tally.trouble(Trouble.LEGACY if legacy else Trouble.OTHER_TABLE, number, table[:60])


def _csv(lines: Iterator[bytes], index: AddressIndex, tally: Tally, write: Write) -> None:
    number = 0

    def text() -> Iterator[str]:
        nonlocal number
        for number, line in enumerate(lines, start=1):
            if isinstance(line, TooLong | Torn):
                _no_line(line, number, tally)
                continue
            yield line.decode("utf-8", "replace").rstrip("\r") + "\n"

    rows = csv.reader(text(), strict=True)
    header = next(rows)
    places = {name.split(" [")[0]: place for place, name in enumerate(header)}
    out = _CsvOut(write)
    out.row([*header, *COLUMNS])
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error:
            tally.trouble(Trouble.NOT_CSV, number)
            continue
        if len(row) != len(header):
            if row:
                tally.trouble(Trouble.NOT_CSV, number)
            continue
        answer = _row(row, places, index, tally, number)
        if answer is not None:
            out.row([*row, *answer.columns])
        if number % _PRUNE_EVERY == 0:
            tally.prune()
    tally.lines += number
    tally.prune()


def _row(
    row: Sequence[str], places: Mapping[str, int], index: AddressIndex, tally: Tally, number: int
) -> Answer | None:
    """One row of a CSV; None for a line that is none."""

    def cell(name: str) -> str:
        place = places.get(name)
        return row[place] if place is not None else ""

    table = cell("Type")
    if table and table not in (_APPLICATION, _NETWORK):
        _other_table(table, number, tally)
        return None
    if not cell("SourceIp"):
        tally.trouble(Trouble.NO_SOURCE, number)
        return None
    try:
        answer = index.who(cell("SourceIp"), _time(cell("TimeGenerated")))
    except (ValueError, OverflowError, IndexError):
        tally.trouble(Trouble.NO_TIME, number)
        return None
    application = table == _APPLICATION or (not table and bool(cell("Fqdn")))
    key: Key = (
        answer.tenant,
        ((cell("Fqdn") or cell("TargetUrl")) if application else cell("DestinationIp"))[:_LONGEST_NAME],
        cell("DestinationPort"),
        cell("Protocol"),
        application,
        cell("Action") == "Deny",
        bool(cell("Rule")),
    )
    tally.flows[key] = tally.flows.get(key, 0) + 1
    if is_stranger(answer):
        tally.sources[cell("SourceIp"), answer.holding] += 1
    tally.attributed += 1
    return answer


def _time(text: str) -> str:
    """As it stands, or the portal's form turned into ISO; raises ValueError."""
    if "/" not in text:
        return text
    return datetime.strptime(text, _PORTAL_TIME).replace(tzinfo=UTC).isoformat()


class _CsvOut:
    """Rows as bytes."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._buffer = io.StringIO()
        self._rows = csv.writer(self._buffer, lineterminator="\n")

    def row(self, values: Sequence[str]) -> None:
        self._rows.writerow(values)
        self._write(self._buffer.getvalue().encode())
        self._buffer.seek(0)
        self._buffer.truncate()
