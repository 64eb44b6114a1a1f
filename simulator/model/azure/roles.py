"""What the caller may do, and what it has done: the least role a client needs can be read off a run."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase

from simulator.model.errors import ArmError


class Roles:
    """Allowed actions with `*` as in role definitions, None for all. `used` counts every action that was asked for."""

    def __init__(self, allowed: frozenset[str] | None = None) -> None:
        self.allowed = allowed
        self.used: Counter[str] = Counter()

    def check(self, action: str, scope: str) -> None:
        """Raises ArmError 403 AuthorizationFailed, naming the action, as Azure Resource Manager does."""
        self.used[action] += 1
        if self.allowed is not None and not any(fnmatchcase(action.lower(), entry.lower()) for entry in self.allowed):
            message = (
                f"The client does not have authorization to perform action '{action}' over scope '{scope}' or the scope "
                "is invalid. If access was recently granted, please refresh your credentials."
            )
            raise ArmError(403, "AuthorizationFailed", message)
