"""One contract, two API servers: every test that asks for `face` runs against the simulator and a real kube-apiserver.

All tests of this folder run on one worker (`tests/conftest.py`), so that a run starts one real server however many there are.
Without the real programs the simulator's half still runs; the other half says what is missing (`tests/real_parts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import mkdtemp

import pytest
import yaml
from faces import ROOT, Face, Real, Simulated, adapter, caller, walkthrough
from real_parts import missing

from function_app.adapters.kubernetes_cluster import KubernetesCluster
from real.cache import MissingProgram
from real.kube.installing import install
from real.kube.programs import Programs, crd_files, find_programs
from real.kube.rest import Rest
from real.kube.server import ADMIN, RECONCILER, STRANGER, ControlPlane
from simulator.wire.server import SimulatorServer

ROLE_FILE = ROOT / "deploy" / "reconciler-clusterrole.yaml"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where logs lie that were kept, by this run or an earlier one."""
    for folder in sorted(LOGS.glob("*")):
        terminalreporter.write_line(f"kept logs of a real control plane: {folder}")


LOGS = ROOT / "build" / "kube"


@pytest.fixture(scope="session")
def crds() -> None:
    """Calico's CRDs can be read."""
    try:
        crd_files()
    except MissingProgram as problem:
        missing(str(problem))


@pytest.fixture(scope="session")
def programs(crds: None) -> Programs:  # noqa: ARG001 - a server without Calico's kinds is of no use
    """The programs of a real control plane; a missing one is said with the way to install it."""
    try:
        return find_programs()
    except MissingProgram as problem:
        missing(str(problem))


@pytest.fixture(scope="session")
def real(programs: Programs, request: pytest.FixtureRequest) -> Iterator[Real]:
    """A real control plane with Calico's CRDs and the project's ClusterRole."""
    failed_before = request.session.testsfailed
    LOGS.mkdir(parents=True, exist_ok=True)
    with ControlPlane(programs, folder=Path(mkdtemp(dir=LOGS))) as plane:
        face = Real(plane)
        with caller(face) as admin:
            install(admin)
        _grant(face)
        yield face
        plane.keep = request.session.testsfailed > failed_before


@pytest.fixture(scope="session")
def simulated() -> Iterator[Simulated]:
    """The walkthrough over HTTPS, with the project's ClusterRole."""
    with SimulatorServer(walkthrough()) as server:
        face = Simulated(server)
        _grant(face)
        yield face


def _grant(face: Face) -> None:
    plurals = {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}
    with caller(face) as admin:
        for body in yaml.safe_load_all(ROLE_FILE.read_text(encoding="utf-8")):
            answer = admin("POST", f"{_RBAC}/{plurals[body['kind']]}", body)
            assert 201 == answer.status, answer.body


@pytest.fixture(params=["simulated", "real"])
def face(request: pytest.FixtureRequest) -> Face:
    """Each of the two servers in turn."""
    chosen: Face = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def admin(face: Face) -> Iterator[Rest]:
    """A raw client with every right: somebody else on the cluster."""
    with caller(face, ADMIN) as rest:
        yield rest


@pytest.fixture
def stranger(face: Face) -> Iterator[Rest]:
    """A raw client without any right."""
    with caller(face, STRANGER) as rest:
        yield rest


@pytest.fixture
def cluster(face: Face, tmp_path: Path) -> KubernetesCluster:
    """Our adapter with the reconciler's rights and no others."""
    return adapter(face.endpoint, face.token(RECONCILER), tmp_path)


_NUMBERS = count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"contract-{next(_NUMBERS)}"
