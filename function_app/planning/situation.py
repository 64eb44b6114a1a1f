"""Everything one pass decides from: definitions as admitted, ledger, observations, memory, decisions, time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from function_app.model.admission import EVERYTHING, Admission
from function_app.model.definitions import DriftMode
from function_app.model.ledger import Generation, Ledger, Record, RecordKind
from function_app.model.names import ClusterName, GenerationId, NamespaceName, TenantName
from function_app.model.resources import ClusterObservation, FirewallObservation, Observations, Unreadable
from function_app.model.state import Decision, DecisionKind, HubState
from function_app.model.tree import HubDefinitions

EVIDENCE_AGE = timedelta(seconds=60)
"""How old what was read may be when a namespace is pointed to a generation because of it."""


@dataclass(frozen=True)
class Situation:
    """One pass's knowledge. `state` has already learned from `observations`; `draw` gives a fresh generation id.

    Without slots, because what is asked of every attachment is worked out once.
    """

    hub: HubDefinitions
    ledger: Ledger
    observations: Observations
    state: HubState
    decisions: tuple[Decision, ...]
    now: datetime
    draw: Callable[[], GenerationId]
    admission: Admission = EVERYTHING

    def cluster(self, name: ClusterName) -> ClusterObservation | None:
        """A cluster that was read, None when it was not."""
        found = self.observations.clusters.get(name)
        return found if isinstance(found, ClusterObservation) else None

    def unreadable(self, name: ClusterName) -> Unreadable | None:
        """Why a cluster was not read."""
        found = self.observations.clusters.get(name)
        return found if isinstance(found, Unreadable) else None

    @property
    def firewall(self) -> FirewallObservation | None:
        """The firewall policy when it was read."""
        found = self.observations.firewall
        return found if isinstance(found, FirewallObservation) else None

    def active(self, kind: DecisionKind) -> tuple[Decision, ...]:
        """Decisions of one kind that have not expired."""
        return tuple(one for one in self.decisions if one.kind is kind and one.is_in_force(self.now))

    def forgotten(self, cluster: ClusterName) -> bool:
        """An operator said that this cluster is gone for good."""
        return any(one.subject == cluster for one in self.active(DecisionKind.FORGET))

    @cached_property
    def blocked(self) -> frozenset[TenantName]:
        """Tenants under an emergency denial."""
        return frozenset(TenantName(one.subject) for one in self.active(DecisionKind.BLOCK))

    @property
    def quarantine(self) -> timedelta:
        """How long a freed range stays unused."""
        return timedelta(hours=self.hub.hub.spec.limits.quarantine_hours)

    @property
    def drain(self) -> timedelta:
        """How long an old generation lives on after the last switch."""
        return timedelta(minutes=self.hub.hub.spec.limits.drain_minutes)

    def corrects_drift(self, cluster: ClusterName | None = None) -> bool:
        """Drift is undone here; a cluster may ask that it only be reported, and so may the hub for everything."""
        if self.hub.hub.spec.drift is DriftMode.REPORT:
            return False
        return (
            cluster is None
            or cluster not in self.hub.clusters
            or self.hub.clusters[cluster].spec.drift is DriftMode.CORRECT
        )

    def suspended(self, cluster: ClusterName | None = None, tenant: TenantName | None = None) -> bool:
        """The hub, this cluster or this tenant is suspended: nothing is written there but what denies."""
        return self.admission.suspension_of(self.hub.name, cluster, tenant) is not None

    def record(self, kind: RecordKind, generation: Generation, namespaces: tuple[NamespaceName, ...] = ()) -> Record:
        """A record about a known generation; `applying` gives it its sequence number and epoch."""
        defined = self.hub.attachments.get(generation.key)
        return Record(
            seq=0,
            epoch=0,
            at=self.now,
            kind=kind,
            tenant=generation.key.tenant,
            cluster=generation.key.cluster,
            generation=generation.id,
            range=generation.range,
            namespaces=namespaces,
            commit=defined.provenance.commit if defined is not None else self.hub.commit,
            author=defined.provenance.author if defined is not None else "",
            approver=defined.provenance.approver if defined is not None else "",
            pull_request=defined.provenance.pull_request if defined is not None else "",
        )
