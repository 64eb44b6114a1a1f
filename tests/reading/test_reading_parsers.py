"""Two YAML parsers read a definition: libyaml's when it can, PyYAML's own to word what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from function_app.reading.documents import _read

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "gitops").rglob("*.yaml"))


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml: there is one parser only")
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_both_parsers_see_the_same_values_at_the_same_places(path: Path) -> None:
    """Which of the two has read a file can be told from nothing that follows."""
    content = path.read_bytes()
    quick, slow = (_read(path.name, content, loader) for loader in (yaml.CSafeLoader, yaml.SafeLoader))
    assert (quick.root, quick.problems) == (slow.root, slow.problems)
    assert (quick.places.keys, quick.places.values) == (slow.places.keys, slow.places.values)
