"""What must hold before anything is written to a cluster, checked in every pass and said in words.

A finding that stops a cluster makes its pass go on as if the cluster could not be read: nothing is written or deleted there,
what is annotated stays, ranges stay held, and firewall rules of removed tenants go all the same. Each message says what was
found, why it matters and what to do. What is found of Route Server is `route_server_check.py`; classic firewalls and
`afcManaged` are refused where a policy is read and planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from function_app.model.names import FIELD_MANAGER, ClusterName, cluster_target
from function_app.model.plan import Refusal, RefusalCode
from function_app.model.resources import ClusterObservation, Kind, Resource, ResourceId, Unreadable
from function_app.planning.cluster_resources import (
    EGRESS_SUPPORT,
    EGRESS_SUPPORT_KEY,
    EGRESS_SUPPORT_PER_POD,
    FELIX_NAME,
    FILTER_NAME,
)
from function_app.planning.filter_syntax import first_unreadable_rule
from function_app.planning.keeping import FIGHT, rendered_key
from function_app.planning.ownership import managers, ours, owned_paths
from function_app.planning.situation import Situation

_ENTERPRISE = frozenset({"TigeraSecureEnterprise", "CalicoEnterprise"})
"""What Tigera's operator calls the edition that has egress gateways (tigera/operator, api/v1/installation_types.go)."""
_INSTALLATION, _OVERLAY = "default", "overlay"
"""The operator reads the Installation `default` and lays `overlay` over it (tigera/operator, installation controller)."""
_LICENSE = "default"
_ALL_FEATURES = "all"
_STATUSES = ("calico", "apiserver", "egressgateway")
_COMPLETE = "Complete"
_WARN_OF_EXPIRY = timedelta(days=30)
_MOST_FOREIGN_WORDS = 200
_MOST_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found. `stopped` clusters are not written; of the `doubtful` among them not even what was read counts."""

    refused: tuple[Refusal, ...]
    notes: tuple[str, ...]
    stopped: frozenset[ClusterName]
    doubtful: frozenset[ClusterName]


def preflight(situation: Situation) -> Preflight:
    """Look at every cluster that was read."""
    refused: list[Refusal] = []
    notes: list[str] = []
    doubtful: set[ClusterName] = set()
    seen = {name: found for name in situation.hub.clusters if (found := situation.cluster(name)) is not None}
    for name, observed in seen.items():
        moving = tuple(_migration(observed))
        if moving:
            doubtful.add(name)
        words = (
            *moving,
            *_installation(observed),
            *_license(observed, situation.now),
            *_unreadable_filters(situation, name, observed),
        )
        refused.extend(Refusal(RefusalCode.PREFLIGHT, str(cluster_target(name)), one) for one in words)
        notes.extend(f"{name}: {one}" for one in _remarks(situation, name, observed))
    notes.extend(_not_checked(situation, seen))
    stopped = frozenset(name for name in seen if any(one.subject == cluster_target(name) for one in refused))
    return Preflight(tuple(refused), tuple(notes), stopped, frozenset(doubtful))


def without(situation: Situation, names: Iterable[ClusterName]) -> Situation:
    """The same pass, to which these clusters are unreadable until somebody acts."""
    clusters = dict(situation.observations.clusters)
    for name in names:
        seen = clusters[name]
        clusters[name] = Unreadable(
            seen.target, seen.at, f"nothing is written to cluster {name}: see what is refused", permanent=True
        )
    return replace(situation, observations=replace(situation.observations, clusters=clusters))


def _migration(observed: ClusterObservation) -> Iterator[str]:
    """Calico docs, crd-migration: writes and IPAM are held while a migration runs."""
    for one in observed.of(Kind.DATASTORE_MIGRATION):
        phase = str(one.status.get("phase") or "Pending")
        if phase != _COMPLETE:
            yield (
                f"DatastoreMigration {one.id.name} is {phase}: Calico's objects are moving from one store to another, and "
                "writes made meanwhile are refused or lost. Nothing is written until its phase is Complete. See `kubectl get "
                f"datastoremigration {one.id.name} -o yaml`: WaitingForConflictResolution and Failed wait for you; an abandoned "
                "migration must be deleted. Afterwards the next pass goes on by itself."
            )


def _installation(observed: ClusterObservation) -> Iterator[str]:
    layers = tuple(
        one for name in (_OVERLAY, _INSTALLATION) if (one := observed.get(Kind.INSTALLATION, name)) is not None
    )
    if not layers:
        yield (
            "There is no Installation named default: Calico was not installed by Tigera's operator, and without the operator "
            "nobody runs the gateways that EgressGateways ask for. Install Calico Enterprise with its operator, as Tigera's "
            '"egress-gateway-azure" describes.'
        )
        return
    variant = _installed(layers, "variant") or "Calico"
    if variant not in _ENTERPRISE:
        yield (
            f"The Installation's variant is {variant}: only Calico Enterprise has egress gateways, another operator leaves "
            "EgressGateways alone. Install Calico Enterprise (variant TigeraSecureEnterprise) with its licence."
        )
    plugin = _installed(layers, "cni", "type")
    if plugin != "Calico":
        yield (
            f"The Installation's cni.type is {plugin or 'not set'}, and Azure's own network plugin is what the operator takes on "
            "AKS unless told otherwise: egress gateways need Calico CNI, pods get no egress address under another one. A "
            "running cluster cannot change it: create the cluster with network plugin `none` and set cni.type: Calico."
        )
        return
    addresses = _installed(layers, "cni", "ipam", "type") or "Calico"
    if addresses != "Calico":
        yield (
            f"The Installation's cni.ipam.type is {addresses}: only Calico's IPAM takes a gateway's address from an IPPool, so "
            "gateways would leave with addresses that the firewall does not know. Set cni.ipam.type: Calico when the cluster is "
            "created."
        )
    if (_installed(layers, "calicoNetwork", "bgp") or "Enabled") != "Enabled":
        yield (
            "The Installation's calicoNetwork.bgp is Disabled: no node speaks BGP, and Route Server would never learn a route. "
            "Set calicoNetwork.bgp: Enabled and restart calico-node (`kubectl rollout restart -n calico-system "
            "daemonset/calico-node`)."
        )


def _installed(layers: Sequence[Resource], *path: str) -> str:
    """A field as the operator computed it, else as the layers say it, the upper one first; empty when nobody does."""
    bodies = (*(one.status.get("computed") for one in layers), *(one.spec for one in layers))
    return next((value for body in bodies if (value := _at(body, path))), "")


def _at(body: Any, path: Iterable[str]) -> str:
    for key in path:
        body = (body or {}).get(key)
    return str(body or "")


def _license(observed: ClusterObservation, now: datetime) -> Iterator[str]:
    """tigera/operator, pkg/controller/utils/license.go: expired is what lies beyond expiry and grace period."""
    key = observed.get(Kind.LICENSE_KEY, _LICENSE)
    if key is None:
        yield (
            "There is no LicenseKey: without a licence Calico Enterprise runs no egress gateways. Apply the file that Tigera sent "
            "(`kubectl apply -f NAME-license.yaml`); on a managed cluster it comes from the management cluster."
        )
        return
    expiry, grace = _expiry(key)
    if expiry is not None and now > expiry + grace:
        yield (
            f"The LicenseKey expired on {expiry:%Y-%m-%d}, and its grace period of {grace.days} days is over: Calico Enterprise "
            "may stop what egress gateways need at any time. Nothing new is put onto it, what runs is left as it is. Apply a "
            "renewed licence."
        )


def _expiry(key: Resource) -> tuple[datetime | None, timedelta]:
    """When a licence ends and how long it is tolerated afterwards (`90d`); None when its status does not say."""
    days = str(key.status.get("gracePeriod") or "").removesuffix("d")
    grace = timedelta(days=int(days)) if days.isdecimal() and len(days) <= _MOST_DIGITS else timedelta()
    try:
        expiry = datetime.fromisoformat(str(key.status.get("expiry") or ""))
    except ValueError:
        return None, grace
    return expiry if expiry.tzinfo else expiry.replace(tzinfo=UTC), grace


def _unreadable_filters(situation: Situation, name: ClusterName, observed: ClusterObservation) -> Iterator[str]:
    """Filters that we do not write; ours is corrected in the same pass."""
    adopting = situation.hub.clusters[name].spec.bgp.adopt
    for found in observed.of(Kind.BGP_FILTER):
        if ours(found, situation.hub.name, ()) or (adopting and found.id.name == FILTER_NAME):
            continue
        wrong = first_unreadable_rule(found)
        if wrong:
            yield (
                f"BGPFilter {found.id.name} {wrong}. BIRD cannot read that, and Calico then keeps the whole configuration of each "
                "node as it was: no edit of any filter or peer has an effect, on this cluster no range would be advertised or "
                f"withdrawn. Correct the rule (`kubectl edit bgpfilter {found.id.name}`) or delete the filter."
            )


def _remarks(situation: Situation, name: ClusterName, observed: ClusterObservation) -> Iterator[str]:
    """What does not stop anything and is worth knowing."""
    yield from _ending_license(observed, situation.now)
    yield from _degraded(observed)
    yield from _switch_of_others(situation, name, observed)
    for found in observed.of(Kind.BGP_FILTER):
        if ours(found, situation.hub.name, ()) and (wrong := first_unreadable_rule(found)):
            yield (
                f"BGPFilter {found.id.name} is ours and was changed so that BIRD cannot read it ({wrong}); until it is written "
                "back no edit of any filter or peer has an effect"
            )


def _ending_license(observed: ClusterObservation, now: datetime) -> Iterator[str]:
    key = observed.get(Kind.LICENSE_KEY, _LICENSE)
    if key is None:
        return
    expiry, grace = _expiry(key)
    if expiry is not None and expiry < now <= expiry + grace:
        until = expiry + grace
        yield f"the LicenseKey expired on {expiry:%Y-%m-%d} and is tolerated until {until:%Y-%m-%d}; apply a renewed one"
    elif expiry is not None and now <= expiry < now + _WARN_OF_EXPIRY:
        yield f"the LicenseKey expires on {expiry:%Y-%m-%d}; apply a renewed one before"
    features = key.status.get("features") or ()
    if features and _ALL_FEATURES not in features:
        yield (
            f"the LicenseKey lists its features one by one ({_shortened(', '.join(map(str, features)))}) and not `all`; whether "
            "egress gateways are among them only Tigera can say"
        )


def _degraded(observed: ClusterObservation) -> Iterator[str]:
    for status in (one for name in _STATUSES if (one := observed.get(Kind.TIGERA_STATUS, name)) is not None):
        for condition in status.status.get("conditions") or ():
            if condition.get("type") == "Degraded" and condition.get("status") == "True":
                words = _shortened(str(condition.get("message") or "without a message"))
                yield (
                    f"TigeraStatus {status.id.name} is Degraded, {condition.get('reason') or 'without a reason'}: {words}; what "
                    "passes ask for may not come about until that is mended"
                )


def _shortened(words: str) -> str:
    flat = " ".join(words.split())
    return flat if len(flat) <= _MOST_FOREIGN_WORDS else flat[: _MOST_FOREIGN_WORDS - 3] + "..."


def _switch_of_others(situation: Situation, name: ClusterName, observed: ClusterObservation) -> Iterator[str]:
    felix = observed.get(Kind.FELIX_CONFIGURATION, FELIX_NAME)
    repairs = situation.state.repairs.get(rendered_key(name, ResourceId(Kind.FELIX_CONFIGURATION, FELIX_NAME)))
    value = str(felix.spec.get(EGRESS_SUPPORT_KEY, "")) if felix is not None else ""
    wanted = value.lower() in (EGRESS_SUPPORT.lower(), EGRESS_SUPPORT_PER_POD.lower())
    others = _others_who_set(felix) if felix is not None and value else ()
    who = f"field manager {', '.join(others)}" if others else "somebody"
    if repairs is not None and repairs.count >= FIGHT:
        yield (
            f"egressIPSupport was changed back {repairs.count} times in a row, last by {who}: while it is off, pods leave with "
            "their node's address; take the key out of what is applied there"
        )
    elif others and not wanted:
        yield (
            f"egressIPSupport of FelixConfiguration {FELIX_NAME} is {value}, set by {who}; the first tenant needs {EGRESS_SUPPORT} "
            "and a pass sets it: take the key out of what is applied there, or the two change it back and forth"
        )


def _others_who_set(felix: Resource) -> tuple[str, ...]:
    path = ("spec", EGRESS_SUPPORT_KEY)
    return tuple(one for one in sorted(managers(felix) - {FIELD_MANAGER}) if path in owned_paths(felix, one))


def _not_checked(situation: Situation, seen: Iterable[ClusterName]) -> Iterator[str]:
    """Said while nothing of ours stands on a cluster: whoever reads it once need not read it in every pass."""
    fresh = [name for name in seen if not _known(situation, name)]
    if fresh:
        yield (
            f"not checked on {', '.join(fresh)}, because neither API tells or the reconciler has no rights to read it: that UDP "
            "4790 (VXLAN from pods to gateways) is open between the nodes, and that Azure forwards IP on the nodes' network "
            "interfaces. Look there first when a tenant is routed and its connections time out"
        )


def _known(situation: Situation, name: ClusterName) -> bool:
    mark = f"{cluster_target(name)} "
    return any(key.startswith(mark) for key in situation.state.rendered)
