"""Stories told to both servers call by call, and what of an answer may differ between them.

Each story is a generator of answers: the same calls in the same order, with names of its own. Uids, times and version
numbers are replaced by where they first appeared, so that "the same version as before" still compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from real.kube.rest import APPLY, Answer, Rest

type Story = Callable[[Rest], Iterator[Answer]]

CALICO = "/apis/projectcalico.org/v3"
FILTERS = f"{CALICO}/bgpfilters"
PEERS = f"{CALICO}/bgppeers"
POOLS = f"{CALICO}/ippools"
POLICIES = f"{CALICO}/egressgatewaypolicies"
FELIX = f"{CALICO}/felixconfigurations"
NAMESPACES = "/api/v1/namespaces"
SOMEBODY, ELSE = "somebody", "somebody-else"

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


_GO_DETAIL = re.compile(
    r"(?<=continue key is not valid: ).*|(?<=unable to parse requirement: ).*|(?<=precondition \()\d+(?=\))|(?<=record \()\d+(?=\))"
)
"""What Go's parsers say of nonsense, and bare version numbers inside sentences."""
_UNORDERED = ("causes", "managedFields")
"""Lists whose order comes from Go's maps, or from seconds that passed in between."""


def _in_any_order(told: dict[str, Any]) -> dict[str, Any]:
    """A Status with several causes lists them in its message too, in the same accidental order."""
    causes = (told.get("details") or {}).get("causes") or () if isinstance(told.get("details"), dict) else ()
    if told.get("kind") == "Status" and len(causes) > 1 and told.get("reason") == "Invalid":
        return {**told, "message": told["message"].partition(" is invalid: ")[0]}
    if isinstance(told.get("message"), str) and "errors:\n" in told["message"]:
        return {**told, "message": sorted(told["message"].splitlines())}
    return told


class Transcript:
    """Makes answers comparable within one story."""

    def __init__(self) -> None:
        self._uids: dict[str, str] = {}
        self._versions: dict[str, str] = {}

    def of(self, answer: Answer) -> tuple[int, str, Any]:
        """Status, content type and body; plain text as it is."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        body = self._told(answer.json) if kind == "application/json" else answer.body.decode()
        return answer.status, kind, body

    def _told(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            told = {name: self._told(item, name) for name, item in sorted(value.items()) if name != "continue"}
            return _in_any_order(told)
        if isinstance(value, list):
            items = [self._told(item) for item in value]
            return sorted(items, key=str) if key in _UNORDERED else items
        if key == "resourceVersion":
            return self._versions.setdefault(value, f"version {len(self._versions) + 1}")
        if isinstance(value, str):
            value = _GO_DETAIL.sub("...", value)
            value = _UUID.sub(lambda found: self._uids.setdefault(found[0], f"uid {len(self._uids) + 1}"), value)
            return _TIME.sub("some time", value)
        return value


def calico(kind: str, name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """An object of projectcalico.org/v3."""
    body = {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": name, **metadata}}
    return body if spec is None else {**body, "spec": dict(spec)}


def _rules(*cidrs: str) -> dict[str, Any]:
    accept = [{"action": "Accept", "matchOperator": "In", "cidr": cidr} for cidr in cidrs]
    return {"exportV4": [*accept, {"action": "Reject"}]}


def applied_and_applied_again(call: Rest) -> Iterator[Answer]:
    """Created, unchanged, changed, a field and a label left out, then taken by force."""
    path = f"{PEERS}/applied"
    spec = {"peerIP": "10.0.1.4", "asNumber": 65515, "filters": ["one", "two"], "keepOriginalNextHop": True}
    first = calico("BGPPeer", "applied", spec, labels={"a": "1", "b": "2"})
    yield call.apply(path, first, manager=SOMEBODY)
    yield call.apply(path, first, manager=SOMEBODY)
    yield call.apply(
        path, calico("BGPPeer", "applied", {**spec, "asNumber": 65516}, labels={"a": "1"}), manager=SOMEBODY
    )
    yield call.apply(path, calico("BGPPeer", "applied", {"peerIP": "10.0.1.4"}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "applied", {"peerIP": "10.0.1.5", "asNumber": 1}), manager=ELSE)
    yield call.apply(path, calico("BGPPeer", "applied", {"peerIP": "10.0.1.5"}), manager=ELSE, force=True)
    yield call.apply(path, calico("BGPPeer", "applied", {"peerIP": "10.0.1.4"}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "applied", {"peerIP": "10.0.1.5"}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "applied"), manager=ELSE)
    yield call.apply(path, calico("BGPPeer", "applied", {}), manager=SOMEBODY)
    yield call("GET", path)
    yield call("DELETE", path)
    yield call("GET", path)


def two_conflicts_with_two_managers(call: Rest) -> Iterator[Answer]:
    """Several fields of several owners, in one refusal."""
    path = f"{PEERS}/crowded"
    yield call.apply(path, calico("BGPPeer", "crowded", {"peerIP": "10.0.0.1", "asNumber": 1}), manager="zebra")
    yield call.apply(path, calico("BGPPeer", "crowded", {"reachableBy": "10.0.0.2"}), manager="ape")
    yield call.merge(path, {"spec": {"nodeSelector": "all()"}, "metadata": {"labels": {"x": "y"}}}, manager="newt")
    wanted = {"peerIP": "10.0.0.9", "asNumber": 9, "reachableBy": "10.0.0.9", "nodeSelector": "has(a)"}
    yield call.apply(path, calico("BGPPeer", "crowded", wanted, labels={"x": "z"}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "crowded", {"nodeSelector": "has(a)"}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "crowded", wanted, labels={"x": "z"}), manager=SOMEBODY, force=True)
    yield call("DELETE", path)


def created_replaced_patched(call: Rest) -> Iterator[Answer]:
    """POST, PUT with and without a version, merge patches with null, stale and with a new field."""
    path = f"{FILTERS}/written"
    yield call("POST", FILTERS, calico("BGPFilter", "written", _rules("10.0.0.0/8")), fieldManager=SOMEBODY)
    yield call("POST", FILTERS, calico("BGPFilter", "written", _rules()), fieldManager=SOMEBODY)
    current = call("GET", path)
    yield current
    version = current.json["metadata"]["resourceVersion"]
    yield call("PUT", path, calico("BGPFilter", "written", _rules("10.0.0.0/9")))
    yield call(
        "PUT", path, calico("BGPFilter", "written", _rules("10.0.0.0/9"), resourceVersion=version), fieldManager=ELSE
    )
    yield call(
        "PUT", path, calico("BGPFilter", "written", _rules("10.0.0.0/9"), resourceVersion=version), fieldManager=ELSE
    )
    yield call.merge(path, {"metadata": {"annotations": {"a": "1", "b": "2"}}})
    yield call.merge(path, {"metadata": {"annotations": {"a": None}}})
    yield call.merge(path, {"metadata": {"annotations": {"a": None}}})
    yield call.merge(path, {"metadata": {"resourceVersion": version, "annotations": {"c": "3"}}})
    yield call.merge(path, {"spec": {"exportV4": None, "importV4": [{"action": "Reject"}]}})
    yield call.merge(path, {"spec": None})
    yield call.merge(path, {"metadata": {"name": "other"}})
    yield call("DELETE", path)
    yield call.merge(path, {"metadata": {"annotations": {"a": "1"}}})
    yield call("PUT", path, calico("BGPFilter", "written", _rules("10.0.0.0/9"), resourceVersion=version))


def deleted_with_preconditions(call: Rest) -> Iterator[Answer]:
    """The wrong uid, the wrong version, the right ones, and once more."""
    path = f"{FILTERS}/doomed"
    made = call.apply(path, calico("BGPFilter", "doomed", _rules()), manager=SOMEBODY).json["metadata"]
    for conditions in (
        {"uid": "11111111-1111-4111-8111-111111111111"},
        {"uid": made["uid"], "resourceVersion": "1"},
        {"uid": made["uid"], "resourceVersion": made["resourceVersion"]},
        {"uid": made["uid"]},
    ):
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": conditions}
        yield call("DELETE", path, options)


def finalizers_hold(call: Rest) -> Iterator[Answer]:
    """Marked and kept, still changeable, no new finalizer, gone with the last one; the name is free again."""
    path = f"{POLICIES}/held"
    body = calico("EgressGatewayPolicy", "held", {"rules": []}, finalizers=["example.com/hold"])
    yield call.apply(path, body, manager=SOMEBODY)
    yield call("DELETE", path)
    yield call("DELETE", path)
    yield call("POST", POLICIES, calico("EgressGatewayPolicy", "held", {"rules": []}))
    yield call.apply(path, {**body, "spec": {"rules": [{"description": "late"}]}}, manager=SOMEBODY)
    yield call.merge(path, {"metadata": {"finalizers": ["example.com/hold", "example.com/another"]}})
    yield call.merge(path, {"metadata": {"finalizers": None}})
    yield call("GET", path)


def guarded_applies(call: Rest) -> Iterator[Answer]:
    """A version in an applied body is a condition."""
    path = f"{FILTERS}/guarded"
    yield call.apply(path, calico("BGPFilter", "guarded", _rules(), resourceVersion="1"), manager=SOMEBODY)
    yield call.apply(
        path, calico("BGPFilter", "guarded", _rules(), uid="11111111-1111-4111-8111-111111111111"), manager=SOMEBODY
    )
    made = call.apply(path, calico("BGPFilter", "guarded", _rules()), manager=SOMEBODY)
    version = made.json["metadata"]["resourceVersion"]
    yield call.apply(
        path, calico("BGPFilter", "guarded", _rules("10.1.0.0/16"), resourceVersion=version), manager=SOMEBODY
    )
    yield call.apply(
        path, calico("BGPFilter", "guarded", _rules("10.2.0.0/16"), resourceVersion=version), manager=SOMEBODY
    )
    yield call.apply(
        path,
        calico("BGPFilter", "guarded", _rules("10.2.0.0/16"), resourceVersion=version),
        manager=SOMEBODY,
        force=True,
    )
    yield call.apply(
        path, calico("BGPFilter", "guarded", _rules(), uid="11111111-1111-4111-8111-111111111111"), manager=SOMEBODY
    )
    yield call("DELETE", path)


def refused_pools(call: Rest) -> Iterator[Answer]:
    """Pools that are wrong, by POST and by apply."""
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"cidr": "10.0.0.0"},
        {"cidr": 7},
        {"cidr": "10.0.0.0/29", "blockSize": "32"},
        {"cidr": "10.0.0.0/29", "blockSize": 129},
        {"cidr": "10.0.0.0/29", "blockSize": -1},
        {"cidr": "10.0.0.0/29", "vxlanMode": "Sometimes"},
        {"cidr": "10.0.0.0/29", "vxlanMode": "Always", "ipipMode": "Always"},
        {"cidr": "10.0.0.0/29", "allowedUses": ["Workload", "Workload"]},
        {"cidr": "10.0.0.0/29", "allowedUses": ["LoadBalancer", "Workload"]},
        {"cidr": "fd00::/64", "ipipMode": "Always"},
        {"cidr": "1" * 49},
        {"cidr": "10.0.0.0/29", "natOutgoing": "yes", "vxlanMode": "Sometimes"},
        {"cidr": "10.0.0.0/29", "nope": 1},
        {"cidr": None},
        {"cidr": "10.0.0.0/29", "vxlanMode": None},
    )
    for spec in wrong:
        body = calico("IPPool", "wrong", spec)
        yield call("POST", POOLS, body, dryRun="All", fieldValidation="Strict")
        yield call(
            "PATCH",
            f"{POOLS}/wrong",
            body,
            content_type=APPLY,
            fieldManager=SOMEBODY,
            dryRun="All",
            fieldValidation="Strict",
        )
    yield call("POST", POOLS, calico("IPPool", "wrong"), dryRun="All")
    yield call("POST", POOLS, {**calico("IPPool", "wrong"), "spec": "text"}, dryRun="All")


def refused_names_and_labels(call: Rest) -> Iterator[Answer]:
    """Metadata that no kind may have."""
    for metadata in (
        {"name": "Upper"},
        {"name": "a" * 254},
        {"name": "under_score"},
        {"name": "ok", "labels": {"bad key": "x"}},
        {"name": "ok", "labels": {"key": "x" * 64}},
        {"name": "ok", "labels": {"key": "not ok"}},
        {"name": "ok", "labels": {"key": 7}},
        {"name": "ok", "labels": {"a/b/c": "x"}},
        {"name": "ok", "annotations": {"bad key": "x"}},
        {"name": "ok", "annotations": {"key": 7}},
        {"name": "ok", "finalizers": ["no domain"]},
        {"name": "ok", "namespace": "somewhere"},
        {},
    ):
        yield call("POST", FILTERS, {**calico("BGPFilter", "x", {}), "metadata": metadata}, dryRun="All")
    for name in ("Upper", "a.b", "a" * 64):
        yield call(
            "POST", NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, dryRun="All"
        )


def refused_envelopes(call: Rest) -> Iterator[Answer]:
    """Bodies that do not fit their address, and managers that are missing."""
    path = f"{FILTERS}/envelope"
    body = calico("BGPFilter", "envelope", _rules())
    yield call("PATCH", path, body, content_type=APPLY)
    yield call("PATCH", path, body, content_type=APPLY, fieldManager="")
    yield call("PATCH", path, body, content_type="application/json", fieldManager=SOMEBODY)
    yield call("PATCH", path, body, content_type="application/strategic-merge-patch+json", fieldManager=SOMEBODY)
    yield call.apply(path, {**body, "kind": "BGPPeer"}, manager=SOMEBODY)
    yield call.apply(path, {**body, "apiVersion": "projectcalico.org/v2"}, manager=SOMEBODY)
    yield call.apply(path, {**body, "metadata": {"name": "other"}}, manager=SOMEBODY)
    yield call.apply(path, {**body, "metadata": {"name": "envelope", "managedFields": [{}]}}, manager=SOMEBODY)
    yield call.apply(path, {key: value for key, value in body.items() if key != "kind"}, manager=SOMEBODY)
    yield call("POST", FILTERS, {**body, "kind": "BGPPeer"}, dryRun="All")
    yield call("POST", FILTERS, {**body, "apiVersion": "v1"}, dryRun="All")
    yield call("POST", FILTERS, {**body, "metadata": {"name": "envelope", "resourceVersion": "7"}})


def unknown_fields(call: Rest) -> Iterator[Answer]:
    """Strict refuses them, the default drops them; an apply refuses them always."""
    path = f"{PEERS}/unknown"
    body = calico("BGPPeer", "unknown", {"peerIP": "10.0.0.1", "nope": {"x": 1}}, nope=1)
    yield call("POST", PEERS, body, fieldValidation="Strict")
    yield call("POST", PEERS, {**body, "nope": 2}, dryRun="All", fieldValidation="Ignore")
    yield call("PATCH", path, body, content_type=APPLY, fieldManager=SOMEBODY, fieldValidation="Strict")
    yield call("PATCH", path, body, content_type=APPLY, fieldManager=SOMEBODY, fieldValidation="Ignore")
    yield call.apply(path, calico("BGPPeer", "unknown", {"asNumber": "text"}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "unknown", {"filters": {"a": 1}}), manager=SOMEBODY)
    yield call.apply(path, calico("BGPPeer", "unknown", {"password": "x"}), manager=SOMEBODY)


def refused_filters_and_peers(call: Rest) -> Iterator[Answer]:
    """CEL rules and bounds of filters and peers."""
    for rule in (
        {"cidr": "10.0.0.0/8"},
        {"action": "Accept", "cidr": "10.0.0.0/8"},
        {"action": "Accept", "matchOperator": "In"},
        {"action": "Accept", "matchOperator": "In", "cidr": "fd00::/8"},
        {"action": "Accept", "matchOperator": "In", "cidr": "10.0.0.0/33"},
        {"action": "Accept", "matchOperator": "In", "cidr": "10.0.0.0/08"},
        {"action": "Accept", "matchOperator": "In", "cidr": "10.0.0.01/8"},
        {"action": "Accept", "prefixLength": {"min": 1}},
        {"action": "Accept", "matchOperator": "In", "cidr": "10.0.0.0/8", "prefixLength": {"min": 33}},
        {"action": "Reject", "operations": [{"setPriority": {"value": 1}}]},
        {"action": "Accept", "operations": []},
        {"action": "Accept", "operations": [{"setPriority": {"value": 1}, "addCommunity": {"value": "1:1"}}]},
        {"action": "Accept", "operations": [{"addCommunity": {"value": "nonsense"}}]},
        {"action": "Accept", "communities": {"values": []}},
        {"action": "Accept", "priority": 0},
    ):
        yield call("POST", FILTERS, calico("BGPFilter", "wrong", {"exportV4": [rule]}), dryRun="All")
    for spec in (
        {"node": "a", "nodeSelector": "all()"},
        {"peerIP": "10.0.0.1", "peerSelector": "all()", "asNumber": 7},
        {"localWorkloadSelector": "all()"},
        {"localWorkloadSelector": "all()", "asNumber": 0, "peerIP": ""},
        {"network": "a", "externalNetwork": "b"},
        {"asNumber": 4294967295},
        {"asNumber": 1.5},
        {"ttlSecurity": 1.5},
        {"asNumber": 64512.0},
        {"nextHopMode": "Never"},
        {"reversePeering": "Perhaps"},
        {"nodeSelector": "x" * 4097},
        {"password": {"secretKeyRef": {"name": "n"}}},
        {"password": {"secretKeyRef": {"key": "k"}}},
        {"ttlSecurity": 2**40},
    ):
        yield call("POST", PEERS, calico("BGPPeer", "wrong", spec), dryRun="All")


def immutable_by_cel(call: Rest) -> Iterator[Answer]:
    """A pool's range and block size, changed and removed."""
    path = f"{POOLS}/immutable"
    call.apply(
        path,
        calico("IPPool", "immutable", {"cidr": "10.231.0.0/29", "blockSize": 32, "disabled": True}),
        manager=SOMEBODY,
    )
    yield call.apply(
        path,
        calico("IPPool", "immutable", {"cidr": "10.231.0.8/29", "blockSize": 32, "disabled": True}),
        manager=SOMEBODY,
    )
    yield call.apply(
        path,
        calico("IPPool", "immutable", {"cidr": "10.231.0.0/29", "blockSize": 31, "disabled": True}),
        manager=SOMEBODY,
    )
    yield call.apply(
        path,
        calico("IPPool", "immutable", {"cidr": "10.231.0.8/29", "blockSize": 31, "disabled": True}),
        manager=SOMEBODY,
    )
    yield call.merge(path, {"spec": {"cidr": "10.231.0.8/29"}})
    yield call.apply(path, calico("IPPool", "immutable", {"blockSize": 32, "disabled": True}), manager=SOMEBODY)
    call("DELETE", path)


def lists_in_pages(call: Rest) -> Iterator[Answer]:
    """Pages of two, selectors, tokens that are nonsense, limits that are none."""
    for name in ("paged-a", "paged-b", "paged-c", "paged-d", "paged-e"):
        call.apply(
            f"{POLICIES}/{name}",
            calico("EgressGatewayPolicy", name, {"rules": []}, labels={"page": "me"}),
            manager=SOMEBODY,
        )
    chosen = {"labelSelector": "page=me", "limit": "2"}
    page = call("GET", POLICIES, **chosen)
    yield page
    while token := page.json["metadata"].get("continue"):
        page = call("GET", POLICIES, **{**chosen, "continue": token})
        yield page
    yield call("GET", POLICIES, **{**chosen, "continue": "nonsense"})
    yield call("GET", POLICIES, labelSelector="page=me", limit="many")
    yield call("GET", POLICIES, labelSelector="page in (me", limit="2")
    yield call(
        "GET",
        POLICIES,
        labelSelector="page=me,!other,page in (me, you),page!=them",
        fieldSelector="metadata.name=paged-c",
    )
    yield call("GET", POLICIES, fieldSelector="spec.rules=x")
    yield call("GET", POLICIES, labelSelector="page=nobody")
    for name in ("paged-a", "paged-b", "paged-c", "paged-d", "paged-e"):
        yield call("DELETE", f"{POLICIES}/{name}")


def shared_objects(call: Rest) -> Iterator[Answer]:
    """One key of somebody else's FelixConfiguration, set, set again, taken by another's apply, and removed."""
    path = f"{FELIX}/node.shared"
    yield call.merge(path, {"spec": {"egressIPSupport": "EnabledPerNamespace"}}, manager=ELSE)
    body = calico("FelixConfiguration", "node.shared", {"bpfEnabled": False, "vxlanVNI": 4096})
    yield call("POST", FELIX, body, fieldManager="tigera-operator")
    yield call.merge(path, {"spec": {"egressIPSupport": "EnabledPerNamespace"}}, manager=ELSE)
    yield call.merge(path, {"spec": {"egressIPSupport": "EnabledPerNamespace"}}, manager=ELSE)
    yield call.merge(path, {"spec": {"egressIPSupport": "enabledpernamespace"}}, manager=ELSE)
    yield call.merge(path, {"spec": {"egressIPSupport": "Sometimes"}}, manager=ELSE)
    yield call.merge(path, {"spec": {"vxlanVNI": "text"}}, manager=ELSE)
    yield call.apply(
        path, calico("FelixConfiguration", "node.shared", {"egressIPSupport": "Disabled"}), manager=SOMEBODY
    )
    yield call.merge(path, {"spec": {"egressIPSupport": None}}, manager=ELSE)
    yield call("DELETE", path)


def namespaces(call: Rest) -> Iterator[Answer]:
    """Made, applied, annotated, applied by another, with content that its end forbids."""
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made", "labels": {"a": "1"}}}
    yield call("POST", NAMESPACES, made, fieldManager=SOMEBODY)
    yield call("DELETE", f"{NAMESPACES}/made")
    path = f"{NAMESPACES}/told"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "told", "labels": {"a": "1"}}}
    yield call.apply(path, body, manager=SOMEBODY)
    yield call.apply(path, body, manager=SOMEBODY)
    yield call.merge(
        path, {"metadata": {"annotations": {"egress.projectcalico.org/selector": "a == 'b'"}}}, manager=ELSE
    )
    yield call.merge(path, {"metadata": {"annotations": {"egress.projectcalico.org/selector": None}}}, manager=ELSE)
    yield call.apply(path, {**body, "metadata": {"name": "told", "labels": {"a": "2"}}}, manager=ELSE)
    yield call.apply(
        path,
        {**body, "metadata": {"name": "told", "labels": {"kubernetes.io/metadata.name": "x"}}},
        manager=ELSE,
        force=True,
    )
    yield call.apply(path, {**body, "spec": {"nope": 1}}, manager=SOMEBODY)
    yield call.merge(path, {"spec": {"nope": 1}}, manager=SOMEBODY)
    yield call("DELETE", f"{NAMESPACES}/default")


def disruption_budgets(call: Rest) -> Iterator[Answer]:
    """A built-in kind with a schema of its own, in a namespace that is and in one that is not."""
    where = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "told"}, "spec": spec}
    path = f"{where.format('default')}/told"
    yield call.apply(f"{where.format('nowhere')}/told", body, manager=SOMEBODY)
    yield call.apply(path, body, manager=SOMEBODY)
    yield call.apply(path, body, manager=SOMEBODY)
    yield call.apply(path, {**body, "spec": {**spec, "minAvailable": 1}}, manager=SOMEBODY)
    yield call.apply(path, {**body, "spec": {**spec, "nope": 1}}, manager=SOMEBODY)
    yield call.apply(path, {**body, "spec": {**spec, "maxUnavailable": -1}}, manager=SOMEBODY)
    yield call.apply(path, {**body, "spec": {**spec, "maxUnavailable": 2}}, manager=SOMEBODY)
    yield call("DELETE", path)


def gateways(call: Rest) -> Iterator[Answer]:
    """Wrong gateways; right ones are left to the operator's recordings."""
    where = "/apis/operator.tigera.io/v1/namespaces/default/egressgateways"
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"ipPools": []},
        {"ipPools": [{"name": 1}]},
        {"ipPools": "x"},
        {"ipPools": [], "replicas": -1},
        {"ipPools": [], "replicas": None},
        {"ipPools": [], "logSeverity": "Loud"},
        {"ipPools": [], "egressGatewayFailureDetection": {"icmpProbe": {}}},
        {"ipPools": [], "egressGatewayFailureDetection": {"icmpProbe": {"ips": []}}},
        {"ipPools": [], "template": {"metadata": {"labels": {"a": 1}}}},
        {"ipPools": [], "template": {"spec": {"containers": [{"name": "other"}]}}},
        {
            "ipPools": [],
            "template": {"spec": {"containers": [{"name": "egress-gateway", "resources": {"limits": {"cpu": "x"}}}]}},
        },
        {"ipPools": [], "template": {"spec": {"topologySpreadConstraints": [{"maxSkew": 1}]}}},
        {"ipPools": [], "template": {"spec": {"terminationGracePeriodSeconds": -1}}},
        {"ipPools": [], "template": {"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}}},
    )
    for spec in wrong:
        body = {
            "apiVersion": "operator.tigera.io/v1",
            "kind": "EgressGateway",
            "metadata": {"name": "wrong"},
            "spec": spec,
        }
        yield call("POST", where, body, dryRun="All", fieldManager=SOMEBODY)
    yield call("POST", where.replace("default", "nowhere"), {**body, "spec": {"ipPools": []}}, dryRun="All")


def paths_that_do_not_exist(call: Rest) -> Iterator[Answer]:
    """Groups, versions, kinds, objects and namespaces that nobody has."""
    yield call("GET", "/apis/projectcalico.org/v4")
    yield call("GET", "/apis/nobody.example/v1")
    yield call("GET", "/apis/nobody.example/v1/things")
    yield call("GET", f"{CALICO}/things")
    yield call("GET", f"{FILTERS}/nobody")
    yield call("GET", f"{FILTERS}/nobody/status")
    yield call("GET", "/api/v1/namespaces/nowhere/pods")
    yield call("GET", "/api/v1/namespaces/nowhere")
    yield call("DELETE", f"{FILTERS}/nobody")
    yield call("GET", "/nothing")


def a_namespace_that_ends(call: Rest) -> Iterator[Answer]:
    """Held by content with a finalizer: closed to anything new, still to be patched, deleted twice."""
    path = f"{NAMESPACES}/ending"
    budgets = "/apis/policy/v1/namespaces/ending/poddisruptionbudgets"
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    held = {"name": "held", "finalizers": ["example.com/hold"]}
    body = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": held, "spec": spec}
    late = {**body, "metadata": {"name": "late"}}
    yield call.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ending"}}, manager=SOMEBODY)
    yield call("POST", budgets, body, fieldManager=SOMEBODY)
    yield call("DELETE", path)
    yield call("POST", budgets, late)
    yield call.apply(f"{budgets}/late", late, manager=SOMEBODY)
    yield call("POST", NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ending"}})
    yield call("DELETE", f"{budgets}/late")
    call.merge(f"{budgets}/held", {"metadata": {"finalizers": None}})


def without_rights(call: Rest) -> Iterator[Answer]:
    """Every verb on kinds with and without namespace and name, by somebody to whom nothing was granted."""
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    nothing = calico("BGPFilter", "nobody", {})
    yield call("GET", FILTERS)
    yield call("GET", f"{FILTERS}/nobody")
    yield call("GET", budgets)
    yield call("GET", "/apis/policy/v1/poddisruptionbudgets")
    yield call("GET", f"{budgets}/nobody")
    yield call("GET", "/api/v1/nodes")
    yield call("GET", f"{NAMESPACES}/default")
    yield call("POST", FILTERS, nothing)
    yield call("PUT", f"{FILTERS}/nobody", nothing)
    yield call("PATCH", f"{FILTERS}/nobody", nothing, content_type=APPLY, fieldManager=SOMEBODY)
    yield call.merge(f"{NAMESPACES}/default", {"metadata": {"labels": {"a": "b"}}})
    yield call("DELETE", f"{FILTERS}/nobody")
    yield call("DELETE", f"{budgets}/nobody")
    yield call("PUT", f"{POOLS}/nobody/status", calico("IPPool", "nobody", {}))
    yield call("GET", "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org")


STORIES: tuple[Story, ...] = (
    applied_and_applied_again,
    two_conflicts_with_two_managers,
    created_replaced_patched,
    deleted_with_preconditions,
    finalizers_hold,
    guarded_applies,
    refused_pools,
    refused_names_and_labels,
    refused_envelopes,
    unknown_fields,
    refused_filters_and_peers,
    immutable_by_cel,
    lists_in_pages,
    shared_objects,
    namespaces,
    disruption_budgets,
    gateways,
    paths_that_do_not_exist,
    a_namespace_that_ends,
)


def told(call: Rest, story: Story) -> list[tuple[int, str, Any]]:
    """A story's answers, comparable."""
    transcript = Transcript()
    return [transcript.of(answer) for answer in story(call)]
