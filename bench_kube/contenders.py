"""Who is measured: each brings the same objects to the same kind of server, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench_kube.estate import Tenants

ROOT = Path(__file__).parents[1]
_MOST_PASSES = 60
_SAMPLE_SECONDS = 0.02
_BESIDE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: beside\n"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took: wall seconds, CPU seconds of the client, its peak resident memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


class Contender(Protocol):
    """One way to bring the objects to the server."""

    name: str
    repeats: int
    """How often a run in which nothing changes is measured; short ones more often."""

    def prepare(self) -> None:
        """What is not compared, before the clock runs: the fabric, discovery, connections."""

    def install(self) -> Cost:
        """Everything, for the first time."""

    def settle(self) -> None:
        """Once more, not compared: what a process keeps between two runs is at hand afterwards."""

    def unchanged(self) -> Cost:
        """The same once more."""

    def changed(self) -> Cost:
        """With one object changed."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the contenders start from: the files of one measurement, made once, and a folder for their own."""

    tenants: Tenants
    folder: Path

    @property
    def repository(self) -> Path:
        """Definitions on the branches `bare` (no tenant yet), `main` and `edited`."""
        return self.folder / "repository"

    @property
    def world(self) -> Path:
        """The world file of the simulated rest."""
        return self.folder / "world.json"

    @property
    def beside(self) -> Path:
        """A manifest that is none of the compared ones."""
        return self.folder / "beside"

    @property
    def manifests(self) -> Path:
        """The objects as manifests."""
        return self.folder / "manifests"

    @property
    def edited(self) -> Path:
        """The same with one changed."""
        return self.folder / "edited"


def make_ground(tenants: Tenants, folder: Path) -> Ground:
    """Write all files."""
    ground = Ground(tenants, folder)
    ground.repository.mkdir(parents=True)
    _git(ground.repository, "init", "--quiet", "--initial-branch=bare")
    _commit(ground.repository, tenants.around())
    _git(ground.repository, "checkout", "--quiet", "-b", "main")
    _commit(ground.repository, tenants.definitions())
    _git(ground.repository, "checkout", "--quiet", "-b", "edited")
    _commit(ground.repository, tenants.edit())
    _git(ground.repository, "checkout", "--quiet", "main")
    ground.world.write_text(tenants.world().model_dump_json(by_alias=True), encoding="utf-8")
    ground.beside.mkdir()
    (ground.beside / "namespace.yaml").write_text(_BESIDE, encoding="utf-8")
    tenants.write_manifests(ground.manifests)
    tenants.write_manifests(ground.edited, edited=True)
    return ground


class OurPass:
    """Passes of the reconciler in one process."""

    name = "our pass"
    repeats = 5

    def __init__(self, talk: _Talk) -> None:
        self._talk = talk

    def prepare(self) -> None:
        """The cluster's fabric, which the others' manifests do not have: passes until one finds nothing to write."""
        for _ in range(_MOST_PASSES):
            if not self._pass("bare")[1]:
                return
        raise RuntimeError(f"no fabric after {_MOST_PASSES} passes")

    def install(self) -> Cost:
        """The pass over the commit with all tenants, which writes all of their objects."""
        return self._pass("main")[0]

    def settle(self) -> None:
        """The first reading of what was installed, after which bodies are known by their bytes; writes nothing either."""
        self.unchanged()

    def unchanged(self) -> Cost:
        """One more; raises RuntimeError when it writes, for then the one before had not written everything."""
        cost, actions = self._pass("main")
        if actions:
            raise RuntimeError(f"a pass over what was installed wrote {dict(actions)}")
        return cost

    def changed(self) -> Cost:
        """One pass over the commit with the edit."""
        return self._pass("edited")[0]

    def _pass(self, ref: str) -> tuple[Cost, Mapping[str, int]]:
        answer = self._talk(ref)
        if answer["refused"] or answer["unreadable"] or "failed" in answer["actions"]:
            raise RuntimeError(f"a pass did not do what is measured: {answer}")
        return _cost(answer), answer["actions"]


class Flux:
    """Flux's apply engine in one process; an edit is another folder of manifests."""

    name = "Flux's engine"
    repeats = 1

    def __init__(self, talk: _Talk, ground: Ground) -> None:
        self._talk = talk
        self._ground = ground

    def prepare(self) -> None:
        """Discovery and a connection."""
        self._talk(str(self._ground.beside))

    def install(self) -> Cost:
        """One run of ApplyAllStaged."""
        return _cost(self._talk(str(self._ground.manifests)))

    def settle(self) -> None:
        """One run, for the same process goes on."""
        self.install()

    def unchanged(self) -> Cost:
        """One more."""
        return self.install()

    def changed(self) -> Cost:
        """One over the edited manifests."""
        return _cost(self._talk(str(self._ground.edited)))


class Kubectl:
    """`kubectl apply --server-side -f FOLDER`, a process each time."""

    name = "kubectl"
    repeats = 1

    def __init__(self, program: str, kubeconfig: Path, ground: Ground) -> None:
        self._command = [
            program,
            "--kubeconfig",
            str(kubeconfig),
            "apply",
            "--server-side",
            "--field-manager=bench",
            "-f",
        ]
        self._ground = ground

    def prepare(self) -> None:
        """Discovery, which it keeps in files."""
        self._run(self._ground.beside)

    def install(self) -> Cost:
        """One run."""
        return self._run(self._ground.manifests)

    def settle(self) -> None:
        """Nothing: each run is a process of its own."""

    def unchanged(self) -> Cost:
        """One more."""
        return self._run(self._ground.manifests)

    def changed(self) -> Cost:
        """One over the edited manifests."""
        return self._run(self._ground.edited)

    def _run(self, manifests: Path) -> Cost:
        started = time.monotonic()
        log = self._ground.folder / "kubectl.log"
        with log.open("wb") as out:
            process = subprocess.Popen([*self._command, str(manifests)], stdout=out, stderr=out)  # noqa: S603 - fixed words
            done, peak = 0, 0.0
            while not done:
                time.sleep(_SAMPLE_SECONDS)
                peak = max(peak, _peak_mib(process.pid))
                done, status, used = os.wait4(process.pid, os.WNOHANG)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            last = log.read_text(encoding="utf-8").splitlines()[-1:]
            raise RuntimeError(f"kubectl ended with {process.returncode}: {' '.join(last)}")
        return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, peak)


@contextmanager
def our_pass(ground: Ground, kubeconfig: Path, state: Path) -> Iterator[Contender]:
    """The reconciler with an empty state folder."""
    state.mkdir()
    token = state / "arm-token"
    token.touch(mode=0o600)
    token.write_text("nothing is asked of Azure", encoding="utf-8")
    settings = {
        "EGRESS_KUBECONFIG": str(kubeconfig),
        "EGRESS_REPOSITORY": str(ground.repository),
        "EGRESS_STATE_FOLDER": str(state),
        "EGRESS_AUTHOR": "bench",
        "EGRESS_ARM_ENDPOINT": "https://127.0.0.1:9",
        "EGRESS_ARM_TOKEN_FILE": str(token),
    }
    command = [sys.executable, "-m", "bench_kube.ours", ground.tenants.estate.hub, str(ground.world)]
    with _process(command, settings) as talk:
        yield OurPass(talk)


@contextmanager
def flux(ground: Ground, kubeconfig: Path, program: Path) -> Iterator[Contender]:
    """Flux's engine, its connections and discovery kept from run to run."""
    with _process([str(program), str(kubeconfig)], {}) as talk:
        yield Flux(talk, ground)


@contextmanager
def kubectl(ground: Ground, kubeconfig: Path, program: str) -> Iterator[Contender]:
    """Nothing runs between two calls."""
    yield Kubectl(program, kubeconfig, ground)


class _Talk(Protocol):
    def __call__(self, line: str, /) -> Mapping[str, Any]: ...


@contextmanager
def _process(command: list[str], settings: Mapping[str, str]) -> Iterator[_Talk]:
    """A process that answers each line with a line of JSON; it ends with the block."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EGRESS_")} | dict(settings)
    with subprocess.Popen(  # noqa: S603 - the project's own programs
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        asked, answers = process.stdin, process.stdout
        if asked is None or answers is None:
            raise RuntimeError("started without pipes")

        def talk(line: str, /) -> Mapping[str, Any]:
            asked.write(f"{line}\n")
            asked.flush()
            answer = answers.readline()
            if not answer:
                raise RuntimeError(f"{command[0]} ended with {process.wait()}")
            found: Mapping[str, Any] = json.loads(answer)
            return found

        try:
            yield talk
        finally:
            asked.close()


def _peak_mib(process: int) -> float:
    """The largest resident set so far of a process (VmHWM); ru_maxrss would carry the parent's over (getrusage(2))."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def _cost(answer: Mapping[str, Any]) -> Cost:
    return Cost(answer["seconds"], answer["cpu_seconds"], answer["peak_mib"])


def _commit(repository: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = repository / "gitops" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _git(repository, "add", "--all")
    _git(repository, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "-m", "bench")


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)  # noqa: S603, S607 - fixed words; git from PATH
