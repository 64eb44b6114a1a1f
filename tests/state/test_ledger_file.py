"""The ledger on local files, beyond what test_contract holds for every place: crashes within an append, and torn ends."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from state_builders import NOON, a_record

from function_app.adapters.ledger_file import HEAD_FILE, LedgerFile
from function_app.model.errors import StateError

MONTH = "ledger-2026-11.jsonl"


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFile:
    """A ledger with two batches: record 1, records 2 and 3."""
    made = LedgerFile(tmp_path)
    made.append([a_record(1)])
    made.append([a_record(2), a_record(3)])
    return made


def test_a_ledger_that_was_never_written_is_empty(tmp_path: Path) -> None:
    """No file is no record, and asking leaves nothing behind."""
    assert LedgerFile(tmp_path / "hub1").read() == ()
    assert not (tmp_path / "hub1").exists()


def test_a_crash_at_any_byte_of_an_append_leaves_all_or_none(ledger: LedgerFile, tmp_path: Path) -> None:
    """The last batch is cut at every byte: until its newline is there none of it counts, and the next append goes on."""
    head = (tmp_path / HEAD_FILE).read_bytes()
    before = (tmp_path / MONTH).read_bytes()
    ledger.append([a_record(4), a_record(5)])
    line = (tmp_path / MONTH).read_bytes()[len(before) :]
    (tmp_path / HEAD_FILE).write_bytes(head)
    for cut in range(len(line)):
        (tmp_path / MONTH).write_bytes(before + line[:cut])
        assert len(ledger.read()) == 3
    (tmp_path / MONTH).write_bytes(before + line[:-1])
    ledger.append([a_record(4, epoch=2)])
    assert ledger.read() == (a_record(1), a_record(2), a_record(3), a_record(4, epoch=2))


def test_a_crash_before_the_head_is_written_keeps_the_batch(ledger: LedgerFile, tmp_path: Path) -> None:
    """The line is complete, the head still names the batch before: the records count."""
    head = (tmp_path / HEAD_FILE).read_bytes()
    ledger.append([a_record(4)])
    (tmp_path / HEAD_FILE).write_bytes(head)
    assert len(ledger.read()) == 4


def test_a_crash_in_the_middle_of_a_new_month_is_repaired(ledger: LedgerFile, tmp_path: Path) -> None:
    """December's file has half a line; the next append writes it anew."""
    december = tmp_path / "ledger-2026-12.jsonl"
    december.write_bytes(b'{"schema":1,"sha')
    assert len(ledger.read()) == 3
    ledger.append([a_record(4, at=NOON + timedelta(days=10))])
    assert len(ledger.read()) == 4


def test_an_acknowledged_batch_that_was_cut_off_is_damage(ledger: LedgerFile, tmp_path: Path) -> None:
    """The head names record 3: a file that ends before it has lost something, it was not torn by a crash."""
    month = tmp_path / MONTH
    month.write_bytes(month.read_bytes()[:-10])
    with pytest.raises(StateError, match="ends with record 1, but 3 were written"):
        ledger.read()
    with pytest.raises(StateError, match="3 were written"):
        ledger.append([a_record(2)])


def test_a_month_that_is_over_has_no_torn_end(ledger: LedgerFile, tmp_path: Path) -> None:
    """Half a line in front of a later file is damage: appends only touch the last file."""
    ledger.append([a_record(4, at=NOON + timedelta(days=10))])
    with (tmp_path / MONTH).open("ab") as stream:
        stream.write(b"half")
    with pytest.raises(StateError, match="ends in the middle of a line"):
        ledger.read()


def test_nothing_to_append_writes_nothing(tmp_path: Path) -> None:
    """An empty batch leaves no trace."""
    LedgerFile(tmp_path / "hub1").append([])
    assert not (tmp_path / "hub1").exists()


def test_a_ledger_that_is_a_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    """What the operating system says becomes a StateError."""
    (tmp_path / MONTH).mkdir()
    with pytest.raises(StateError, match="cannot be read"):
        LedgerFile(tmp_path).read()
    with pytest.raises(StateError, match="cannot be used"):
        LedgerFile(tmp_path).append([a_record(1)])
