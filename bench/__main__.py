"""`python -m bench`: measure, print the tables, and with `--write` renew the figures of docs/benchmarks.md."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.estate import Estate
from bench.figures import Bench, Row, beside_flux, changed, growth, hubs, install, sizes, struck, unchanged
from bench.ground import settled
from bench.page import renew, table
from bench.reconciler import as_in_the_image
from bench.reviewing import REVIEWING, reviewing
from bench.serving import timed

HUBS, TENANTS_PER_HUB = 20, 50


def main() -> None:
    """Settle the estate, measure one subject after the other."""
    asked = _parser().parse_args()
    as_in_the_image()
    with tempfile.TemporaryDirectory(prefix="egress-bench-") as name:
        folder = Path(name)
        print(f"settling {asked.tenants} attachments ...", flush=True)
        estate = Estate(tenants=asked.tenants)
        ground, seconds = timed(lambda: settled([estate], folder / "ground"))
        print(f"settled in {ground.settling[0].passes} passes, {seconds:.0f} s", flush=True)
        bench = Bench(ground, folder, asked.runs)
        for title, measure in _subjects(bench, asked.sizes).items():
            if asked.only and not any(word in title.lower() for word in asked.only):
                continue
            rows, seconds = timed(measure)
            print(f"\n{title} ({seconds:.0f} s)", flush=True)
            for row in rows:
                verdict = "" if row.met is None else "met" if row.met else "MISSED"
                print(f"  {row.figure:<64} {row.goal:<14} {row.found}  {verdict}", flush=True)
            if asked.write:
                renew({title: table(rows, f"--tenants {asked.tenants} --runs {asked.runs}")})


def _subjects(bench: Bench, tenants: Sequence[int]) -> dict[str, Callable[[], list[Row]]]:
    return {
        "Objects": lambda: sizes(bench.ground),
        "Nothing changed": lambda: unchanged(bench),
        "A commit": lambda: changed(bench),
        "First install": lambda: install(bench),
        "A struck cluster": lambda: struck(bench),
        "Growth": lambda: growth(bench, tenants),
        "Hubs": lambda: hubs(bench.folder, HUBS, TENANTS_PER_HUB),
        "Beside Flux's call pattern": lambda: beside_flux(bench),
        REVIEWING: lambda: reviewing(bench.folder, bench.runs),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="What the reconciler costs.")
    parser.add_argument("--tenants", type=int, default=999, help="attachments of the measured hub (default 999)")
    parser.add_argument("--runs", type=int, default=3, help="how often each measurement is repeated (default 3)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 250, 500], help="smaller hubs for the growth")
    parser.add_argument("--only", nargs="*", default=[], help="words of the titles to measure (default: all)")
    parser.add_argument("--write", action="store_true", help="renew the figures of docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    main()
