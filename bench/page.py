"""The figures as tables: for the terminal, and for the part of docs/benchmarks.md that stands between two markers."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Row

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by `make bench WRITE=1` -->", "<!-- end of figures -->"


def markdown(tables: Mapping[str, Sequence[Row]], settings: str) -> str:
    """All tables with what they were measured on."""
    parts = [f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. {machine()} {settings}"]
    for title, rows in tables.items():
        parts.append(f"### {title}\n\n| figure | goal | found | |\n|---|---|---|---|")
        parts[-1] += "".join(f"\n| {row.figure} | {row.goal} | {row.found} | {_sign(row.met)} |" for row in rows)
    return "\n\n".join(parts)


def renew(text: str, page: Path = PAGE) -> None:
    """Put the tables between the page's markers."""
    content = page.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the markers {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def machine() -> str:
    """What it ran on, and how busy that was: wall times mean little on a busy machine, CPU times still something."""
    busy = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} CPUs, {platform.system()}, Python {platform.python_version()}, load {busy:.1f} at the end."
    )


def _sign(met: bool | None) -> str:
    return "" if met is None else "met" if met else "**missed**"
