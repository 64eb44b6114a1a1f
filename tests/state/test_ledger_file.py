"""The ledger on local files: what was acknowledged is there, what was not may go, anything else is damage."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from state_builders import NOON, a_record

from function_app.adapters.ledger_file import HEAD_FILE, LedgerFile
from function_app.model.errors import LeaseLost, StateError

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


def test_records_come_back_in_order(ledger: LedgerFile) -> None:
    """What was appended is what is read, batch after batch."""
    assert ledger.read() == (a_record(1), a_record(2), a_record(3))


def test_each_month_has_a_file(ledger: LedgerFile, tmp_path: Path) -> None:
    """A batch in December goes into December's file."""
    december = a_record(4, at=NOON + timedelta(days=10))
    ledger.append([december])
    assert [path.name for path in sorted(tmp_path.glob("*.jsonl"))] == [MONTH, "ledger-2026-12.jsonl"]
    assert ledger.read()[-1] == december


def test_a_clock_that_goes_back_over_the_month_keeps_the_order(ledger: LedgerFile, tmp_path: Path) -> None:
    """A record dated November that is written after one dated December stands behind it."""
    ledger.append([a_record(4, at=NOON + timedelta(days=10))])
    ledger.append([a_record(5)])
    assert [record.seq for record in ledger.read()] == [1, 2, 3, 4, 5]
    assert (tmp_path / "ledger-2026-12.jsonl").read_bytes().count(b"\n") == 2


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


def test_a_deleted_month_is_damage_not_a_new_hub(ledger: LedgerFile, tmp_path: Path) -> None:
    """An unreadable ledger never reads as an empty one."""
    (tmp_path / MONTH).unlink()
    with pytest.raises(StateError, match="ends with record 0, but 3 were written"):
        ledger.read()


def test_a_missing_first_month_is_a_gap(ledger: LedgerFile, tmp_path: Path) -> None:
    """The second month alone does not make a ledger."""
    ledger.append([a_record(4, at=NOON + timedelta(days=10))])
    (tmp_path / MONTH).unlink()
    with pytest.raises(StateError, match="record 1 is missing"):
        ledger.read()


@pytest.mark.parametrize(
    ("old", "new"), [(b"blue-pool", b"grey-pool"), (b'{"schema"', b'?"schema"'), (b'"schema":1', b'"schema":9')]
)
def test_a_damaged_line_is_named(ledger: LedgerFile, tmp_path: Path, old: bytes, new: bytes) -> None:
    """A changed character, broken JSON, a schema of the future: an error that names file and line, never an empty ledger."""
    month = tmp_path / MONTH
    month.write_bytes(month.read_bytes().replace(old, new, 1))
    with pytest.raises(StateError, match=r"Line 1 of .*ledger-2026-11.jsonl is damaged"):
        ledger.read()


def test_a_month_that_is_over_has_no_torn_end(ledger: LedgerFile, tmp_path: Path) -> None:
    """Half a line in front of a later file is damage: appends only touch the last file."""
    ledger.append([a_record(4, at=NOON + timedelta(days=10))])
    with (tmp_path / MONTH).open("ab") as stream:
        stream.write(b"half")
    with pytest.raises(StateError, match="ends in the middle of a line"):
        ledger.read()


def test_a_damaged_head_is_damage(ledger: LedgerFile, tmp_path: Path) -> None:
    """Without the head nobody knows what has been lost."""
    (tmp_path / HEAD_FILE).write_text("{}")
    with pytest.raises(StateError, match="damaged"):
        ledger.read()


def test_an_older_epoch_is_over(ledger: LedgerFile) -> None:
    """After epoch 7 has written, epoch 6 writes nothing; the same epoch goes on."""
    ledger.append([a_record(4, epoch=7)])
    with pytest.raises(LeaseLost, match="Epoch 7 has written"):
        ledger.append([a_record(5, epoch=6)])
    ledger.append([a_record(5, epoch=7)])
    assert [record.epoch for record in ledger.read()] == [1, 1, 1, 7, 7]


def test_records_that_do_not_continue_the_ledger_are_refused(ledger: LedgerFile) -> None:
    """Somebody else appended record 4 in between: nothing is written twice."""
    ledger.append([a_record(4)])
    with pytest.raises(StateError, match="somebody wrote in between"):
        ledger.append([a_record(4), a_record(5)])
    assert len(ledger.read()) == 4


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
