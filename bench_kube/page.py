"""The figures as a table, for the terminal and for docs/benchmarks_kube.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.page import machine
from bench_kube.measuring import CHANGED, INSTALL, STEPS, UNCHANGED, Samples

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks_kube.md"
BEGIN, END = "<!-- figures: written by `make bench-kube WRITE=1` -->", "<!-- end of figures -->"
OURS, FLUX, KUBECTL = "our pass", "Flux's engine", "kubectl"
_GOALS = (
    (INSTALL, KUBECTL, 7.0),
    (INSTALL, FLUX, 2.5),
    (UNCHANGED, KUBECTL, 150.0),
    (UNCHANGED, FLUX, 30.0),
)
"""How many times faster than whom our pass shall be, by wall time."""


def markdown(found: Mapping[str, Samples], objects: int, version: str) -> str:
    """Everything that was measured."""
    head = f"Measured {datetime.now(UTC):%Y-%m-%d}. Kubernetes {version}, {objects:,} objects. {machine().rstrip('.')}."
    columns = ("", "", "wall", "objects/s", "client CPU", "peak", "calls: read, tried, written", "load")
    table = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    rows = [_row(step, who, found[who], objects) for step in STEPS for who in found]
    goals = "| goal | found | |\n|---|---|---|"
    return "\n\n".join((head, "\n".join((table, *rows)), _run_by_run(found), "\n".join((goals, *_goals(found)))))


def _run_by_run(found: Mapping[str, Samples]) -> str:
    """How far the first installations, of which there is one a run, lie apart."""
    runs = (
        f"{who} {', '.join(f'{sample.cost.seconds:.1f}' for sample in samples.by_step[INSTALL])} s"
        for who, samples in found.items()
    )
    return f"Wall and CPU are medians. First installs run by run: {'; '.join(runs)}."


def renew(text: str, page: Path = PAGE) -> None:
    """Put the tables between the page's markers."""
    content = page.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} lacks the markers {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _row(step: str, who: str, samples: Samples, objects: int) -> str:
    seconds, calls = samples.seconds(step), samples.calls(step)
    counts = f"{calls.reads:,}, {calls.trials:,}, {calls.writes:,}"
    return (
        f"| {step} | {who} | {seconds:.2f} s | {objects / seconds:,.0f} | {samples.cpu_seconds(step):.2f} s "
        f"| {samples.peak_mib(step):.0f} MiB | {counts} | {samples.load(step):.1f} |"
    )


def _goals(found: Mapping[str, Samples]) -> Iterator[str]:
    ours = found.get(OURS)
    if ours is None:
        return
    for step, other, times in _GOALS:
        if other in found:
            ratio = found[other].seconds(step) / ours.seconds(step)
            yield f"| {step}: at least {times:g} times as fast as {other} | {ratio:.1f} | {_sign(met=ratio >= times)} |"
    nothing, one = ours.calls(UNCHANGED).writes, ours.calls(CHANGED).writes
    yield f"| nothing changed: no write | {nothing} | {_sign(met=nothing == 0)} |"
    yield f"| one object changed: one write | {one} | {_sign(met=one == 1)} |"


def _sign(*, met: bool) -> str:
    return "met" if met else "**missed**"
