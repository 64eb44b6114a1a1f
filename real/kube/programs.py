"""The programs of a control plane: where they come from, and one line that says what is missing.

kube-apiserver and kube-controller-manager are Go tools of the module in the folder of their minor version (`1.36/go.mod`),
built once into a cache outside the tree; etcd is Debian's. Calico's CRDs are files of the Go module in `crds/go.mod`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from real.cache import Announce, MissingProgram, cache, digest, kept

FOLDER = Path(__file__).parent
DEFAULT_MINOR = "1.36"
_ETCD = "go.etcd.io/etcd/server/v3"
_TOOLS = ("kube-apiserver", "kube-controller-manager")
_REQUIRED = re.compile(r"^\s*(?:require\s+)?(\S+) (v\d\S*)(?: // indirect)?$", re.MULTILINE)


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


def find_programs(minor: str = "", announce: Announce | None = None) -> Programs:
    """The programs of a minor version (KUBE_MINOR, else 1.36), built now if need be. Raises MissingProgram.

    `announce` is told about a build before it begins: it takes minutes.
    """
    minor = chosen_minor(minor)
    etcd = shutil.which("etcd")
    if etcd is None:
        raise MissingProgram("etcd is missing. Install it with: sudo apt-get install etcd-server")
    version = version_of(minor)
    apiserver, controller_manager = (
        kept(
            cache("kube", version, tool),
            partial(_build, FOLDER / minor, f"v{version}", tool),
            announce,
            f"Building {tool} v{version}, some minutes on every core,",
        )
        for tool in _TOOLS
    )
    return Programs(version, apiserver, controller_manager, Path(etcd))


def own_program(module: Path, name: str, announce: Announce | None = None, package: str = ".") -> Path:
    """The program of a Go module of this project, built anew when its content has changed. Raises MissingProgram.

    `package` is the module's own, or that of a Go tool which its go.mod names.
    """

    def build(at: Path) -> None:
        _go(module, ("build", "-trimpath", "-ldflags", "-s -w", "-o", str(at), package), name)

    pins = digest(sorted([*module.glob("*.go"), module / "go.mod", module / "go.sum"]))
    return kept(cache("kube", f"{name}-{pins}", name), build, announce, f"Building {name}, some minutes on every core,")


def own_etcd(announce: Announce | None = None) -> Path:
    """An etcd as new as a managed control plane's, a Go tool of the module in `etcd/`. Raises MissingProgram."""
    return own_program(FOLDER / "etcd", "etcd", announce, _ETCD)


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


def _build(module: Path, version: str, tool: str, at: Path) -> None:
    stamp = "k8s.io/component-base/version"
    _, minor, _ = version.split(".", 2)
    values = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor}
    flags = " ".join(["-s", "-w", *(f"-X {stamp}.{name}={value}" for name, value in values.items())])
    arguments = ("build", "-trimpath", "-ldflags", flags, "-o", str(at), f"k8s.io/kubernetes/cmd/{tool}")
    _go(module, arguments, f"{tool} {version}")


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
