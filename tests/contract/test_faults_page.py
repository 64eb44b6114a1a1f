"""The page of cases names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
SECTIONS = (
    "Repository content",
    "Kubernetes",
    "Calico and BGP",
    "Azure",
    "Webhook",
    "Concurrency and time",
    "Secrets and rights",
)


def rows() -> dict[str, list[str]]:
    """Table rows by section, without headings."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {name: [line for line in found[name].splitlines() if line.startswith("| ")][1:] for name in SECTIONS}


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", PAGE.read_text(encoding="utf-8"))))
)
def test_a_test_that_the_page_names_exists(name: str) -> None:
    """File and function, by their names."""
    file, _, function = name.partition("::")

    assert re.search(rf"^def {function}\(", (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_case_names_a_test(section: str) -> None:
    """A case without one belongs under what is not answered yet."""
    assert rows()[section]
    assert [] == [row for row in rows()[section] if "::test_" not in row]
