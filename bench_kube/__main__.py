"""`python -m bench_kube`: measure all three in alternating runs; with `--write` renew the figures of docs/benchmarks_kube.md."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.reconciler import as_in_the_image
from bench_kube.contenders import flux, kubectl, make_ground, our_pass
from bench_kube.estate import KINDS_PER_TENANT, Tenants
from bench_kube.measuring import Samples, Start, measure
from bench_kube.page import FLUX, KUBECTL, OURS, markdown, renew
from real.cache import MissingProgram
from real.kube.programs import find_programs, own_etcd, own_program
from real.kube.server import ControlPlaneFailed

_HARNESS = Path(__file__).parent / "flux"
_SAY = partial(print, flush=True)


def main() -> int:
    """1 when a program is missing."""
    asked = _parser().parse_args()
    as_in_the_image()
    try:
        programs = replace(find_programs(announce=_SAY), etcd=own_etcd(_SAY))
        starts = _starts(asked.only)
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 1
    found = {who: Samples() for who in starts}
    with tempfile.TemporaryDirectory(prefix="egress-bench-kube-") as name:
        tenants = Tenants(asked.tenants)
        ground = make_ground(tenants, Path(name) / "ground")
        try:
            for number in range(asked.runs):
                _SAY(f"run {number + 1} of {asked.runs}, {asked.tenants * KINDS_PER_TENANT} objects")
                # kubectl takes minutes and is far from the goal that it sets: once is enough.
                for who in [who for who in starts if who != KUBECTL or number == 0]:
                    measure(programs, ground, starts[who], found[who], _SAY)
        except ControlPlaneFailed as problem:
            print(problem, file=sys.stderr)
            return 1
    text = markdown(found, asked.tenants * KINDS_PER_TENANT, programs.version)
    _SAY(f"\n{text}")
    if asked.write:
        renew(text)
    return 0


def _starts(only: list[str]) -> Mapping[str, Start]:
    """Everybody who is asked for; programs are looked for, and built, for nobody else."""
    starts: dict[str, Start] = {}
    if not only or "ours" in only:
        starts[OURS] = our_pass
    if not only or "flux" in only:
        harness = own_program(_HARNESS, "flux", _SAY)
        starts[FLUX] = lambda ground, kubeconfig, _: flux(ground, kubeconfig, harness)
    if not only or "kubectl" in only:
        program = shutil.which("kubectl")
        if program is None:
            raise MissingProgram("kubectl is missing. Install it from https://kubernetes.io/docs/tasks/tools")
        starts[KUBECTL] = lambda ground, kubeconfig, _: kubectl(ground, kubeconfig, program)
    return starts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench_kube", description="Our pass, kubectl and Flux's engine on the same real API server."
    )
    parser.add_argument("--tenants", type=int, default=999, help="how many, with three objects each (default 999)")
    parser.add_argument(
        "--runs", type=int, default=1, help="alternating runs, each on fresh servers (default 1); kubectl runs once"
    )
    parser.add_argument(
        "--only", nargs="*", choices=("ours", "flux", "kubectl"), default=[], help="measure these alone"
    )
    parser.add_argument("--write", action="store_true", help="renew the figures of docs/benchmarks_kube.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
