"""What a ground for deferring is asked, and what it answers: the contract between `admission` and its grounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from function_app.model.admission import Deferral
from function_app.model.approval import Origin
from function_app.model.ledger import Ledger
from function_app.model.names import AttachmentKey, HubName, TenantName
from function_app.model.resources import FirewallObservation
from function_app.model.state import Decision, DecisionKind, HubState
from function_app.model.tree import HubDefinitions


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be taken up on a hub, and what is known meanwhile. `hub` is what Git has now.

    `firewall` is None while it is not read, and so is `ledger`. `origins` say how the commits came in that made tenants what
    they are, and `hub_origin` the hub's own; they are asked for only where `planning.unapproved` needs them.
    """

    hub: HubDefinitions
    state: HubState
    decisions: tuple[Decision, ...]
    now: datetime
    elsewhere: Mapping[HubName, Mapping[str, object] | None] = field(default_factory=dict, hash=False)
    """The newest reports of the hubs that come before this one, as published."""
    firewall: FirewallObservation | None = None
    origins: Mapping[TenantName, tuple[Origin, ...]] = field(default_factory=dict)
    hub_origin: Origin | None = None
    ledger: Ledger | None = None

    def active(self, kind: DecisionKind) -> tuple[Decision, ...]:
        """Decisions of one kind that have not expired."""
        return tuple(one for one in self.decisions if one.kind is kind and one.is_in_force(self.now))


@dataclass(frozen=True, slots=True)
class Changed:
    """What would be taken up: `standing` is what is in force as it was admitted last, `keys` the attachments that differ."""

    standing: HubDefinitions
    keys: frozenset[AttachmentKey]


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason why definitions are not taken up.

    `applies` says cheaply whether it might defer anything on this hub now: while no ground does, Git is not read for what was
    admitted last. `defers` answers once that is known. It may name what did not change: only what did is deferred. Where
    several answer for one thing the first in `admission.GROUNDS` is told.
    """

    applies: Callable[[Asked], bool]
    defers: Callable[[Asked, Changed], Iterable[Deferral]]
    strict: bool = True
    """Where nobody remembers what is in force, nothing is given rather than something that this ground defers."""
