"""Logs as they come: every known form, and everything else that may stand in a file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from attributing.ledger_stories import index, network_line, web_line

from function_app.attributing.lines import MOST_BYTES, lines_of
from function_app.attributing.reading import attribute
from function_app.attributing.summary import summary
from function_app.attributing.tally import Tally, Trouble


def read(content: bytes) -> tuple[list[bytes], Tally]:
    """What is written for a log, and what it adds up to."""
    out: list[bytes] = []
    tally = Tally()
    attribute(lines_of(io.BytesIO(content)), index(), tally, out.append)
    return out, tally


def jsonl(*lines: dict[str, Any]) -> bytes:
    """One object a line."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def stored(line: dict[str, Any]) -> dict[str, Any]:
    """The same line as a diagnostic setting writes it to a storage account."""
    columns = {key: value for key, value in line.items() if key not in ("TimeGenerated", "Type")}
    return {"time": line["TimeGenerated"], "resourceId": "/X", "category": line["Type"], "properties": columns}


def as_csv(*lines: dict[str, Any], time_column: str = "TimeGenerated") -> bytes:
    """The same lines as CSV."""
    text = io.StringIO()
    out = csv.DictWriter(text, [*network_line("", 0), "Fqdn"])
    out.writeheader()
    out.writerows(lines)
    return text.getvalue().replace("TimeGenerated", time_column, 1).encode()


LINES = (
    network_line("10.99.0.1", 1.5),
    web_line("10.99.0.17", 4.5, Action="Allow", Rule="site"),
    web_line("10.1.0.7", 5),
)
TOLD = [("tenant0", "default", "c2", "held"), ("tenant0", "default, shop", "c5", "held"), ("", "", "", "node")]


def columns_of(written: list[bytes]) -> list[tuple[str, str, str, str]]:
    """What was added to JSON lines."""
    rows = [json.loads(line) for line in written]
    return [(row["Tenant"], row["Namespaces"], row["Commit"], row["Holding"]) for row in rows]


@pytest.mark.parametrize(
    "content",
    [
        jsonl(*LINES),
        jsonl(*map(stored, LINES)),
        gzip.compress(jsonl(*LINES)),
        gzip.compress(jsonl(*LINES[:1])) + gzip.compress(jsonl(*LINES[1:])),
        b"\xef\xbb\xbf" + jsonl(*LINES),
        jsonl(*LINES).replace(b"\n", b"\r\n"),
        jsonl(*LINES).rstrip(b"\n"),
        b"\n\n" + jsonl(*LINES),
    ],
    ids=["exported", "stored", "gzip", "two members", "byte order mark", "CRLF", "no last newline", "blank lines"],
)
def test_json_lines_keep_what_they_had_and_gain_six_columns(content: bytes) -> None:
    """In every form in which they are exported."""
    written, tally = read(content)

    assert TOLD == columns_of(written)
    assert "10.99.0.1" == (first := json.loads(written[0])).get("SourceIp", first.get("properties", {}).get("SourceIp"))
    assert {} == tally.met


def test_csv_gains_six_columns() -> None:
    """Quoted as CSV is; the first row names them."""
    written, tally = read(as_csv(*LINES))
    rows = list(csv.DictReader(io.StringIO(b"".join(written).decode())))

    assert TOLD == [(row["Tenant"], row["Namespaces"], row["Commit"], row["Holding"]) for row in rows]
    assert {} == tally.met


def test_the_portals_csv_is_read() -> None:
    """Its times are American and its column names them UTC."""
    line = LINES[0] | {"TimeGenerated": "1/1/2026, 1:30:00.000 AM"}

    written, _ = read(gzip.compress(as_csv(line, time_column="TimeGenerated [UTC]")))

    assert b",tenant0,spoke1-aks,default,c2,0a,held" in written[1]


def test_every_form_adds_up_to_the_same() -> None:
    """A log is the same log in CSV."""
    plain, kept, table = (
        summary(read(content)[1]) for content in (jsonl(*LINES), jsonl(*map(stored, LINES)), as_csv(*LINES))
    )

    assert plain["tenants"] == kept["tenants"] == table["tenants"]
    assert plain["strangers"] == kept["strangers"] == table["strangers"]
    assert plain["suggestions"] == kept["suggestions"] == table["suggestions"]


GOOD = jsonl(network_line("10.99.0.1", 1.5))


def changed(**columns: Any) -> bytes:
    """A line with something wrong."""
    return jsonl(network_line("10.99.0.1", 1.5) | columns)


@pytest.mark.parametrize(
    ("bad", "trouble"),
    [
        (b"garbage\n", Trouble.NOT_JSON),
        (b"\x00\xff\xfe\x01\n", Trouble.NOT_JSON),
        (b"17\n", Trouble.NOT_JSON),
        (b"null\n", Trouble.NOT_JSON),
        (b"[" * 100_000 + b"\n", Trouble.ARRAY),
        (b'[{"SourceIp": "10.99.0.1"}]\n', Trouble.ARRAY),
        (b"{" * 5000 + b"\n", Trouble.NOT_JSON),
        (b'{"a": "' + b"x" * (10 << 20) + b'"}\n', Trouble.TOO_LONG),
        (changed(Type="AZFWDnsQuery"), Trouble.OTHER_TABLE),
        (changed(Type=None, category="AzureFirewallNetworkRule"), Trouble.LEGACY),
        (b'{"category": "AzureFirewallNetworkRule", "properties": {"msg": "TCP request from"}}\n', Trouble.LEGACY),
        (changed(SourceIp=None), Trouble.NO_SOURCE),
        (changed(SourceIp=17), Trouble.NO_SOURCE),
        (changed(SourceIp={}), Trouble.NO_SOURCE),
        (b"{}\n", Trouble.NO_SOURCE),
        (b'{"properties": 3}\n', Trouble.NO_SOURCE),
        (changed(TimeGenerated="yesterday"), Trouble.NO_TIME),
        (changed(TimeGenerated=""), Trouble.NO_TIME),
        (changed(TimeGenerated=1700000000), Trouble.NO_TIME),
        (jsonl(network_line("10.99.0.1", 1)), Trouble.OUT_OF_ORDER),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, bytes) else value.name,
)
def test_a_bad_line_is_counted_and_named_and_the_next_one_read(bad: bytes, trouble: Trouble) -> None:
    """Never fatal, and nothing else is made of it."""
    written, tally = read(GOOD + bad + GOOD)

    assert {trouble: [2]} == {what: met.lines for what, met in tally.met.items()}
    assert [TOLD[0], TOLD[0]] == [columns_of(written)[0], columns_of(written)[-1]]
    assert 3 == tally.lines


@pytest.mark.parametrize(
    ("tear", "written"),
    [(lambda whole: whole[:-6], 1), (lambda whole: whole[:15], 0), (lambda whole: whole + b"\0" * 20, 1)],
    ids=["no trailer", "cut early", "padded with zeros"],
)
def test_a_torn_gzip_file_gives_what_it_holds(tear: Callable[[bytes], bytes], written: int) -> None:
    """What was whole before the tear is read."""
    out, tally = read(tear(gzip.compress(GOOD)))

    assert written == len([line for line in out if b"tenant0" in line])
    assert tally.met.keys() <= {Trouble.TORN, Trouble.NOT_JSON}


@pytest.mark.parametrize(
    "bad",
    [b'1,2,"3\n', b"a,b\n", b"," * 40 + b"\n", b"x" * (2 << 20) + b"\n", b"\0,\0\n"],
    ids=["open quote", "too few", "too many", "too long", "NUL"],
)
def test_a_bad_row_of_a_csv_is_no_end(bad: bytes) -> None:
    """The rows before it stand, and what is wrong is counted."""
    good = as_csv(LINES[0])

    written, tally = read(good + bad)

    assert b"tenant0" in written[1]
    assert 1 == sum(met.count for met in tally.met.values())


def test_a_line_is_never_held_whole_when_it_is_endless() -> None:
    """Ten megabytes without a newline cost no more than one piece after the other."""
    longest = 0
    for line in lines_of(io.BytesIO(b"x" * (10 << 20) + b"\n" + GOOD)):
        longest = max(longest, len(line))

    assert longest <= MOST_BYTES


def test_nothing_is_nothing() -> None:
    """An empty file, an empty gzip file."""
    for content in (b"", gzip.compress(b"")):
        written, tally = read(content)

        assert ([], 0) == (written, tally.lines)


def test_destinations_are_dropped_before_memory_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent stay, and it is said that others were."""
    monkeypatch.setattr("function_app.attributing.tally._MOST_KEYS", 50)
    monkeypatch.setattr("function_app.attributing.reading._PRUNE_EVERY", 20)
    many = [web_line("10.99.0.17", 4.5, f"n{number}.example.com") for number in range(400)]

    _, tally = read(jsonl(*many, *[web_line("10.99.0.17", 4.5)] * 60))

    assert len(tally.flows) <= 50
    assert 60 == max(tally.flows.values())
    assert 0 < tally.dropped
    assert 460 == tally.attributed


def test_default_denials_become_entries_that_validate_and_explicit_ones_do_not() -> None:
    """A block or a base policy's rule denied on purpose."""
    lines = [
        *[web_line("10.99.0.17", 4.5, "API.Example.com")] * 3,
        web_line("10.99.0.17", 4.5, "api.example.com", Protocol="HTTP", DestinationPort=80),
        network_line("10.99.0.17", 4.5),
        network_line("10.99.0.17", 4.5, DestinationPort=5433),
        network_line(
            "10.99.0.17", 4.5, DestinationIp="203.0.113.9", Rule="tenant0", RuleCollection="blocked-tenants-net"
        ),
        web_line("10.99.0.17", 4.5, "192.0.2.1\x1b[2J"),
        web_line("10.99.0.17", 4.5, "allowed.example.com", Action="Allow"),
        network_line("192.0.2.9", 4.5),
    ]

    found = summary(read(jsonl(*lines))[1])["suggestions"]

    assert [
        {
            "tenant": "tenant0",
            "denied": 4,
            "allow": {
                "name": "api-example-com",
                "fqdns": ["api.example.com"],
                "protocols": ["http:80", "https:443"],
            },
        },
        {
            "tenant": "tenant0",
            "denied": 2,
            "allow": {
                "name": "198-51-100-20-tcp",
                "destinations": ["198.51.100.20"],
                "ports": ["5432", "5433"],
                "transport": ["TCP"],
            },
        },
    ] == found


def test_strangers_are_named_with_what_is_known_of_them() -> None:
    """Most lines first."""
    lines = [network_line("192.0.2.1", 1), network_line("10.1.0.7", 2), network_line("10.1.0.7", 3)]

    strangers = summary(read(jsonl(*lines, network_line("10.99.0.1", 35)))[1])["strangers"]

    assert {
        "allowed": 0,
        "denied": 4,
        "sources": [
            {"source": "10.1.0.7", "why": "node", "lines": 2},
            {"source": "192.0.2.1", "why": "unknown", "lines": 1},
            {"source": "10.99.0.1", "why": "free", "lines": 1},
        ],
    } == strangers
