"""One hub before and after a change, from definitions alone or with what the targets add: what it means, and what it takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from ipaddress import IPv4Network

from function_app.model.approval import Meaning
from function_app.model.definitions import ApplyMode, Attachment, Gateway, Guardrails, OnRemoval, Tenant
from function_app.model.names import ClusterName, HubName, PlanId, TenantName
from function_app.model.resources import Body
from function_app.model.review import HubReview, LiveReview, Measure, Pressure, Statement, TenantReview, Waiting
from function_app.model.tree import HubDefinitions, Tree, hub_definitions
from function_app.planning.access import gained
from function_app.planning.admission import timing
from function_app.planning.approving import reach_differences
from function_app.planning.capacity import Others, forecast
from function_app.planning.firewall_resources import digest_of, group_meaning
from function_app.planning.intended_policy import Intended, intended
from function_app.planning.meaning import Around, meanings
from function_app.planning.meaning import around as surroundings_of
from function_app.planning.reachability.expectations import Decided, Standing, decide
from function_app.planning.reachability.policy import Policy, policy_of

USUAL_SECONDS = 240.0
"""One firewall operation where nothing was measured: Azure documents three to five minutes (firewall known issues)."""
_ROLLING = frozenset(
    {
        "log_severity",
        "zone_spread",
        "termination_grace_seconds",
        "resources",
        "tolerations",
        "node_selector",
    }
)
"""Fields of a gateway whose change replaces its pods."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What definitions do not tell. `base` is None where the base policy was not read; `foreign` are other people's groups."""

    base: tuple[Body, ...] | None = None
    foreign: tuple[Body, ...] = ()
    others: Others = field(default_factory=Others)
    seconds_each: float = USUAL_SECONDS
    measured: int = 0
    live: LiveReview | None = None


@dataclass(frozen=True)
class _Side:
    """One hub at one commit. Without slots, because it is put in order by tenant once."""

    hub: HubDefinitions | None
    intended: Intended
    policy: Policy
    guardrails: Guardrails | None

    def attachments(self, tenant: TenantName) -> Mapping[ClusterName, Attachment]:
        """A tenant's attachments by cluster."""
        return self._attachments.get(tenant, {})

    def places(self, tenant: TenantName) -> dict[IPv4Network, str]:
        """A tenant's ranges with the words for them."""
        return {one.range: f"{one.range} on {cluster}" for cluster, one in self.attachments(tenant).items()}

    @cached_property
    def tenants(self) -> Mapping[TenantName, Tenant]:
        """The tenants attached here."""
        found = self.hub.attachments.items() if self.hub is not None else ()
        return {key.tenant: one.tenant for key, one in found}

    @cached_property
    def _attachments(self) -> Mapping[TenantName, Mapping[ClusterName, Attachment]]:
        found: dict[TenantName, dict[ClusterName, Attachment]] = {}
        for key, one in self.hub.attachments.items() if self.hub is not None else ():
            found.setdefault(key.tenant, {})[key.cluster] = one.attachment
        return found


@dataclass(frozen=True, slots=True)
class Trees:
    """Before and after the merge. `asked` is the head with the files that are held back in it, `earlier` 90 days before the base.

    `earlier` is None when the base branch is younger.
    """

    base: Tree
    head: Tree
    asked: Tree
    earlier: Tree | None


def review_hub(name: HubName, trees: Trees, today: date, around: Surroundings) -> HubReview:
    """The hub's part of a review; it may be new or gone. The forecast is of what was asked for, also where it is refused."""
    before = _side(name, trees.base, today, around, None)
    after = _side(name, trees.head, today, around, before)
    asked = after if trees.asked is trees.head else _side(name, trees.asked, today, around, before)
    measures = _forecast(name, before, asked, trees.earlier, today, around)
    tenants = tuple(_tenants(before, after, around, today, _written(trees)))
    refused = [f"{name}: {one.message}" for one in after.intended.refused if one not in before.intended.refused]
    warnings = [] if after.hub is None else [*_pressing(measures), *_expected_without_base(around, after)]
    return HubReview(
        hub=name,
        plan_id=PlanId(digest_of({str(one.tenant): one.digest for one in tenants})) if tenants else None,
        tenants=tenants,
        statements=tuple(_statements(before, after, base_known=around.base is not None)),
        forecast=measures,
        waiting=Waiting(_rewritten(before.intended, after.intended), around.seconds_each, around.measured),
        refused=(*refused, *(_over(measures) if asked is after else ())),
        warnings=tuple(warnings),
        live=around.live,
        timing=tuple(timing(after.hub)) if after.hub is not None and tenants else (),
    )


def _side(name: HubName, tree: Tree, today: date, around: Surroundings, before: _Side | None) -> _Side:
    guardrails = tree.definitions.guardrails
    if name not in tree.definitions.hubs:
        return _Side(None, Intended(), policy_of(around.foreign, around.base or ()), guardrails)
    hub = hub_definitions(tree, name)
    implied = intended(hub, today, before.intended if before is not None else None)
    policy = policy_of(
        (*around.foreign, *implied.groups), around.base or (), known=before.policy if before is not None else None
    )
    return _Side(hub, implied, policy, guardrails)


def _forecast(
    name: HubName, before: _Side, after: _Side, earlier: Tree | None, today: date, around: Surroundings
) -> tuple[Measure, ...]:
    if after.hub is None:
        return ()
    now = (before.hub, before.intended) if before.hub is not None else None
    long_ago = None
    if earlier is not None and name in earlier.definitions.hubs:
        former = hub_definitions(earlier, name)
        long_ago = former, intended(former, today)
    return forecast(now, (after.hub, after.intended), long_ago, around.others)


def _over(measures: Iterable[Measure]) -> Iterator[str]:
    for one in measures:
        if one.pressure is Pressure.OVER and one.hard and one.after > one.now:
            yield f"{one.what}: {one.after:,} after this change, the limit is {one.limit:,} ({one.source})"


def _pressing(measures: Iterable[Measure]) -> Iterator[str]:
    for one in measures:
        grown = "tightest range" not in one.what
        if one.after <= one.now:
            continue
        if one.pressure is Pressure.NEAR and grown:
            soon = f", {one.later:,} in 90 days at this pace" if one.later is not None and one.later > one.after else ""
            yield f"{one.what}: {one.after:,} of {one.limit:,} after this change{soon} ({one.source})"
        elif one.pressure is Pressure.OVER and not one.hard:
            yield f"{one.what}: {one.after:,} is more than {one.limit:,} ({one.source})"


def _expected_without_base(around: Surroundings, after: _Side) -> Iterator[str]:
    demanded = any(tenant.spec.expect for tenant in after.tenants.values())
    if around.base is None and (demanded or (after.guardrails is not None and after.guardrails.spec.expect)):
        yield "expectations were decided without the base policy, which was not read; --live reads it"


def _rewritten(before: Intended, after: Intended) -> tuple[str, ...]:
    former, latter = ({str(body["name"]): group_meaning(body) for body in one.groups} for one in (before, after))
    return tuple(name for name in sorted(former.keys() | latter.keys()) if former.get(name) != latter.get(name))


def _statements(before: _Side, after: _Side, *, base_known: bool) -> Iterator[Statement]:
    """What is expected and not so; an allowance that only the unread base policy could give is undecided."""
    known = {_key(one) for one in _decided(before) if one.standing is not Standing.MET}
    for one in _decided(after):
        if one.standing is Standing.MET:
            continue
        broken = one.standing is Standing.BROKEN
        if broken and not base_known and one.answer.rule is None:
            words = f"{one}, unless the base policy, which was not read, says otherwise"
            yield Statement(str(one.tenant), words, refused=False, inherited=_key(one) in known)
        else:
            yield Statement(str(one.tenant), str(one), refused=broken, inherited=_key(one) in known)


def _key(one: Decided) -> tuple[str, bool, str, str]:
    return str(one.tenant), one.by_guardrails, one.expectation.reach, one.expectation.verdict


def _decided(side: _Side) -> Iterator[Decided]:
    yield from decide(side.policy, side.tenants, side.guardrails, side.intended.sources)


def _written(trees: Trees) -> frozenset[TenantName]:
    """Tenants whose files, or rule sets of theirs, the change writes, also where they then mean the same."""

    def changed(file: str) -> bool:
        return trees.base.provenance.get(file) != trees.head.provenance.get(file)

    return frozenset(
        name
        for name, tenant in trees.head.definitions.tenants.items()
        if changed(f"tenants/{name}.yaml") or any(changed(f"rulesets/{one}.yaml") for one in tenant.spec.egress.include)
    )


def _tenants(
    before: _Side, after: _Side, around: Surroundings, today: date, written: frozenset[TenantName]
) -> Iterator[TenantReview]:
    """Tenants for whom anything changes; whose definitions and rules stay as they are gain and lose nothing.

    Where what was approved is applied, one whose file is written is told of whole: somebody may approve what still waits for it.
    """
    approving = any(one.hub is not None and one.hub.hub.spec.apply is ApplyMode.REVIEWED for one in (before, after))
    pending = written if approving else frozenset[TenantName]()
    old, new = before.tenants, after.tenants
    touched = [
        name
        for name in sorted(old.keys() | new.keys())
        if before.intended.rules.get(name) is not after.intended.rules.get(name)
        or old.get(name) is not new.get(name)
        or name in pending
    ]
    was, becomes = (_meanings(side, touched, around, today) for side in (before, after))
    for name in touched:
        rules = [side.intended.rules.get(name) for side in (before, after)]
        edited = len({one.digest() if one else "" for one in rules}) == 2
        ranges = {**before.places(name), **after.places(name)}
        if not edited and was[name].digest == becomes[name].digest:
            if name in pending and name in new:
                gains = gained(policy_of(()), after.policy, ranges)
                moves = ("its plan stays as the base branch has it; to approve this is to approve all of it",)
                yield TenantReview(name, gains, moves=moves, digest=becomes[name].digest, meaning=becomes[name])
            continue
        gains = gained(before.policy, after.policy, ranges) if edited else ()
        losses = gained(after.policy, before.policy, ranges) if edited else ()
        moved = _moved(TenantReview(name, gains, losses), old.get(name), new.get(name), before, after)
        if edited and not gains and not losses:
            moved = replace(moved, moves=(*moved.moves, _anew(was[name], becomes[name])))
        yield replace(moved, digest=becomes[name].digest, meaning=becomes[name])


def _anew(was: Meaning, becomes: Meaning) -> str:
    """What to say of rules that differ and let nothing pass that was not let pass before, as far as can be told."""
    if (was.asks, was.reach) == (becomes.asks, becomes.reach):
        return "its rules are written anew and allow what they allowed"
    return "its rules are written anew; what they allow differs " + "; ".join(reach_differences(was, becomes))


def _meanings(
    side: _Side, tenants: Iterable[TenantName], around: Surroundings, today: date
) -> Mapping[TenantName, Meaning]:
    groups = {str(body["name"]): body for body in around.foreign}
    base = {str(body["name"]): body for body in around.base or ()}
    beside = surroundings_of(side.hub, groups, base) if side.hub is not None else Around()
    return meanings(side.hub, tenants, beside, today)


def _bypass(tenant: Tenant | None) -> tuple[str, ...]:
    return tuple(sorted(tenant.spec.egress.bypass)) if tenant is not None else ()


def _moved(review: TenantReview, old: Tenant | None, new: Tenant | None, before: _Side, after: _Side) -> TenantReview:
    was, becomes = before.attachments(review.tenant), after.attachments(review.tenant)
    moves: list[str] = []
    cuts: list[str] = []
    bare: list[str] = []
    advice: list[str] = []
    for cluster in sorted(was.keys() | becomes.keys()):
        former, latter = was.get(cluster), becomes.get(cluster)
        pointed = set(latter.namespaces if latter else ()) - set(former.namespaces if former else ())
        let_go = set(former.namespaces if former else ()) - set(latter.namespaces if latter else ())
        if former is None and latter is not None:
            moves.append(f"new on {cluster}: {latter.cidr}, {latter.gateway.replicas} gateway pods")
        elif former is not None and latter is None:
            moves.append(f"leaves {cluster}: {former.cidr} is freed and stays in quarantine")
            cuts.append(f"connections open through {former.cidr} on {cluster}, when its gateway goes")
        elif former is not None and latter is not None:
            moves += _changed(former, latter, cluster)
            cuts += _cut(former, latter, cluster)
        moves += [f"namespace {one} on {cluster} leaves through the gateway" for one in sorted(pointed)]
        if let_go:
            bare += _let_go(sorted(let_go), cluster, new or old)
        if pointed and latter is not None and after.hub is not None:
            advice += _in_cluster(after.hub, cluster, new)
    if _bypass(old) != _bypass(new) and new is not None:
        moves.append(f"reached without the gateway: {', '.join(_bypass(new)) or 'nothing any more'}")
    return replace(
        review, moves=tuple(moves), cuts=tuple(cuts), unattributed=tuple(bare), advice=tuple(dict.fromkeys(advice))
    )


def _changed(former: Attachment, latter: Attachment, cluster: ClusterName) -> Iterator[str]:
    if former.cidr != latter.cidr:
        yield f"renumbered on {cluster}: {former.cidr} becomes {latter.cidr}; both are served until the old one has drained"
    for name in Gateway.model_fields:
        old, new = getattr(former.gateway, name), getattr(latter.gateway, name)
        if old != new:
            shown = f" {old} becomes {new}" if isinstance(old, int | str) else " changes"
            yield f"gateway on {cluster}: {name.replace('_', ' ')}{shown}"
    if former.adopt != latter.adopt:
        yield f"adoption on {cluster} changes"


def _cut(former: Attachment, latter: Attachment, cluster: ClusterName) -> Iterator[str]:
    if former.cidr != latter.cidr:
        yield f"connections still open through {former.cidr} on {cluster}, when its drain ends"
    elif any(getattr(former.gateway, name) != getattr(latter.gateway, name) for name in _ROLLING):
        yield f"connections through {former.cidr} on {cluster}, as its gateway rolls pod by pod"
    elif latter.gateway.replicas < former.gateway.replicas:
        gone = former.gateway.replicas - latter.gateway.replicas
        yield f"connections through the {gone} gateway pods of {former.cidr} on {cluster} that go"


def _let_go(namespaces: list[str], cluster: ClusterName, tenant: Tenant | None) -> Iterator[str]:
    names = ", ".join(namespaces)
    if tenant is not None and tenant.spec.on_removal is OnRemoval.BLOCK:
        yield f"{names} on {cluster}: its traffic ends (onRemoval: block)"
    else:
        yield f"{names} on {cluster}: its pods leave as their nodes, unattributed"


def _in_cluster(hub: HubDefinitions, cluster: ClusterName, tenant: Tenant | None) -> Iterator[str]:
    """What annotating does to traffic that never was meant for the firewall."""
    spec = hub.clusters[cluster].spec
    bypass = [IPv4Network(text) for text in _bypass(tenant)]
    inside = [*spec.network.vnet, *hub.hub.spec.vnet]
    through = [text for text in inside if not any(IPv4Network(text).subnet_of(one) for one in bypass)]
    yield (
        f"{cluster}: pods and services ({spec.network.pods}, {spec.network.services}), the cluster's DNS among them, are reached "
        "as before"
    )
    if through:
        yield (
            f"{cluster}: the API server and private endpoints in {', '.join(through)} see the tenant's address from then on; to "
            f"keep the node's there, write bypass: [{', '.join(through)}]"
        )
