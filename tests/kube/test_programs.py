"""What is missing for a real control plane is said in one line, with the way to get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from faces import ROOT

from real.cache import MissingProgram
from real.kube.programs import find_programs, minors


def test_two_minor_versions_can_be_chosen() -> None:
    """Each has a Go module of its own."""
    assert ("1.35", "1.36") == minors()


def test_an_unknown_minor_version_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(MissingProgram, match=r"Kubernetes 1\.2 is not among 1\.35, 1\.36; set KUBE_MINOR"):
        find_programs("1.2")


def test_missing_etcd_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line, with the command that installs it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgram, match=r"^etcd is missing\. Install it with: sudo apt-get install etcd-server$"):
        find_programs("1.36")


def test_missing_go_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing was built yet, Go is needed."""
    etcd = tmp_path / "etcd"
    etcd.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        MissingProgram, match=r"^go is missing, kube-apiserver v1\.36\.3 cannot be had\. Install Go 1\.26"
    ):
        find_programs("1.36")


def test_an_unreachable_proxy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Go's own last line, and what is needed."""
    for name, text in (("etcd", ""), ("go", "#!/bin/sh\necho 'dial tcp: no such host' >&2; exit 1\n")):
        program = tmp_path / name
        program.touch(mode=0o755)
        program.write_text(text, encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(
        MissingProgram, match=r"no such host\. Go 1\.26 or newer and the Go module proxy \(GOPROXY\) are needed"
    ):
        find_programs("1.36")


SUITES = ("tests/kube/test_same_answers.py", "tests/bgp/test_sessions.py")


def _a_run(tmp_path: Path, **environment: str) -> tuple[int, list[str]]:
    """Exit code and lines of a run of real suites on a machine without the programs."""
    bare = {"PATH": str(tmp_path), "HOME": str(tmp_path), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *SUITES]
    done = subprocess.run(command, cwd=ROOT, env=bare | environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def test_at_a_desk_the_last_lines_name_what_is_missing(tmp_path: Path) -> None:
    """The suites are skipped and the run is green, but what did not run is the last thing that it says."""
    code, lines = _a_run(tmp_path)
    assert 0 == code
    assert lines[-3].startswith("NOT RUN: ")
    assert lines[-2].startswith("  go is missing, github.com/tigera/operator v1.42.4 cannot be had. Install Go")
    assert "gobgpd" in lines[-1]
    assert "missing. Install with: sudo apt-get install " in lines[-1]


def test_in_ci_what_is_missing_is_a_failure(tmp_path: Path) -> None:
    """Nothing is skipped where nobody would read it."""
    code, lines = _a_run(tmp_path, CI="1")
    assert 1 == code
    assert [] == [line for line in lines if "skipped" in line or "passed" in line]
    assert any("go is missing" in line for line in lines)
