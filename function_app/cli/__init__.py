"""`egressctl`: the same calls as the service makes, for a terminal. Parse, one call, print; nothing is decided here.

Exit codes: 0 done or nothing to do, 1 refused or failed (bad usage included), 2 changes pending or not yet converged.
"""

from function_app.cli.program import app, main

__all__ = ["app", "main"]
