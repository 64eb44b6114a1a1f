"""One write of ours to a cluster, judged by what stood there before and stands there after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network

from function_app.model.ledger import Generation
from function_app.model.names import (
    ALWAYS_RESERVED_NAMESPACES,
    BLOCKED_ANNOTATION,
    EGRESS_ANNOTATIONS,
    FIELD_MANAGER,
    MANAGED_BY_LABEL,
)
from simulator.judge.asking import FILTER_NAME, Asked, MayAdopt
from simulator.judge.books import Books
from simulator.judge.truth import advertised, find, permitted, points_at, pooled, serving
from simulator.judge.violations import Invariant
from simulator.model.bgp.inputs import REFLECTOR_ANNOTATION
from simulator.model.bgp.views import ClusterView, Object, spec_of
from simulator.model.faults import Call
from simulator.model.trees import annotations_of, labels_of, name_of
from simulator.model.world import World

EVIDENCE_AGE = timedelta(seconds=66)
"""A minute, and the step in which the judge looks."""
_SHARED = {"Namespace", "Node", "FelixConfiguration", "BGPConfiguration"}
"""Kinds of which we write some keys of objects that are not ours."""
_PARTS = ("pooled", "serving", "advertised", "permitted")

type Finding = tuple[Invariant, str]


@dataclass(frozen=True, slots=True)
class Before:
    """The addressed object as it was directly before the call."""

    call: Call
    object: Object | None
    unguarded: frozenset[str] = frozenset()
    """Peers of ours towards Route Server that stood without a filter already."""


def is_ours(found: Object) -> bool:
    """Our label and our field manager; the label alone only looks like ours."""
    managers = {entry.get("manager") for entry in found["metadata"].get("managedFields") or ()}
    return labels_of(found).get(MANAGED_BY_LABEL) == FIELD_MANAGER and FIELD_MANAGER in managers


class ClusterJudge:
    """Judges writes to clusters; `sample` must be called whenever time has passed."""

    def __init__(self, world: World, hub: str, books: Books, may_adopt: MayAdopt) -> None:
        self._world = world
        self._hub = hub
        self._books = books
        self._may_adopt = may_adopt
        self._pointed: set[tuple[str, str, str]] = set()
        self._true_at: dict[tuple[str, str], datetime] = {}
        self._truths: dict[str, tuple[tuple[object, ...], frozenset[str]]] = {}

    def sample(self, asked: Asked | None) -> None:
        """Remember when which condition of generations that nothing points at yet was last true."""
        for generation in (*self._books.live(), *self._books.lost()):
            if not generation.routed or len(generation.routed) < 2:
                self._take(generation, asked)

    def note_pointers(self, cluster: str) -> None:
        """Remember where every namespace points now, whoever brought it about."""
        view = self._world.clusters[cluster]
        live = [one for one in self._books.live() if one.key.cluster == cluster]
        for namespace in view.api.objects("Namespace"):
            if any(key in annotations_of(namespace) for key in EGRESS_ANNOTATIONS):
                self._pointed.update(
                    (str(one.id), cluster, name_of(namespace)) for one in live if points_at(view, namespace, one)
                )

    def before(self, call: Call) -> Before:
        """What stands where the call goes."""
        view = self._world.clusters[call.target.removeprefix("cluster/")]
        bare = frozenset(self._unguarded(view)) if call.kind in ("BGPFilter", "BGPPeer") else frozenset()
        return Before(call, find(view, call.kind, call.name, call.namespace), bare)

    def after(self, before: Before, asked: Asked, *, touched: bool) -> Iterator[Finding]:
        """Everything that this write broke.

        `touched` says that somebody else has acted since the pass began to read: then a write may have been refused for that, or
        have found done what it was to do, and what did not change was no mistake. Nor is a peer that names our filter while
        somebody takes that away, or opens it, between our two writes.
        """
        call, old = before.call, before.object
        cluster = call.target.removeprefix("cluster/")
        view = self._world.clusters[cluster]
        new = find(view, call.kind, call.name, call.namespace)
        stands = old is not None and new is not None and _version(old) == _version(new)
        if call.verb != "delete" and stands and not touched:
            yield Invariant.ONCE, f"{call.kind} {call.name} was written and nothing of it changed"
        if old is not None and (new is None or _version(old) != _version(new)):
            yield from self._foreign(view, call, old, new)
        if call.kind in ("BGPFilter", "BGPPeer"):
            # A peer that goes takes routes away with it, whatever somebody made of the filter.
            if call.kind == "BGPFilter" or (new is not None and not touched):
                yield from self._filtered(view, asked)
            for peer in self._unguarded(view):
                ours = peer not in before.unguarded or (call.kind, call.name) == ("BGPPeer", peer)
                if ours and not (touched and _named(view, peer)):
                    yield Invariant.FILTER, f"peer {peer} on {view.name} stands without a filter that rejects"
        if call.kind == "Namespace" and new is not None:
            yield from self._pointing(cluster, old, new, asked)

    def _foreign(self, view: ClusterView, call: Call, old: Object, new: Object | None) -> Iterator[Finding]:
        if call.kind in _SHARED and new is not None:
            yield from _shared(call, old, new)
            return
        adopted = call.verb != "delete" and self._may_adopt(view.name, call.kind, call.name)
        if not is_ours(old) and not adopted:
            verb = "deleted" if new is None or call.verb == "delete" else "changed"
            yield Invariant.FOREIGN, f"{call.kind} {call.name} on {view.name} is not ours and was {verb}"
        if call.kind == "Namespace" and call.verb == "delete":
            strangers = [
                f"{kind} {name_of(each)}"
                for kind in ("Pod", "Deployment", "PodDisruptionBudget", "EgressGateway")
                for each in view.api.objects(kind)
                if each["metadata"].get("namespace") == call.name
                and not is_ours(each)
                and not each["metadata"].get("ownerReferences")
            ]
            if strangers:
                yield Invariant.FOREIGN, f"namespace {call.name} was deleted with {', '.join(strangers)} in it"

    def _filtered(self, view: ClusterView, asked: Asked) -> Iterator[Finding]:
        """Our filter ends in a reject and accepts nothing outside the egress CIDR."""
        inside = asked.egress_cidr(view.name)
        found = find(view, "BGPFilter", FILTER_NAME)
        rules = list(spec_of(found).get("exportV4") or ()) if found is not None else []
        sound = bool(rules) and rules[-1].get("action") == "Reject" and not rules[-1].get("cidr")
        if found is not None and is_ours(found) and not sound:
            yield Invariant.FILTER, f"{FILTER_NAME} on {view.name} does not end in a reject"
        for rule in rules if found is not None and is_ours(found) else ():
            cidr = rule.get("cidr")
            if rule.get("action") == "Accept" and (
                not cidr or inside is None or not IPv4Network(cidr).subnet_of(inside)
            ):
                yield Invariant.FILTER, f"{FILTER_NAME} on {view.name} accepts {cidr or 'everything'}"

    def _unguarded(self, view: ClusterView) -> Iterator[str]:
        """Our peers towards Route Server without a filter that ends in a reject."""
        addresses = self._world.hubs[self._hub].document.route_server.peer_ips
        for peer in view.api.objects("BGPPeer"):
            towards = str(spec_of(peer).get("peerIP", "")).removesuffix(":179")
            if towards in addresses and is_ours(peer) and not self._guarded(view, peer):
                yield name_of(peer)

    def _guarded(self, view: ClusterView, peer: Object) -> bool:
        filters = [find(view, "BGPFilter", name) for name in spec_of(peer).get("filters") or ()]
        return bool(filters) and all(
            one is not None and [rule.get("action") for rule in spec_of(one).get("exportV4") or ()][-1:] == ["Reject"]
            for one in filters
        )

    def _pointing(self, cluster: str, old: Object | None, new: Object, asked: Asked) -> Iterator[Finding]:
        name = name_of(new)
        if not _egress_changed(old, new):
            return
        if name in ALWAYS_RESERVED_NAMESPACES or name.endswith("-egw"):
            yield Invariant.FOREIGN, f"reserved namespace {name} was annotated"
        view = self._world.clusters[cluster]
        for generation in self._books.live():
            if generation.key.cluster != cluster or not points_at(view, new, generation):
                continue
            if old is not None and points_at(view, old, generation):
                continue
            if (str(generation.id), cluster, name) not in self._pointed:
                missing = self._missing(generation, asked)
                if missing:
                    where = f"{name} on {cluster} was pointed to {generation.gateway} ({generation.range})"
                    yield Invariant.EVIDENCE, f"{where}, which within a minute was not {', not '.join(missing)}"
        self.note_pointers(cluster)

    def _missing(self, generation: Generation, asked: Asked) -> list[str]:
        self._take(generation, asked)
        now = self._world.clock.now()
        times = {part: self._true_at.get((str(generation.id), part)) for part in _PARTS}
        return [part for part, at in times.items() if at is None or now - at > EVIDENCE_AGE]

    def _take(self, generation: Generation, asked: Asked | None) -> None:
        now = self._world.clock.now()
        unruled = asked is not None and not asked.has_rules(str(generation.key.tenant), now.date())
        for part in self._true(generation, unruled=unruled):
            self._true_at[str(generation.id), part] = now

    def _true(self, generation: Generation, *, unruled: bool) -> frozenset[str]:
        """Which conditions hold; looked at afresh when anything that they depend on has changed."""
        view, hub = self._world.clusters[generation.key.cluster], self._world.hubs[self._hub]
        versions = (view.api.revision, hub.policies.enforced_version, hub.route_server.learned_version)
        state = (*versions, unruled, generation.pool, generation.gateway, generation.range)
        known = self._truths.get(str(generation.id))
        if known is not None and known[0] == state:
            return known[1]
        checks: dict[str, Callable[[], bool]] = {
            "pooled": lambda: pooled(view, generation),
            "serving": lambda: serving(view, generation),
            "advertised": lambda: advertised(self._world, self._hub, view, generation),
            "permitted": lambda: unruled or permitted(self._world, self._hub, generation),
        }
        found = frozenset(part for part, check in checks.items() if check())
        self._truths[str(generation.id)] = (state, found)
        return found


def _shared(call: Call, old: Object, new: Object) -> Iterator[Finding]:
    """Of a shared object only our keys change."""
    allowed = {*EGRESS_ANNOTATIONS, BLOCKED_ANNOTATION}
    before, after = annotations_of(old), annotations_of(new)
    touched = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    ours = is_ours(old)
    if call.kind == "Namespace" and (touched - allowed) and not ours:
        yield Invariant.FOREIGN, f"annotations {sorted(touched - allowed)} of namespace {call.name} were changed"
    if call.kind == "Node" and touched - {REFLECTOR_ANNOTATION}:
        yield (
            Invariant.FOREIGN,
            f"annotations {sorted(touched - {REFLECTOR_ANNOTATION})} of node {call.name} were changed",
        )
    if dict(labels_of(old)) != dict(labels_of(new)) and not ours:
        yield Invariant.FOREIGN, f"labels of {call.kind} {call.name} were changed"
    fields = {
        key for key in spec_of(old).keys() | spec_of(new).keys() if spec_of(old).get(key) != spec_of(new).get(key)
    }
    owned = {"FelixConfiguration": {"egressIPSupport"}, "BGPConfiguration": {"asNumber", "nodeToNodeMeshEnabled"}}
    if fields - owned.get(call.kind, set()) and not ours:
        yield Invariant.FOREIGN, f"{sorted(fields)} of {call.kind} {call.name} were changed"


def _egress_changed(old: Object | None, new: Object) -> bool:
    before = annotations_of(old) if old is not None else {}
    return any(before.get(key) != annotations_of(new).get(key) for key in EGRESS_ANNOTATIONS)


def _named(view: ClusterView, peer: str) -> bool:
    """The peer names our filter, whatever has become of that."""
    found = find(view, "BGPPeer", peer)
    return found is not None and FILTER_NAME in (spec_of(found).get("filters") or ())


def _version(found: Object) -> str:
    return str(found["metadata"]["resourceVersion"])
