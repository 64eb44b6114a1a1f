"""The table of docs/mutants.md: who noticed each mistake the last time, and writing it anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mutants.mistake import Mistake
from mutants.running import ROOT, Fate, Trial

PAGE = ROOT / "docs" / "mutants.md"
BEGIN, END = "<!-- table: written by `make mutants WRITE=1` -->", "<!-- end of table -->"
_HEAD = "| mistake | breaks | what goes wrong in the field | noticed first by |\n|---|---|---|---|"
_ROW = re.compile(r"^\| (?P<name>[a-z0-9-]+) \|.*\| `(?P<test>[^`]+)` \|$", re.MULTILINE)


def noticed_before(page: Path = PAGE) -> Mapping[str, str]:
    """The test that noticed a mistake the last time, by the mistake's name; raises ValueError without the markers."""
    return {row["name"]: row["test"] for row in _ROW.finditer(_parts(page)[1])}


def renew(trials: Sequence[Trial[Mistake]], seconds: float, page: Path = PAGE) -> None:
    """Put the outcome of a whole run between the page's markers; `seconds` is how long the run took."""
    before, _, after = _parts(page)
    page.write_text(f"{before}{BEGIN}\n\n{_text(trials, seconds)}\n\n{END}{after}", encoding="utf-8")


def _text(trials: Sequence[Trial[Mistake]], seconds: float) -> str:
    noticed = sum(trial.fate is Fate.KILLED for trial in trials)
    said = f"{noticed} of {len(trials)} mistakes noticed, {datetime.now(UTC):%Y-%m-%d}, in {seconds / 60:.0f} minutes."
    return "\n".join((said, "", _HEAD, *_rows(trials)))


def _rows(trials: Sequence[Trial[Mistake]]) -> Iterator[str]:
    for trial in trials:
        by = f"`{trial.by}`" if trial.fate is Fate.KILLED else f"**{trial.fate}**"
        yield f"| {trial.of.name} | {trial.of.breaks} | {trial.of.harm} | {by} |"


def _parts(page: Path) -> tuple[str, str, str]:
    """The page before, between and after its markers."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the markers {BEGIN} and {END}. Put them where the table belongs.")
    return before, inside, after
