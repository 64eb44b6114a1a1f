"""`make check`'s part for terraform/: formatting, validation, tests of each module, checkov; one line a step with its seconds.

`python -m terraform_provider.verifying` runs Terraform over the committed schemas; with TF=real over the providers themselves,
which needs a registry. checkov has an environment of its own, for it pins half of PyPI: `build/checkov`, made by `make check`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from real.cache import MissingProgram
from terraform_provider.program import find_terraform
from terraform_provider.serving import quiet, served

TREE = Path(__file__).parents[1]
FOLDER = TREE / "terraform"
CHECKOV = TREE / "build" / "checkov" / "bin" / "checkov"


@dataclass(frozen=True, slots=True)
class Step:
    """One command in one folder; `name` is what is printed."""

    name: str
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str]

    def failure(self) -> str:
        """What the command said when it failed, empty when it did not."""
        done = subprocess.run(  # noqa: S603 - our own commands
            self.command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return f"{done.stdout}\n{done.stderr}".strip() or f"exit {done.returncode}" if done.returncode else ""


def configurations() -> Sequence[Path]:
    """Every folder that holds a configuration: roots and modules."""
    return sorted({path.parent for path in FOLDER.rglob("*.tf") if ".terraform" not in path.parts})


def _steps(program: str, environment: Mapping[str, str], folder: Path) -> Iterator[Step]:
    """What one configuration goes through, in order."""
    name = folder.relative_to(FOLDER).as_posix()
    own = {**environment, "TF_DATA_DIR": str(TREE / "build" / "terraform" / name.replace("/", "-"))}
    yield Step(f"init      {name}", folder, (program, "init", "-backend=false", "-input=false", "-no-color"), own)
    yield Step(f"validate  {name}", folder, (program, "validate", "-no-color"), own)
    if any(folder.glob("tests/*.tftest.hcl")):
        yield Step(f"test      {name}", folder, (program, "test", "-no-color"), own)


def _run(steps: Sequence[Step]) -> bool:
    """Run steps one after the other until one fails; whether all passed."""
    for step in steps:
        started = monotonic()
        failure = step.failure()
        print(f"  {'✗' if failure else '✓'} {step.name}  {monotonic() - started:.1f} s", flush=True)
        if failure:
            print(failure, flush=True)
            return False
    return True


@contextmanager
def _providers() -> Iterator[Mapping[str, str]]:
    """The environment for Terraform: with the committed schemas, or with what a registry gives."""
    if os.environ.get("TF") == "real":
        yield quiet(os.environ)
    else:
        with served() as environment:
            yield environment


def main() -> int:
    """0 when everything passed."""
    try:
        program = str(find_terraform(announce=lambda text: print(text, flush=True)))
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 0 if os.environ.get("CI", "") in {"", "0", "false"} else 1
    if not CHECKOV.is_file():
        print("checkov is missing: run `make check`, which installs it into build/checkov.", file=sys.stderr)
        return 1
    started = monotonic()
    with _providers() as environment, ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        plain = quiet(os.environ)
        formatted = Step(
            "fmt", TREE, (program, "fmt", "-check", "-recursive", "-diff", "terraform", "tests/terraform"), plain
        )
        scanned = Step(
            "checkov",
            TREE,
            (str(CHECKOV), "-d", "terraform", "--framework", "terraform", "--skip-download", "--quiet", "--compact"),
            plain,
        )
        groups: list[Sequence[Step]] = [
            [scanned],
            [formatted],
            *(list(_steps(program, environment, each)) for each in configurations()),
        ]
        run: Callable[[Sequence[Step]], bool] = _run
        passed = all(list(pool.map(run, groups)))
    print(f"terraform: {len(groups) - 2} configurations in {monotonic() - started:.0f} s")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
