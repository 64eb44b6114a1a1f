"""`egressctl attribute`: a log at a terminal and in a pipe."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attributing.ledger_stories import LIFE, network_line, web_line
from cli.session import Session

from function_app.adapters.ledger_file import LedgerFile


@pytest.fixture
def kept(session: Session) -> Session:
    """A hub with a ledger, and no repository any more."""
    folder = session.folder / "state" / "hubs" / "hub1"
    folder.mkdir(parents=True)
    LedgerFile(folder).append(LIFE)
    session.repository.rename(session.folder / "gone")
    return session


@pytest.fixture
def log(kept: Session) -> Path:
    """Three lines, one of them nobody's."""
    path = kept.folder / "log.jsonl"
    lines = (network_line("10.99.0.1", 1.5), web_line("10.99.0.17", 4.5, Action="Allow"), network_line("192.0.2.1", 5))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_person_is_told_what_a_log_adds_up_to(kept: Session, log: Path) -> None:
    """By tenant, with strangers and what might be allowed."""
    told = kept.run("attribute", str(log))

    assert 0 == told.exit_code
    for words in ("tenant0", "192.0.2.1: 1, never given out then", "198.51.100.20", "3 lines, 3 attributed"):
        assert words in told.stdout


def test_a_machine_is_told_the_same(kept: Session, log: Path) -> None:
    """As JSON."""
    found = kept.run_json("attribute", str(log))

    assert [("tenant0", 2, 1, 1)] == [
        (row["tenant"], row["lines"], row["allowed"], row["denied"]) for row in found["tenants"]
    ]


def test_lines_are_written_where_one_asks(kept: Session, log: Path) -> None:
    """To a file, zipped by its name, or to stdout, with the sum beside them."""
    zipped = kept.folder / "out.jsonl.gz"
    assert 0 == kept.run("attribute", str(log), "--write", str(zipped)).exit_code
    through = kept.run("attribute", str(log), "--write", "-")

    rows = [json.loads(line) for line in gzip.decompress(zipped.read_bytes()).splitlines()]

    assert ["tenant0", "tenant0", ""] == [row["Tenant"] for row in rows]
    assert rows == [json.loads(line) for line in through.stdout.splitlines()]
    assert "3 lines, 3 attributed" in through.stderr


def test_a_pipe_whose_reader_leaves_is_no_error(kept: Session, log: Path) -> None:
    """As with `head`."""
    log.write_text(log.read_text() * 20_000)
    command = [sys.executable, "-m", "function_app", "attribute", "-", "--write", "-"]
    with log.open("rb") as stdin:
        process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **kept.environment},
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"tenant0" in process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        process.stderr.close()

    assert 0 == process.wait(30)
    assert b"Traceback" not in told
    assert b"Exception" not in told


def test_rows_are_printed_for_a_join_elsewhere(kept: Session) -> None:
    """Each with what held from when to when."""
    rows = list(csv.DictReader(io.StringIO(kept.run("attribute", "--rows").stdout)))

    assert ("10.99.0.0/29", "default, shop", "c3", "held") == tuple(
        rows[2][key] for key in ("range", "namespaces", "commit", "holding")
    )
    assert "" == rows[-1]["ends"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name the log to read"),
        (("-", "--rows"), "Name the log to read"),
        (("gone.jsonl",), "No such file"),
        (("x", "--hub", "nowhere"), "not known"),
    ],
)
def test_what_cannot_be_meant_is_said(kept: Session, arguments: tuple[str, ...], words: str) -> None:
    """No log, two wishes, no such file, no such hub."""
    told = kept.run("attribute", *arguments)

    assert 1 == told.exit_code
    assert words in told.stderr


def test_a_log_without_one_good_line_is_a_failure(kept: Session) -> None:
    """With the reason."""
    path = kept.folder / "garbage"
    path.write_text("not a log\n")

    told = kept.run("attribute", str(path))

    assert 1 == told.exit_code
    assert "1 line no JSON object: line 1" in told.stdout


def test_a_damaged_ledger_is_no_absence(kept: Session, log: Path) -> None:
    """Its lines would pass for strangers'."""
    ledger = next((kept.folder / "state" / "hubs" / "hub1").glob("ledger*.jsonl"))
    ledger.write_text("{" + ledger.read_text())

    assert 1 == kept.run("attribute", str(log)).exit_code
