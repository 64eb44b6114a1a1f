"""What each kind's fields may hold: the registry of schemas, and those of the operator's and of built-in kinds.

Belongs here: compact schemas in our own words; EgressGateway follows the CRD of operator v1.42.4. Built-in kinds are open
inside pod templates and wherever nobody here writes.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.model.kubernetes.calico_schemas import (
    BGP_CONFIGURATION,
    BGP_FILTER,
    BGP_PEER,
    CALICO_NODE_STATUS,
    EGRESS_GATEWAY_POLICY,
    FELIX_CONFIGURATION,
    IP_POOL,
    IPAM_BLOCK,
    LICENSE_KEY,
)
from simulator.model.kubernetes.object_schemas import METADATA, TEXTS, object_schema
from simulator.model.kubernetes.schema import (
    ANYTHING,
    FLAG,
    INT32,
    INT_OR_STRING,
    Schema,
    integer,
    listing,
    mapping,
    record,
    text,
)

_AFFINITY = record(
    {
        "nodeAffinity": record(
            {
                "requiredDuringSchedulingIgnoredDuringExecution": mapping(ANYTHING, atomic=True),
                "preferredDuringSchedulingIgnoredDuringExecution": listing(ANYTHING),
            }
        ),
        "podAffinity": record(
            {
                "requiredDuringSchedulingIgnoredDuringExecution": listing(ANYTHING),
                "preferredDuringSchedulingIgnoredDuringExecution": listing(ANYTHING),
            }
        ),
        "podAntiAffinity": record(
            {
                "requiredDuringSchedulingIgnoredDuringExecution": listing(ANYTHING),
                "preferredDuringSchedulingIgnoredDuringExecution": listing(ANYTHING),
            }
        ),
    }
)


_QUANTITY = Schema(
    "int-or-string",
    pattern=(
        r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
    ),
)
_RESOURCES = record(
    {
        "claims": listing(record({"name": text(), "request": text()}, required=("name",)), list_type="name"),
        "limits": mapping(_QUANTITY),
        "requests": mapping(_QUANTITY),
    }
)
_LABEL_SELECTOR = record(
    {
        "matchExpressions": listing(
            record({"key": text(), "operator": text(), "values": listing(text())}, required=("key", "operator"))
        ),
        "matchLabels": TEXTS,
    },
    atomic=True,
)


def _containers(name: str) -> Schema:
    return listing(record({"name": text(name), "resources": _RESOURCES}, required=("name",)))


_GATEWAY_TEMPLATE = record(
    {
        "metadata": record({"labels": TEXTS, "annotations": TEXTS}),
        "spec": record(
            {
                "affinity": _AFFINITY,
                "nodeSelector": TEXTS,
                "tolerations": listing(
                    record(
                        {
                            "key": text(),
                            "operator": text(),
                            "value": text(),
                            "effect": text(),
                            "tolerationSeconds": integer(bits=64),
                        }
                    )
                ),
                "topologySpreadConstraints": listing(
                    record(
                        {
                            "maxSkew": INT32,
                            "topologyKey": text(),
                            "whenUnsatisfiable": text(),
                            "labelSelector": _LABEL_SELECTOR,
                            "matchLabelKeys": listing(text()),
                            "minDomains": INT32,
                            "nodeAffinityPolicy": text(),
                            "nodeTaintsPolicy": text(),
                        },
                        required=("maxSkew", "topologyKey", "whenUnsatisfiable"),
                    )
                ),
                "terminationGracePeriodSeconds": integer(0, bits=64),
                "priorityClassName": text(),
                "containers": _containers("egress-gateway"),
                "initContainers": _containers("egress-gateway-init"),
            }
        ),
    }
)


def _probe(what: str, *, interval: int, timeout: int) -> Schema:
    seconds = 2147483647
    return record(
        {
            what: listing(text()),
            "intervalSeconds": integer(0, seconds, default=interval, bits=32),
            "timeoutSeconds": integer(0, seconds, default=timeout, bits=32),
        },
        required=(what,),
    )


EGRESS_GATEWAY = object_schema(
    record(
        {
            "ipPools": listing(record({"name": text(), "cidr": text()})),
            "replicas": integer(0, 2147483647, default=1, bits=32),
            "logSeverity": text("Fatal", "Error", "Warn", "Info", "Debug", "Trace", default="Info"),
            "externalNetworks": listing(text()),
            "egressGatewayFailureDetection": record(
                {
                    "healthTimeoutDataStoreSeconds": integer(1, 2147483647, default=90, bits=32),
                    "icmpProbe": _probe("ips", interval=5, timeout=15),
                    "httpProbe": _probe("urls", interval=10, timeout=30),
                }
            ),
            "aws": record({"nativeIP": text("Enabled", "Disabled"), "elasticIPs": listing(text())}),
            "template": _GATEWAY_TEMPLATE,
        },
        required=("ipPools",),
    ),
    status=ANYTHING,
    spec_required=False,
)

NAMESPACE = object_schema(record({"finalizers": listing(text())}), status=ANYTHING, spec_required=False)

DEPLOYMENT = object_schema(
    record(
        {
            "replicas": integer(0, 2147483647, default=1),
            "selector": mapping(ANYTHING, atomic=True),
            "template": ANYTHING,
            "strategy": ANYTHING,
            "minReadySeconds": integer(0),
            "paused": FLAG,
            "progressDeadlineSeconds": integer(0, default=600),
            "revisionHistoryLimit": integer(0, default=10),
        },
        required=("selector", "template"),
    ),
    status=ANYTHING,
)

DISRUPTION_BUDGET = object_schema(
    record(
        {
            "minAvailable": INT_OR_STRING,
            "maxUnavailable": INT_OR_STRING,
            "selector": mapping(ANYTHING, atomic=True),
            "unhealthyPodEvictionPolicy": text("IfHealthyBudget", "AlwaysAllow"),
        }
    ),
    status=ANYTHING,
    spec_required=False,
)

_RULES = listing(
    record(
        {
            "apiGroups": listing(text()),
            "resources": listing(text()),
            "resourceNames": listing(text()),
            "nonResourceURLs": listing(text()),
            "verbs": listing(text()),
        },
        required=("verbs",),
    )
)
_ENVELOPE = {"apiVersion": text(), "kind": text(), "metadata": METADATA}
CLUSTER_ROLE = record({**_ENVELOPE, "rules": _RULES, "aggregationRule": ANYTHING})
CLUSTER_ROLE_BINDING = record(
    {**_ENVELOPE, "roleRef": mapping(text(), atomic=True), "subjects": listing(mapping(text()))}, required=("roleRef",)
)

_OPEN = record({**_ENVELOPE, "spec": ANYTHING, "status": ANYTHING})

SCHEMAS: Mapping[str, Schema] = {
    "Namespace": NAMESPACE,
    "Node": _OPEN,
    "Pod": _OPEN,
    "Deployment": DEPLOYMENT,
    "PodDisruptionBudget": DISRUPTION_BUDGET,
    "APIService": _OPEN,
    "CustomResourceDefinition": _OPEN,
    "ClusterRole": CLUSTER_ROLE,
    "ClusterRoleBinding": CLUSTER_ROLE_BINDING,
    "IPPool": IP_POOL,
    "BGPFilter": BGP_FILTER,
    "BGPPeer": BGP_PEER,
    "BGPConfiguration": BGP_CONFIGURATION,
    "CalicoNodeStatus": CALICO_NODE_STATUS,
    "FelixConfiguration": FELIX_CONFIGURATION,
    "EgressGatewayPolicy": EGRESS_GATEWAY_POLICY,
    "IPAMBlock": IPAM_BLOCK,
    "LicenseKey": LICENSE_KEY,
    "EgressGateway": EGRESS_GATEWAY,
    "TigeraStatus": _OPEN,
    "Installation": _OPEN,
    "DatastoreMigration": _OPEN,
}
