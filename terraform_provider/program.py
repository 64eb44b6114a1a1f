"""Terraform's program: the one on PATH when it is new enough, else built once from its Go module."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from real.cache import Announce, MissingProgram
from real.kube.programs import own_program

OLDEST = (1, 11)
"""The oldest version that the configurations accept: `terraform.tf` of every root says the same."""
MODULE = Path(__file__).parent / "program"


def find_terraform(announce: Announce | None = None) -> Path:
    """The program; `announce` is told before it is built, which takes minutes. Raises MissingProgram with how to get it."""
    installed = shutil.which("terraform")
    if installed and _version(installed) >= OLDEST:
        return Path(installed)
    return own_program(MODULE, "terraform", announce, "github.com/hashicorp/terraform")


def _version(program: str) -> tuple[int, ...]:
    done = subprocess.run([program, "version", "-json"], capture_output=True, text=True, check=False)  # noqa: S603 - found on PATH
    try:
        return tuple(int(part) for part in json.loads(done.stdout)["terraform_version"].split("-")[0].split(".")[:2])
    except (ValueError, KeyError):
        return (0,)


__all__ = ["MissingProgram", "find_terraform"]
