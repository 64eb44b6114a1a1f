"""Two YAML parsers read a definition: libyaml's when it can, PyYAML's own to word what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from function_app.reading.documents import _read, read_document

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


_FRAGMENTS = (
    *(
        "a: ",
        "b: ",
        "c",
        "d: 1",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ": ",
        "'x'",
        '"y"',
        '"\\u200b"',
    ),
    *(
        "null",
        "true",
        "yes",
        "010",
        "12:30",
        "1e3",
        "-7",
        "&x ",
        "*x",
        "!!str ",
        "<<: ",
        "? ",
        "---\n",
        "%YAML 1.1\n",
        "# why\n",
    ),
    *("|\n  t", "~"),
)


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(_FRAGMENTS), min_size=1, max_size=14).map("".join))
def test_what_is_read_quickly_is_what_is_read_carefully(text: str) -> None:
    """Whatever the text, values and problems are those of the reader that looks where everything stands."""
    found, careful = read_document("a.yaml", text.encode()), _read("a.yaml", text.encode(), yaml.SafeLoader)
    assert (found.root, found.problems) == (careful.root, careful.problems)
