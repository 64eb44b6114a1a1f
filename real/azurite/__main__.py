"""`python -m real.azurite`: an emulated storage account until Ctrl-C; prints the settings to copy. `build` only installs it."""

from __future__ import annotations

import sys
from functools import partial
from threading import Event

from real.azurite.program import find_program
from real.azurite.server import Azurite, AzuriteFailed
from real.cache import MissingProgram


def main(arguments: list[str]) -> int:
    """Find or install it and, unless that is all that is asked, run it. 1 when something is missing or fails."""
    try:
        program = find_program(announce=partial(print, flush=True))
        if arguments != ["build"]:
            with Azurite(program) as server:
                print("An emulated storage account. What the service needs to use it:")
                print("\n".join(f"  export {name}={value}" for name, value in server.settings.items()))
                print("Ctrl-C ends it and removes what it stored.", flush=True)
                Event().wait()
    except KeyboardInterrupt:
        return 0
    except (MissingProgram, AzuriteFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
