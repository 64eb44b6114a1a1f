"""The programs of a control plane: where they come from, and one line that says what is missing.

kube-apiserver and kube-controller-manager are Go tools of the module in the folder of their minor version (`1.36/go.mod`),
built once into a cache outside the tree; etcd is Debian's. Calico's CRDs are files of the Go module in `crds/go.mod`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
DEFAULT_MINOR = "1.36"
_ETCD = "go.etcd.io/etcd/server/v3"
_TOOLS = ("kube-apiserver", "kube-controller-manager")
_REQUIRED = re.compile(r"^\s*(?:require\s+)?(\S+) (v\d\S*)(?: // indirect)?$", re.MULTILINE)


class MissingProgram(Exception):
    """Something that a real control plane needs is not there; the message says in one line what, and how to install it."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of the programs of one Kubernetes version (`1.36.3`)."""

    version: str
    apiserver: Path
    controller_manager: Path
    etcd: Path


def minors() -> tuple[str, ...]:
    """The minor versions that can be chosen, oldest first."""
    return tuple(sorted(path.name for path in FOLDER.glob("1.*") if (path / "go.mod").is_file()))


def chosen_minor(minor: str = "") -> str:
    """The minor version that was asked for, else KUBE_MINOR, else 1.36. Raises MissingProgram for one that cannot be had."""
    minor = minor or os.environ.get("KUBE_MINOR") or DEFAULT_MINOR
    if minor not in minors():
        raise MissingProgram(f"Kubernetes {minor} is not among {', '.join(minors())}; set KUBE_MINOR to one of them.")
    return minor


def version_of(minor: str) -> str:
    """The version that stands for a minor one (`1.36.3`)."""
    return _required(FOLDER / minor)["k8s.io/kubernetes"].removeprefix("v")


def find_programs(minor: str = "", announce: Callable[[str], None] | None = None) -> Programs:
    """The programs of a minor version (KUBE_MINOR, else 1.36), built now if need be. Raises MissingProgram.

    `announce` is told about a build before it begins: it takes minutes.
    """
    minor = chosen_minor(minor)
    etcd = shutil.which("etcd")
    if etcd is None:
        raise MissingProgram("etcd is missing. Install it with: sudo apt-get install etcd-server")
    module = FOLDER / minor
    version = f"v{version_of(minor)}"
    folder = _cache() / version.removeprefix("v")
    apiserver, controller_manager = (folder / tool for tool in _TOOLS)
    with _locked(folder):
        for tool in _TOOLS:
            if not (folder / tool).is_file():
                if announce:
                    announce(f"Building {tool} {version} into {folder}: once, some minutes on every core.")
                _build(module, version, folder, tool)
    return Programs(version.removeprefix("v"), apiserver, controller_manager, Path(etcd))


def own_program(module: Path, name: str, announce: Callable[[str], None] | None = None, package: str = ".") -> Path:
    """The program of a Go module of this project, built anew when its content has changed. Raises MissingProgram.

    `package` is the module's own, or that of a Go tool which its go.mod names.
    """
    content = hashlib.sha256()
    for file in sorted([*module.glob("*.go"), module / "go.mod", module / "go.sum"]):
        content.update(file.read_bytes())
    folder = _cache() / f"{name}-{content.hexdigest()[:12]}"
    with _locked(folder):
        if not (folder / name).is_file():
            if announce:
                announce(f"Building {name} into {folder}: once, some minutes on every core.")
            building = folder / f".{name}"
            _go(module, ("build", "-trimpath", "-ldflags", "-s -w", "-o", str(building), package), name)
            building.rename(folder / name)
    return folder / name


def own_etcd(announce: Callable[[str], None] | None = None) -> Path:
    """An etcd as new as a managed control plane's, a Go tool of the module in `etcd/`. Raises MissingProgram."""
    module = FOLDER / "etcd"
    version = _required(module)[_ETCD]
    folder = _cache() / f"etcd-{version.removeprefix('v')}"
    with _locked(folder):
        if not (folder / "etcd").is_file():
            if announce:
                announce(f"Building etcd {version} into {folder}: once, a minute or two on every core.")
            building = folder / ".etcd"
            _go(module, ("build", "-trimpath", "-ldflags", "-s -w", "-o", str(building), _ETCD), f"etcd {version}")
            building.rename(folder / "etcd")
    return folder / "etcd"


def crd_files() -> Mapping[str, Path]:
    """Calico's CRD files by `plural.group`: Enterprise's native `projectcalico.org/v3`, and the operator's.

    Raises MissingProgram.
    """
    module = FOLDER / "crds"
    path, version = next(iter(_required(module).items()))
    found = json.loads(_go(module, ("mod", "download", "-json", f"{path}@{version}"), f"{path} {version}"))
    folder = Path(found["Dir"]) / "pkg" / "imports" / "crds"
    files = [*(folder / "enterprise" / "v3.projectcalico.org").glob("*.yaml"), *(folder / "operator").glob("*.yaml")]
    return {f"{plural}.{group}": file for file in files for group, plural in [file.stem.split("_", 1)]}


def _required(module: Path) -> Mapping[str, str]:
    return dict(_REQUIRED.findall((module / "go.mod").read_text(encoding="utf-8")))


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "egress-gitops" / "kube"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One builder at a time; another one waits and then finds what was built."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(module: Path, version: str, folder: Path, tool: str) -> None:
    stamp = "k8s.io/component-base/version"
    _, minor, _ = version.split(".", 2)
    values = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor}
    flags = " ".join(["-s", "-w", *(f"-X {stamp}.{name}={value}" for name, value in values.items())])
    building = folder / f".{tool}"
    arguments = ("build", "-trimpath", "-ldflags", flags, "-o", str(building), f"k8s.io/kubernetes/cmd/{tool}")
    _go(module, arguments, f"{tool} {version}")
    building.rename(folder / tool)


def _go(module: Path, arguments: Sequence[str], what: str) -> str:
    go = shutil.which("go")
    if go is None:
        raise MissingProgram(f"go is missing, {what} cannot be had. Install Go 1.26 or newer from https://go.dev/dl")
    # Builds take minutes on all cores: whoever else works on the machine comes first.
    nice = [program, "-n", "10"] if (program := shutil.which("nice")) else []
    done = subprocess.run([*nice, go, *arguments], cwd=module, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode:
        said = _reason(done)
        raise MissingProgram(
            f"{what} cannot be had: {said}. Go 1.26 or newer and the Go module proxy (GOPROXY) are needed."
        )
    return done.stdout


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """Go's last line; `go mod download -json` says it in its output."""
    try:
        answer: Any = json.loads(done.stdout)
    except json.JSONDecodeError:
        answer = {}
    lines = [line.strip() for line in str(answer.get("Error") or done.stderr).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else f"go ended with {done.returncode}"
