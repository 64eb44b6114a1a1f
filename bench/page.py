"""The figures as tables for the part of docs/benchmarks.md that stands between two markers.

A table says when it was measured and how busy the machine was. What is not measured again stays as it is.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Row

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by `make bench WRITE=1` -->", "<!-- end of figures -->"


def table(rows: Sequence[Row], settings: str) -> str:
    """One table as Markdown, under the words on what it was measured on."""
    lines = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}; {settings}",
        "",
        "| figure | goal | found | |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.figure} | {row.goal} | {row.found} | {_sign(row.met)} |" for row in rows]
    return "\n".join(lines)


def renew(tables: Mapping[str, str], page: Path = PAGE) -> None:
    """Put these tables between the page's markers, in place of the former ones of the same titles."""
    content = page.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    former, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the markers {BEGIN} and {END}")
    parts = re.split(r"^### (.+)$", former, flags=re.MULTILINE)
    kept = {title: text.strip() for title, text in zip(parts[1::2], parts[2::2], strict=True)} | dict(tables)
    text = "\n\n".join(f"### {title}\n\n{one}" for title, one in kept.items())
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def machine() -> str:
    """What it ran on, and how busy that was: wall times mean little on a busy machine, CPU times still something."""
    minute, five, _ = os.getloadavg()
    return (
        f"{os.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}, "
        f"load {minute:.1f} over the last minute and {five:.1f} over five"
    )


def _sign(met: bool | None) -> str:
    return "" if met is None else "met" if met else "**missed**"
