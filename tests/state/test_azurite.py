"""The emulator, where it does not start."""

from __future__ import annotations

from pathlib import Path

import pytest

from real.azurite.server import Azurite, AzuriteFailed
from real.npm import Program


def test_an_azurite_that_does_not_start_is_told_of(tmp_path: Path) -> None:
    """Its last line is repeated, and its process is gone."""
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho 'address in use'; exit 3\n")
    node.chmod(0o755)
    server = Azurite(Program(node, tmp_path / "none.js"), tmp_path / "azurite")

    with pytest.raises(AzuriteFailed, match="does not start: address in use"), server:
        pass
