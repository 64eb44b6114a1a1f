"""What the judge says: which invariant, in words, when and by which call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Invariant(StrEnum):
    """What must hold at every step of every history, whatever fails in between."""

    PACKETS = "no new connection is dropped, denied or misattributed by us"
    EVIDENCE = "a namespace is first pointed only at what serves, is advertised and permitted"
    RANGES = "rules and ranges are their holder's alone"
    ROUTES = "while a reflector works, no routed attachment loses its route through us"
    FILTER = "the filter ends in a reject and stays inside the egress CIDR"
    FOREIGN = "what is foreign is never changed"
    DOUBT = "unreadable is never empty, unparsable never removed"
    CONVERGENCE = "once faults stop, passes converge or stop and say why"
    LIMITS = "what exceeds a limit is refused"
    ONCE = "each changed resource is written once, an unchanged one never"
    LEASE = "two passes at once end where one would have"
    APPROVED = "what a tenant gains was shown and approved by somebody else, what it loses goes at once"
    SECRETS = "nothing secret reaches a report"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken invariant. `call` is empty when no single call did it."""

    invariant: Invariant
    words: str
    at: datetime
    call: str = ""

    def __str__(self) -> str:
        by = f", by {self.call}" if self.call else ""
        return f"{self.invariant.name}: {self.words} (at {self.at:%d %H:%M:%S}{by})"
