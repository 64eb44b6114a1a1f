"""State, decisions, reports and the checkpoint on local files."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from state_builders import NOON

from function_app.adapters.state_files import CheckpointFile, StateFile, StatusFiles
from function_app.model.errors import LeaseLost, StateError
from function_app.model.names import Commit, HubName
from function_app.model.state import Decision, DecisionKind, HubState

STATE = HubState(operations={"spoke1-a": "https://example.com/operation"}, last_good_commit=Commit("2" * 40))


def a_block(tenant: str, reason: str = "leak") -> Decision:
    """A block."""
    return Decision(DecisionKind.BLOCK, tenant, reason, "ada", NOON, NOON + timedelta(hours=1))


def test_state_comes_back(tmp_path: Path) -> None:
    """What was written last is read, nothing before the first time."""
    store = StateFile(tmp_path)
    assert store.read() == HubState()
    store.write(STATE, epoch=1)
    assert store.read() == STATE


def test_an_older_epoch_does_not_overwrite(tmp_path: Path) -> None:
    """A late pass leaves the newer state alone."""
    store = StateFile(tmp_path)
    store.write(STATE, epoch=5)
    with pytest.raises(LeaseLost, match="Epoch 5"):
        store.write(HubState(), epoch=4)
    assert store.read() == STATE


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"schema": 2, "state": {}}', b'{"schema": 1, "state": {"shards": 3}}', b"\xff"]
)
def test_state_that_cannot_be_understood_is_empty(tmp_path: Path, content: bytes) -> None:
    """State may be lost without breaking anything, and the next write replaces it."""
    (tmp_path / "state.json").write_bytes(content)
    store = StateFile(tmp_path)
    assert store.read() == HubState()
    store.write(STATE, epoch=1)
    assert store.read() == STATE


def test_decisions_are_added_replaced_and_withdrawn(tmp_path: Path) -> None:
    """One decision for each kind and subject."""
    store = StateFile(tmp_path)
    waiver = Decision(DecisionKind.WAIVER, "blue", "agreed", "ada", NOON, code="removals")
    for decision in (a_block("blue"), waiver, a_block("green"), a_block("blue", "worse leak")):
        store.decide(decision)
    assert store.decisions() == (waiver, a_block("green"), a_block("blue", "worse leak"))
    assert store.withdraw("block", "blue") is True
    assert store.withdraw("block", "blue") is False
    assert store.decisions() == (waiver, a_block("green"))


def test_decisions_outlive_a_lost_state(tmp_path: Path) -> None:
    """They have a file of their own."""
    store = StateFile(tmp_path)
    store.decide(a_block("blue"))
    (tmp_path / "state.json").write_bytes(b"?")
    assert store.decisions() == (a_block("blue"),)


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema": 1}', b'{"schema": 1, "decisions": [{"kind": "unknown"}]}'])
def test_decisions_that_cannot_be_read_are_never_taken_for_none(tmp_path: Path, content: bytes) -> None:
    """A block that cannot be read is an error, and nothing is written over it."""
    path = tmp_path / "decisions.json"
    path.write_bytes(content)
    store = StateFile(tmp_path)
    with pytest.raises(StateError, match="recorded decisions cannot be read"):
        store.decisions()
    with pytest.raises(StateError):
        store.decide(a_block("blue"))
    assert path.read_bytes() == content


def test_the_newest_report_is_kept(tmp_path: Path) -> None:
    """Each hub has its own; none before the first pass."""
    store = StatusFiles(tmp_path)
    store.record(HubName("hub1"), {"plan_id": "a"}, epoch=1)
    store.record(HubName("hub1"), {"plan_id": "b"}, epoch=1)
    assert store.latest(HubName("hub1")) == {"plan_id": "b"}
    assert store.latest(HubName("hub2")) is None


@pytest.mark.parametrize("name", ["../outside", "", "/outside", "a/b", "."])
def test_a_hub_s_name_never_leads_elsewhere(tmp_path: Path, name: str) -> None:
    """Names come from outside; what is no hub's name is refused before a path is made of it."""
    with pytest.raises(StateError, match="A hub's name is"):
        StatusFiles(tmp_path / "state").record(HubName(name), {}, epoch=1)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_is_not_json_is_refused(tmp_path: Path) -> None:
    """Nothing half-written stays behind."""
    with pytest.raises(StateError, match="cannot be kept"):
        StatusFiles(tmp_path).record(HubName("hub1"), {"at": NOON}, epoch=1)
    assert list(tmp_path.rglob("*report*")) == []


def test_a_checkpoint_is_only_a_cache(tmp_path: Path) -> None:
    """It comes back; what cannot be read or written is passed over in silence."""
    checkpoint = CheckpointFile(tmp_path / "repository" / "checkpoint.json")
    assert checkpoint.read_checkpoint() is None
    checkpoint.write_checkpoint(json.dumps({"a": 1}))
    assert checkpoint.read_checkpoint() == '{"a": 1}'
    blocked = CheckpointFile(tmp_path / "repository" / "checkpoint.json" / "below-a-file")
    blocked.write_checkpoint("x")
    assert blocked.read_checkpoint() is None
