"""`python -m terraform_provider plan` in a folder of configurations: Terraform with the committed schemas behind it."""

from __future__ import annotations

import subprocess
import sys

from real.cache import MissingProgram
from terraform_provider.program import find_terraform
from terraform_provider.serving import served


def main(arguments: list[str]) -> int:
    """Run Terraform with these arguments; its exit code."""
    try:
        program = find_terraform()
    except MissingProgram as problem:
        print(problem, file=sys.stderr)
        return 1
    with served() as environment:
        return subprocess.run([str(program), *arguments], env=environment, check=False).returncode  # noqa: S603 - our program


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
