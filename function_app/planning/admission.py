"""Whether what Git has now is taken up: a step in front of planning, after which the plan need not know of it.

Every attachment, every cluster and the hub is either *admitted*, and then in force as Git has it, or *deferred*, and then what
was admitted last stands: range, namespaces, gateway, and of its rules what both versions allow, because what denies never
waits. What was never admitted is left out. The answer of this step are hub definitions like any others. Which commit each was
admitted at is kept in the hub's state, as the last good commit and the exceptions from it, and Git gives that commit's tree.

A ground for deferring is a value of `deferring.Ground` in `GROUNDS`: `applies` looks at definitions, state and decisions alone,
`defers` then sees what is in force and what differs from it, and names hubs, clusters or tenants with a reason in words and
when that ends. To add one: a module beside `suspension`, its ground in `GROUNDS`, a code in `DeferralReason` and the same in
`WaitsFor`. What it must read of the world is a field of `Asked`, which `reconcile` fills.

What is deferred keeps what it has, so nobody else can be given it: who asks for a namespace or a range that a deferred
definition still has is deferred as well. And nobody loses to it what it does not get yet: a namespace that a deferred
definition asks for stays where it is (`generations.claims_on`). A cluster that Git no longer defines takes its attachments with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network

from function_app.model.admission import EVERYTHING, NEVER, Admission, Deferral, Scope
from function_app.model.definitions import AllowRule, Cluster, ClusterSpec, HubSpec
from function_app.model.names import AttachmentKey, ClusterName, Commit
from function_app.model.once import Row
from function_app.model.tree import DefinedAttachment, HubDefinitions
from function_app.planning.both_allow import both_allow
from function_app.planning.claims import RangeIndex
from function_app.planning.deferring import Asked, Changed, Ground
from function_app.planning.rollout import ROLLOUT
from function_app.planning.standing import InForce
from function_app.planning.suspension import SUSPENSION, suspended
from function_app.planning.unapproved import APPROVAL, stays_reviewed
from function_app.planning.windows import CHANGE_WINDOWS, in_words

GROUNDS: tuple[Ground, ...] = (SUSPENSION, APPROVAL, CHANGE_WINDOWS, ROLLOUT)
"""In the order in which they are told."""


def timing(hub: HubDefinitions) -> Iterator[str]:
    """What may put off that a commit is taken up on this hub, in words: windows, and who comes before whom."""
    parts: list[tuple[str, HubSpec | ClusterSpec]] = [(f"hub {hub.name}", hub.hub.spec)]
    parts += [(f"cluster {name}", cluster.spec) for name, cluster in hub.clusters.items()]
    for what, spec in parts:
        if spec.change_windows:
            yield f"{what} takes changes {in_words(spec.change_windows)}"
        if spec.rollout is not None:
            yield f"{what} follows {', '.join(spec.rollout.after)} once at rest there for {spec.rollout.wait}"


@dataclass(frozen=True, slots=True)
class Admitted:
    """The definitions to plan from, and what of Git's is not among them."""

    hub: HubDefinitions
    admission: Admission = EVERYTHING


def commits_to_read(asked: Asked) -> frozenset[Commit] | None:
    """The commits whose trees `admit` needs; None when all that Git has is taken up without a question."""
    if not any(ground.applies(asked) for ground in GROUNDS):
        return None
    before = asked.state.last_good_commit
    commits = {*asked.state.standing.values(), *(() if before is None else (before,))}
    return frozenset(commits - {asked.hub.commit, NEVER})


def changed(asked: Asked, trees: Mapping[Commit, HubDefinitions | None]) -> Changed:
    """What would be taken up if nothing were deferred; `trees` as for `admit`."""
    in_force = InForce(asked, trees)
    return Changed(in_force.definitions(), in_force.differing())


def may_be_taken_up(asked: Asked) -> bool:
    """Whether all that Git has may be in force, for all that is known, on a hub of which nobody remembers what is."""
    everything = Changed(asked.hub, frozenset(asked.hub.attachments))
    strict = (ground for ground in GROUNDS if ground.strict and ground.applies(asked))
    return not any(True for ground in strict for _ in ground.defers(asked, everything))


def admit(asked: Asked, trees: Mapping[Commit, HubDefinitions | None]) -> Admitted:
    """Decide for everything on the hub; `trees` has what `commits_to_read` named, None where a commit has no such hub."""
    if asked.state.last_good_commit == asked.hub.commit and not asked.state.standing:
        return Admitted(asked.hub, Admission(suspended=suspended(asked), reviewed=stays_reviewed(asked)))
    in_force = InForce(asked, trees)
    standing = in_force.definitions()
    verdict = _Verdict(asked.hub, standing, in_force.differing())
    verdict.defer(_deferrals(asked, Changed(standing, verdict.differing)))
    while verdict.defer_clashes():
        pass
    if not verdict.deferred:
        return Admitted(asked.hub, Admission(suspended=suspended(asked), reviewed=stays_reviewed(asked)))
    admission = Admission(
        deferred=verdict.attachments,
        platform=tuple(dict.fromkeys((*verdict.hub.values(), *verdict.clusters.values()))),
        asked={key: asked.hub.attachments.get(key) for key in verdict.attachments},
        suspended=suspended(asked),
        standing={str(part): in_force.commit_to_keep(part) for part in verdict.deferred},
        reviewed=stays_reviewed(asked),
    )
    return Admitted(verdict.composed(), admission)


def _deferrals(asked: Asked, changed: Changed) -> dict[Scope, Deferral]:
    found: dict[Scope, Deferral] = {}
    for ground in GROUNDS:
        for one in ground.defers(asked, changed) if ground.applies(asked) else ():
            found.setdefault(one.scope, one)
    return found


@dataclass
class _Verdict:
    """What is deferred so far; lives for one decision. `hub` holds at most the hub itself."""

    new: HubDefinitions
    standing: HubDefinitions
    differing: frozenset[AttachmentKey]
    attachments: dict[AttachmentKey, Deferral] = field(default_factory=dict)
    clusters: dict[ClusterName, Deferral] = field(default_factory=dict)
    hub: dict[Scope, Deferral] = field(default_factory=dict)

    @property
    def deferred(self) -> tuple[AttachmentKey | Scope, ...]:
        """All of them."""
        return *self.hub, *map(Scope.cluster, self.clusters), *self.attachments

    def defer(self, deferrals: Mapping[Scope, Deferral]) -> None:
        """Defer what differs and is named, by hub, cluster or tenant."""
        own = Scope.hub(self.new.name)
        whole = deferrals.get(own)
        if whole is not None and self.standing.hub != self.new.hub:
            self.hub[own] = whole
        for name, cluster in self.new.clusters.items():
            found = whole or deferrals.get(Scope.cluster(name))
            if found is not None and self.standing.clusters.get(name) != cluster:
                self.clusters[name] = found
        for key in sorted(self.differing):
            found = whole or deferrals.get(Scope.cluster(key.cluster)) or deferrals.get(Scope.tenant(key.tenant))
            if found is not None and key.cluster in self.new.clusters:
                self.attachments[key] = found

    def defer_clashes(self) -> bool:
        """Defer what cannot stand beside what is deferred; whether there was anything."""
        found = list(self._clashes()) if self.deferred else []
        for part, why in found:
            if isinstance(part, AttachmentKey):
                self.attachments[part] = why
            else:
                self.clusters[part] = why
        return bool(found)

    def _clashes(self) -> Iterator[tuple[AttachmentKey | ClusterName, Deferral]]:
        attachments, clusters = self._attachments(), self._clusters()
        staying = _Taken(attachments[key] for key in self.attachments if key in attachments)
        for key in sorted(self.differing & attachments.keys() - self.attachments.keys()):
            for what, holder in staying.of(attachments[key]):
                yield key, _behind(key, self.attachments[holder], f"{key} asks for {what}, which {holder} still has")
                break
        for key, one in attachments.items():
            cluster = clusters.get(key.cluster)
            if cluster is not None and _fits(one, cluster):
                continue
            former = self.standing.clusters.get(key.cluster)
            if key in self.attachments and key.cluster not in self.clusters and former not in (None, cluster):
                yield (
                    key.cluster,
                    _behind(key.cluster, self.attachments[key], f"{key} stands as {key.cluster} was before"),
                )
            elif key in self.differing - self.attachments.keys() and key.cluster in self.clusters:
                yield key, _behind(key, self.clusters[key.cluster], f"{key} asks for what {key.cluster} has not yet")

    def composed(self) -> HubDefinitions:
        """What is in force from now on."""
        return replace(
            self.new,
            hub=self.standing.hub if self.hub else self.new.hub,
            clusters=self._clusters(),
            attachments=self._attachments(),
            narrowed={key: self._rules(key) for key in self.attachments},
        )

    def _attachments(self) -> dict[AttachmentKey, DefinedAttachment]:
        return _replaced(self.new.attachments, self.standing.attachments, self.attachments.keys())

    def _clusters(self) -> dict[ClusterName, Cluster]:
        return _replaced(self.new.clusters, self.standing.clusters, self.clusters.keys())

    def _rules(self, key: AttachmentKey) -> Row[AllowRule]:
        """Nothing is allowed to an attachment that Git no longer has."""
        newer = self.new.rules_of(key) if key in self.new.attachments else None
        return both_allow(self.standing.rules_of(key) or () if key in self.standing.attachments else (), newer or ())


def _replaced[Name: (AttachmentKey, ClusterName), Part](
    new: Mapping[Name, Part], standing: Mapping[Name, Part], deferred: Iterable[Name]
) -> dict[Name, Part]:
    """The newer parts, with the standing ones, or none, in place of those that are deferred."""
    apart = frozenset(deferred)
    found = {name: one for name, one in new.items() if name not in apart}
    found.update({name: standing[name] for name in apart if name in standing})
    return dict(sorted(found.items()))


class _Taken:
    """What deferred attachments still have, and nobody else can be given."""

    def __init__(self, attachments: Iterable[DefinedAttachment]) -> None:
        self._ranges = RangeIndex[DefinedAttachment]()
        self._namespaces: dict[tuple[ClusterName, str], AttachmentKey] = {}
        for one in attachments:
            self._ranges.add(one.range, one)
            self._namespaces.update(
                dict.fromkeys(((one.key.cluster, name) for name in one.attachment.namespaces), one.key)
            )

    def of(self, asking: DefinedAttachment) -> Iterator[tuple[str, AttachmentKey]]:
        """What of it another attachment asks for, and who has it."""
        for one in self._ranges.overlapping(asking.range):
            yield str(one.range), one.key
        for name in asking.attachment.namespaces:
            holder = self._namespaces.get((asking.key.cluster, name))
            if holder is not None:
                yield f"namespace {name}", holder


def _fits(one: DefinedAttachment, cluster: Cluster) -> bool:
    spec = cluster.spec
    inside = one.range.subnet_of(IPv4Network(spec.egress_cidr))
    return inside and not {*spec.reserved_namespaces} & {*one.attachment.namespaces}


def _behind(part: AttachmentKey | ClusterName, ahead: Deferral, words: str) -> Deferral:
    """What waits for another's deferral to end; a waiver of that one is none of this one's plan."""
    scope = Scope.tenant(part.tenant) if isinstance(part, AttachmentKey) else Scope.cluster(part)
    return replace(ahead, scope=scope, words=f"{words}: {ahead.words}", plan="")
