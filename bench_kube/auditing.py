"""What a server was asked, from its own audit log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from real.kube.server import ControlPlane

_WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ITS_OWN = ("kube-controller-manager/", "kube-apiserver/")
"""User agents of the control plane itself."""


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls read, only tried (dry run), and wrote."""

    reads: int
    trials: int
    writes: int


class Audit:
    """The calls of one server since it was last asked, the control plane's own left out."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._offset = 0
        self.calls()

    def calls(self) -> Calls:
        """Count and go on from here. A call is in the log before it is answered."""
        begin, self._offset = self._offset, self._plane.audit_log.stat().st_size
        found = Counter(
            _sort(event)
            for event in self._plane.audited(begin)
            if not str(event.get("userAgent", "")).startswith(_ITS_OWN)
        )
        return Calls(found["read"], found["trial"], found["write"])


def _sort(event: Mapping[str, Any]) -> str:
    if event["verb"] not in _WRITING:
        return "read"
    return "trial" if "dryRun=All" in event["requestURI"] else "write"
