"""What a real API server is asked by a pass: counts alone, which are the same on every machine; times are `make bench-kube`'s."""

from __future__ import annotations

from pathlib import Path

from bench_kube.contenders import make_ground, our_pass
from bench_kube.estate import KINDS_PER_TENANT, Tenants
from bench_kube.measuring import CHANGED, INSTALL, UNCHANGED, Samples, measure
from real.kube.programs import Programs

TENANTS = 5
SHARED = 2
"""The BGPFilter, and the FelixConfiguration that lets a cluster use egress gateways."""


def test_writes_are_those_of_changed_objects_and_reads_are_lists(programs: Programs, tmp_path: Path) -> None:
    """Each object is written once, an unchanged one never, and no object is read by itself."""
    found = Samples()
    ground = make_ground(Tenants(TENANTS), tmp_path / "ground")

    measure(programs, ground, our_pass, found, lambda _: None)

    installed = found.calls(INSTALL).writes
    unchanged = [sample.calls for sample in found.by_step[UNCHANGED]]
    assert TENANTS * KINDS_PER_TENANT + SHARED == installed
    assert {0} == {calls.writes for calls in unchanged}
    assert 1 == found.calls(CHANGED).writes
    assert 1 == len({calls.reads for calls in unchanged})
    assert max(calls.reads for calls in unchanged) < 2 * TENANTS * KINDS_PER_TENANT
    assert {0} == {sample.calls.trials for samples in found.by_step.values() for sample in samples}
