"""What files alone do; what they promise like storage is in test_contract."""

from __future__ import annotations

import json
from pathlib import Path

from function_app.adapters.state_files import CheckpointFile


def test_a_checkpoint_is_only_a_cache(tmp_path: Path) -> None:
    """It comes back; what cannot be read or written is passed over in silence."""
    checkpoint = CheckpointFile(tmp_path / "repository" / "checkpoint.json")
    assert checkpoint.read_checkpoint() is None
    checkpoint.write_checkpoint(json.dumps({"a": 1}))
    assert checkpoint.read_checkpoint() == '{"a": 1}'
    blocked = CheckpointFile(tmp_path / "repository" / "checkpoint.json" / "below-a-file")
    blocked.write_checkpoint("x")
    assert blocked.read_checkpoint() is None
