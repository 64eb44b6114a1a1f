"""A copy of the configurations to plan and apply in, with state in files: the tree itself is never written to."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terraform_provider.program import find_terraform
from terraform_provider.serving import served

TREE = Path(__file__).parents[1]
_COPIED = ("terraform", "gitops", "deploy", "tests/terraform")
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'


class TerraformFailed(Exception):
    """Terraform ended with an error; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One copy; folders are named from the tree's root (`terraform/platform`)."""

    folder: Path
    program: Path
    environment: Mapping[str, str]
    _ready: set[str] = field(default_factory=set)

    def run(self, root: str, *arguments: str) -> str:
        """What Terraform prints in one folder, once that is initialised. Raises TerraformFailed."""
        if root not in self._ready:
            self._ready.add(root)
            self._initialise(root)
        return self._said(root, *arguments)

    def plan(self, root: str, *arguments: str, name: str = "a") -> dict[str, Any]:
        """A plan as `terraform show -json` tells it. Raises TerraformFailed."""
        self.run(root, "plan", "-input=false", f"-out={name}.tfplan", *arguments)
        plan: dict[str, Any] = json.loads(self._said(root, "show", "-json", f"{name}.tfplan"))
        return plan

    def apply(self, root: str, *arguments: str) -> None:
        """Apply against nothing: what only Azure knows is invented. Raises TerraformFailed."""
        self.run(root, "apply", "-input=false", "-auto-approve", *arguments)

    @contextmanager
    def edited(self, file: str, right: str, wrong: str) -> Iterator[None]:
        """One file of the copy with another text in one place, while the context lasts. Raises ValueError where it is not there."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        if text.count(right) != 1:
            raise ValueError(f"{right!r} stands {text.count(right)} times in {file}, not once")
        path.write_text(text.replace(right, wrong), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")

    def tests(self, root: str) -> Mapping[str, bool]:
        """Whether each run of a configuration's own tests passes, by its name. Raises TerraformFailed where none was run."""
        try:
            said = self.run(root, "test", "-json")
        except TerraformFailed as failed:
            said = str(failed)
        events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        runs = [each["test_run"] for each in events if each.get("type") == "test_run"]
        if not runs:
            raise TerraformFailed(said)
        return {
            each["run"]: each["status"] == "pass" for each in runs if each.get("progress", "complete") == "complete"
        }

    def _initialise(self, root: str) -> None:
        folder = self.folder / root
        if 'backend "' in "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.tf")):
            (folder / "local_override.tf").write_text(_LOCAL_STATE, encoding="utf-8")
        self._said(root, "init", "-input=false")

    def _said(self, root: str, *arguments: str) -> str:
        # -no-color belongs to the command, which is the first argument.
        command, *rest = arguments
        plain = ["-no-color"] if command not in {"console", "fmt"} else []
        done = subprocess.run(  # noqa: S603 - our program and arguments
            [str(self.program), command, *plain, *rest],
            cwd=self.folder / root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise TerraformFailed(f"terraform {command} in {root}:\n{done.stdout}\n{done.stderr}")
        return done.stdout


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A fresh copy with providers served; it is removed afterwards. Raises MissingProgram."""
    program = find_terraform()
    with tempfile.TemporaryDirectory(prefix="egress-terraform-") as name, served() as environment:
        folder = Path(name)
        for each in _COPIED:
            shutil.copytree(
                TREE / each, folder / each, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "__pycache__")
            )
        yield Workspace(folder, program, environment)
