"""Tigera's operator as far as egress gateways go: defaults in the spec, a Deployment, a status that promises too much.

Belongs here: what a recorded tigera/operator v1.42.4 (Enterprise variant, AKS) did, and the reading of
pkg/controller/egressgateway for what was not recorded. ServiceAccounts and TLS material are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulator.model.errors import ApiError
from simulator.model.kubernetes.controllers import ObjectStore, Wake, condition, holds, owner_reference
from simulator.model.kubernetes.ipam import POOLS_ANNOTATION
from simulator.model.kubernetes.store import Event, Key, timestamp
from simulator.model.trees import FrozenDict, Object, freeze, looked_up, name_of, namespace_of, replaced

RETRY_SECONDS = 5.0
"""Within what time a gateway that could not be rendered is tried again."""
PERIOD_SECONDS = 300.0
"""After how long the operator looks at what it made without being told."""
STATUS_SECONDS = 5.0
"""How often the shared TigeraStatus is brought up to date."""
_STATUS_KEY: Key = ("", "egressgateway")
_IMAGE = "quay.io/tigera/egress-gateway:v3.23.1"


class GatewayError(Exception):
    """A gateway that cannot be rendered."""


class EgressGatewayOperator:
    """Renders EgressGateways; the key ("", "egressgateway") is the TigeraStatus that all of them share."""

    watches = frozenset({"EgressGateway", "Deployment", "IPPool"})

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._degraded: dict[Key, None] = {}

    def wakes(self, event: Event) -> Iterable[Wake]:
        """Gateways whose spec changed at once; degraded ones soon after a pool appears; lost Deployments in time."""
        if event.kind == "IPPool":
            return [(key, RETRY_SECONDS) for key in self._degraded] if event.new is not None else ()
        if event.kind == "Deployment":
            wakes = [(_STATUS_KEY, STATUS_SECONDS)]
            if event.new is None or (event.old is not None and _generation(event.old) != _generation(event.new)):
                wakes.append((event.key, PERIOD_SECONDS))
            return wakes
        if event.old is not None and event.new is not None and _generation(event.old) == _generation(event.new):
            return ()
        return [(event.key, 0.0), (_STATUS_KEY, STATUS_SECONDS)]

    def reconcile(self, key: Key) -> float | None:
        """Render one gateway, or bring the shared status up to date."""
        if key == _STATUS_KEY:
            self._report_all()
            return None
        gateway = self._store.get("EgressGateway", *key)
        if gateway is None:
            self._degraded.pop(key, None)
            return None
        try:
            self._validate(gateway["spec"])
        except GatewayError as error:
            self._degrade(gateway, f"Error validating egress gateway err = {error}")
            return None
        gateway = self._with_defaults(gateway)
        try:
            self._render(gateway)
        except ApiError as error:
            self._degrade(gateway, f"Error creating / updating resource err = {error.message}")
            return None
        self._degraded.pop(key, None)
        self._report(gateway, "Available", "AllObjectsAvailable", "All objects available", state="Ready")
        return None

    def _validate(self, spec: Mapping[str, Any]) -> None:
        if not spec.get("ipPools"):
            raise GatewayError("at least one IPPool must be specified")
        for entry in spec["ipPools"]:
            self._validate_pool(entry)
        detection = spec.get("egressGatewayFailureDetection")
        if detection is None:
            return
        probes = [
            (name, detection[key]) for name, key in (("ICMP", "icmpProbe"), ("HTTP", "httpProbe")) if detection.get(key)
        ]
        if not probes:
            raise GatewayError("either ICMP or HTTP probe must be configured")
        for name, probe in probes:
            if probe["timeoutSeconds"] < probe["intervalSeconds"]:
                raise GatewayError(f"{name} probe timeout must be greater than interval")

    def _validate_pool(self, entry: Mapping[str, Any]) -> None:
        name, cidr = entry.get("name", ""), entry.get("cidr", "")
        if name:
            pool = self._store.get("IPPool", "", name)
            if pool is None:
                raise GatewayError(f'IPPool.projectcalico.org "{name}" not found')
            if cidr and pool["spec"]["cidr"] != cidr:
                raise GatewayError("IPPool CIDR does not match with name")
        elif not any(pool["spec"]["cidr"] == cidr for pool in self._store.list("IPPool")):
            raise GatewayError(f"IPPool matching CIDR = {cidr} not present")

    def _with_defaults(self, gateway: Object) -> Object:
        filled: Object = gateway
        if not looked_up(gateway, "spec", "template", "metadata", "labels"):
            labels = {"projectcalico.org/egw": name_of(gateway)}
            filled = replaced(filled, ("spec", "template", "metadata", "labels"), labels)
        if looked_up(gateway, "spec", "template", "spec", "affinity") is None:
            labels = filled["spec"]["template"]["metadata"]["labels"]
            filled = replaced(filled, ("spec", "template", "spec", "affinity"), _affinity(labels))
        return gateway if filled is gateway else self._store.update("EgressGateway", filled)

    def _render(self, gateway: Object) -> None:
        key = (namespace_of(gateway), name_of(gateway))
        existing = self._store.get("Deployment", *key)
        desired = rendered(gateway, existing)
        if existing is None:
            self._store.create("Deployment", desired)
        else:
            metadata = {**existing["metadata"], "labels": desired["metadata"]["labels"]}
            spec = {**existing["spec"], **desired["spec"]}
            self._store.update("Deployment", {**existing, "metadata": metadata, "spec": spec})

    def _degrade(self, gateway: Object, message: str) -> None:
        self._degraded[namespace_of(gateway), name_of(gateway)] = None
        self._report(gateway, "Degraded", "Error_reconciling_Egress_Gateway", message)

    def _report(self, gateway: Object, kind: str, reason: str, message: str, state: str = "") -> None:
        """One condition True, the ones that were there before False; `state` once set is never taken back."""
        old = gateway.get("status") or {}
        before = condition(gateway, kind)
        wanted = {"type": kind, "status": "True", "reason": reason, "message": message}
        if before is not None and all(before[name] == value for name, value in wanted.items()):
            return
        now = timestamp(self._store.now())
        conditions = [
            {**_NOT_TRUE, "type": entry["type"], "lastTransitionTime": now}
            if entry["type"] != kind
            else {**wanted, "lastTransitionTime": now}
            for entry in old.get("conditions") or ()
        ]
        if before is None:
            conditions.append({**wanted, "lastTransitionTime": now})
        status = {**old, "conditions": conditions}
        if state:
            status["state"] = state
        self._store.update_status("EgressGateway", {**gateway, "status": status})

    def _report_all(self) -> None:
        gateways = self._store.list("EgressGateway")
        shared = self._store.get("TigeraStatus", *_STATUS_KEY)
        if not gateways:
            if shared is not None:
                self._store.delete("TigeraStatus", *_STATUS_KEY, uid=shared["metadata"]["uid"])
            return
        if shared is None:
            body = {"metadata": {"name": _STATUS_KEY[1]}, "spec": {}}
            shared = self._store.create("TigeraStatus", body)
        conditions = self._shared_conditions(gateways, shared)
        if conditions != (shared.get("status") or {}).get("conditions"):
            self._store.update_status("TigeraStatus", {**shared, "status": {"conditions": conditions}})

    def _shared_conditions(self, gateways: Sequence[Object], shared: Object) -> list[Mapping[str, Any]]:
        waiting = [text for gateway in gateways if (text := self._awaited(gateway))]
        broken = [text for gateway in gateways if (text := _degradation(gateway))]
        states = {
            "Progressing": ("ResourceNotReady", waiting) if waiting else None,
            "Degraded": ("ResourceValidationError", broken) if broken else None,
            "Available": None if waiting or broken else ("AllObjectsAvailable", ["All objects available"]),
        }
        now = timestamp(self._store.now())
        conditions: list[Mapping[str, Any]] = []
        for kind, state in states.items():
            before = condition(shared, kind)
            status = "True" if state else "False"
            since = before["lastTransitionTime"] if before is not None and before["status"] == status else now
            entry: dict[str, Any] = {"type": kind, "status": status, "lastTransitionTime": since, "reason": "Unknown"}
            if state:
                entry |= {"reason": state[0], "message": "\n".join(state[1])}
            conditions.append(entry)
        return conditions

    def _awaited(self, gateway: Object) -> str:
        deployment = self._store.get("Deployment", namespace_of(gateway), name_of(gateway))
        if deployment is None:
            return ""
        missing = deployment["spec"]["replicas"] - (deployment.get("status") or {}).get("availableReplicas", 0)
        if missing <= 0:
            return ""
        which = f"{namespace_of(gateway)}/{name_of(gateway)}"
        return f'Deployment "{which}" is not available (awaiting {missing} replicas)'


_NOT_TRUE: Mapping[str, str] = {"status": "False", "reason": "Unknown", "message": ""}


def _generation(obj: Mapping[str, Any]) -> int:
    return int(obj["metadata"]["generation"])


def _degradation(gateway: Object) -> str:
    if not holds(gateway, "Degraded"):
        return ""
    found = condition(gateway, "Degraded")
    message = found["message"] if found is not None else ""
    which = f"Name = {name_of(gateway)}, Namespace = {namespace_of(gateway)}"
    return f"Error reconciling egress gateway {which}: {message}"


_NODE_AFFINITY: FrozenDict = freeze(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchExpressions": [
                        {"key": "type", "operator": "NotIn", "values": ["virtual-node"]},
                        {"key": "kubernetes.azure.com/cluster", "operator": "Exists"},
                    ]
                }
            ]
        }
    }
)


def _affinity(labels: Mapping[str, str]) -> Mapping[str, Any]:
    """What the operator adds on AKS: no virtual nodes, and rather another zone than a sibling's."""
    term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "topology.kubernetes.io/zone"}
    preferred = [{"podAffinityTerm": term, "weight": 1}]
    return {
        "nodeAffinity": _NODE_AFFINITY,
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred},
    }


_COPIED = ("affinity", "tolerations", "topologySpreadConstraints", "priorityClassName")


def rendered(gateway: Mapping[str, Any], existing: Mapping[str, Any] | None) -> dict[str, Any]:
    """The Deployment of a gateway; annotations of an existing template are kept."""
    name, spec = name_of(gateway), gateway["spec"]
    template = spec["template"]
    own = template["metadata"]["labels"]
    labels = {
        **own,
        "app.kubernetes.io/component": "EgressGateway.operator.tigera.io",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/managed-by": "tigera-operator",
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": "Calico",
        "k8s-app": name,
    }
    annotations = {
        **(looked_up(existing, "spec", "template", "metadata", "annotations") or {}),
        **(template["metadata"].get("annotations") or {}),
        POOLS_ANNOTATION: json.dumps(
            [entry.get("name") or entry["cidr"] for entry in spec["ipPools"]], separators=(",", ":")
        ),
    }
    return {
        "metadata": {
            "name": name,
            "namespace": namespace_of(gateway),
            "labels": labels,
            "ownerReferences": [owner_reference(gateway)],
        },
        "spec": {
            "replicas": spec["replicas"],
            "selector": {"matchLabels": own},
            "template": {
                "metadata": {"annotations": annotations, "labels": labels},
                "spec": _pod_spec(name, spec, template.get("spec") or {}),
            },
        },
    }


def _pod_spec(name: str, spec: Mapping[str, Any], template: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **{key: template[key] for key in _COPIED if key in template},
        "containers": [_container(spec["logSeverity"], _resources(template, "containers"))],
        "initContainers": [_init_container(_resources(template, "initContainers"))],
        "nodeSelector": {**(template.get("nodeSelector") or {}), "kubernetes.io/os": "linux"},
        "restartPolicy": "Always",
        "serviceAccountName": name,
        "terminationGracePeriodSeconds": template.get("terminationGracePeriodSeconds", 30),
    }


def _resources(template: Mapping[str, Any], which: str) -> Mapping[str, Any]:
    resources: Mapping[str, Any] = next((entry.get("resources") or {} for entry in template.get(which) or ()), {})
    return resources


_PORTS: Sequence[Any] = freeze([{"containerPort": 8080, "name": "health", "protocol": "TCP"}])
_PROBE: FrozenDict = freeze(
    {
        "failureThreshold": 3,
        "httpGet": {"path": "/readiness", "port": 8080, "scheme": "HTTP"},
        "initialDelaySeconds": 10,
        "periodSeconds": 30,
        "successThreshold": 1,
        "timeoutSeconds": 5,
    }
)


def _container(severity: str, resources: Mapping[str, Any]) -> Mapping[str, Any]:
    environment = [
        {"name": "HEALTH_PORT", "value": "8080"},
        {"name": "EGRESS_VXLAN_VNI", "value": "4097"},
        {"name": "LOG_SEVERITY", "value": severity},
    ]
    return {
        "command": ["/start-gateway.sh"],
        "env": environment,
        "image": _IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "name": "egress-gateway",
        "ports": _PORTS,
        "readinessProbe": _PROBE,
        "resources": resources,
    }


def _init_container(resources: Mapping[str, Any]) -> Mapping[str, Any]:
    environment = [{"name": "EGRESS_VXLAN_VNI", "value": "4097"}, {"name": "EGRESS_VXLAN_PORT", "value": "4790"}]
    return {
        "command": ["/init-gateway.sh"],
        "env": environment,
        "image": _IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "name": "egress-gateway-init",
        "resources": resources,
    }
