"""A person's session at a terminal: a repository with the sample, settings, and the real commands run in process."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from function_app.adapters.state_files import StateFile
from function_app.cli import app

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "gitops"
NOBODY_LISTENS = "http://127.0.0.1:1"
HUB1 = (SAMPLE / "hubs" / "hub1.yaml").read_text()


@dataclass(frozen=True, slots=True)
class Session:
    """A working repository in `folder/repository` and state in `folder/state`. Azure is an address where nobody listens."""

    folder: Path

    @property
    def repository(self) -> Path:
        """The working repository."""
        return self.folder / "repository"

    @property
    def state(self) -> StateFile:
        """What is kept of hub1."""
        return StateFile(self.folder / "state" / "hubs" / "hub1")

    @property
    def environment(self) -> dict[str, str]:
        """The settings."""
        token = self.folder / "token"
        token.write_text("static-token")
        return {
            "EGRESS_REPOSITORY": str(self.repository),
            "EGRESS_STATE_FOLDER": str(self.folder / "state"),
            "EGRESS_ARM_ENDPOINT": NOBODY_LISTENS,
            "EGRESS_ARM_TOKEN_FILE": str(token),
            "EGRESS_LATE_TARGET_GRACE_SECONDS": "1",
            "EGRESS_AUTHOR": "jo@example.com",
            "COLUMNS": "120",
        }

    def commit(self, files: Mapping[str, str | None]) -> None:
        """Change files below `gitops/`, None deletes, and commit."""
        for path, text in files.items():
            file = self.repository / "gitops" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--message", "a change")

    def run(self, *arguments: str, **settings: str) -> Result:
        """One command in process; `settings` are variables without EGRESS_, in lower case."""
        changed = {f"EGRESS_{name.upper()}": value for name, value in settings.items()}
        return CliRunner().invoke(app, list(arguments), env={**self.environment, **changed})

    def run_json(self, *arguments: str, **settings: str) -> Any:
        """What a command prints with `--output json`."""
        return json.loads(self.run(*arguments, "--output", "json", **settings).stdout)


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    somebody = ["-c", "user.name=Jo", "-c", "user.email=jo@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *somebody, *arguments], check=True, capture_output=True)


def sample_files() -> dict[str, str]:
    """The committed sample by path relative to `gitops/`."""
    return {path.relative_to(SAMPLE).as_posix(): path.read_text() for path in sorted(SAMPLE.rglob("*.yaml"))}
