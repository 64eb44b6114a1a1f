"""What the fields of Calico's kinds may hold: compact schemas in our own words.

Belongs here: the kinds of `projectcalico.org/v3`, after the CRDs of Calico v3.32.1 and Calico Enterprise v3.23.1. Left out
are most fields of FelixConfiguration and the inside of filter operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.model.kubernetes.object_schemas import TEXTS, is_present, never_together, object_schema
from simulator.model.kubernetes.refusals import Cause
from simulator.model.kubernetes.schema import (
    ANYTHING,
    FLAG,
    INT32,
    Rule,
    Schema,
    integer,
    listing,
    mapping,
    record,
    text,
)

_ENCAPSULATION = ("Never", "Always", "CrossSubnet")


def _encapsulated(value: Mapping[str, Any], key: str) -> bool:
    return value.get(key, "") not in ("", "Never")


def _one_encapsulation(value: Mapping[str, Any]) -> Cause | None:
    both = _encapsulated(value, "ipipMode") and _encapsulated(value, "vxlanMode")
    return (
        Cause("", "FieldValueForbidden", "Forbidden: ipipMode and vxlanMode cannot both be enabled") if both else None
    )


def _load_balancer_pool(value: Mapping[str, Any]) -> Cause | None:
    uses = value.get("allowedUses") or ()
    if "LoadBalancer" not in uses:
        return None
    if _encapsulated(value, "ipipMode") or _encapsulated(value, "vxlanMode"):
        return Cause("", "FieldValueForbidden", "Forbidden: LoadBalancer IP pool cannot have IPIP or VXLAN enabled")
    if "Workload" in uses or "Tunnel" in uses:
        message = "Forbidden: LoadBalancer cannot be combined with Workload or Tunnel allowed uses"
        return Cause("", "FieldValueForbidden", message)
    return None


def _no_ipip_over_v6(value: Mapping[str, Any]) -> Cause | None:
    wrong = ":" in value.get("cidr", "") and _encapsulated(value, "ipipMode")
    return Cause("", "FieldValueForbidden", "Forbidden: IPIP is not supported on IPv6 pools") if wrong else None


_MIGRATION = "cannot be changed; follow IP pool migration guide to avoid corruption."

IP_POOL = object_schema(
    record(
        {
            "cidr": text(max_length=48, cidr=True, immutable=f"CIDR {_MIGRATION}"),
            "blockSize": integer(0, 128, immutable=f"Block size {_MIGRATION}"),
            "ipipMode": text(*_ENCAPSULATION),
            "vxlanMode": text(*_ENCAPSULATION),
            "natOutgoing": FLAG,
            "disabled": FLAG,
            "disableBGPExport": FLAG,
            "nodeSelector": text(),
            "namespaceSelector": text(),
            "allowedUses": listing(
                text("Workload", "Tunnel", "LoadBalancer", "HostSecondaryInterface"), list_type="set", most=10
            ),
            "assignmentMode": text("Automatic", "Manual", default="Automatic"),
            "awsSubnetID": text(),
        },
        required=("cidr",),
        rules=(_one_encapsulation, _load_balancer_pool, _no_ipip_over_v6),
    ),
    status=ANYTHING,
)


def _cidr_with_operator(value: Mapping[str, Any]) -> Cause | None:
    if bool(value.get("cidr")) == bool(value.get("matchOperator")):
        return None
    message = "Invalid value: cidr and matchOperator must both be set or both be empty"
    return Cause("", "FieldValueInvalid", message)


def _cidr_with_length(value: Mapping[str, Any]) -> Cause | None:
    wrong = "prefixLength" in value and not value.get("cidr")
    return Cause("", "FieldValueInvalid", "Invalid value: cidr is required when prefixLength is set") if wrong else None


def _operations_accept(value: Mapping[str, Any]) -> Cause | None:
    wrong = bool(value.get("operations")) and value.get("action") != "Accept"
    message = "Invalid value: operations may only be used with action Accept"
    return Cause("", "FieldValueInvalid", message) if wrong else None


_SHORT = "([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_LONG = (
    "([0-9]|[1-9][0-9]{1,8}|[1-3][0-9]{9}|4[0-1][0-9]{8}|42[0-8][0-9]{7}|429[0-3][0-9]{6}|4294[0-8][0-9]{5}|"
    "42949[0-5][0-9]{4}|429496[0-6][0-9]{3}|4294967[0-1][0-9]{2}|42949672[0-8][0-9]|429496729[0-5])"
)
_COMMUNITY = text(max_length=32, pattern=f"^({_SHORT}:{_SHORT}|{_LONG}:{_LONG}:{_LONG})$")
"""A standard community of two 16-bit numbers or a large one of three 32-bit numbers."""
_PRIORITY = integer(1, 2147483646)
_OPERATION = record(
    {
        "addCommunity": record({"value": _COMMUNITY}, required=("value",), atomic=True),
        "prependASPath": record({"prefix": listing(INT32, least=1, most=10)}, required=("prefix",), atomic=True),
        "setPriority": record({"value": _PRIORITY}, required=("value",), atomic=True),
    },
    atomic=True,
    exactly_one=True,
)


def _filter_rules(*, cidr_length: int, bits: int) -> Schema:
    rule = record(
        {
            "action": text("Accept", "Reject"),
            "cidr": text(max_length=cidr_length, cidr=True),
            "matchOperator": text("Equal", "NotEqual", "In", "NotIn"),
            "prefixLength": record({"min": integer(0, bits, bits=32), "max": integer(0, bits, bits=32)}, atomic=True),
            "source": text("RemotePeers"),
            "interface": text(),
            "peerType": text("eBGP", "iBGP"),
            "communities": record({"values": listing(_COMMUNITY, least=1, most=1)}, required=("values",), atomic=True),
            "asPathPrefix": listing(INT32),
            "priority": _PRIORITY,
            "operations": listing(_OPERATION, least=1, most=10),
        },
        required=("action",),
        atomic=True,
        rules=(_cidr_with_operator, _cidr_with_length, _operations_accept),
    )
    return listing(rule)


BGP_FILTER = object_schema(
    record(
        {
            "exportV4": _filter_rules(cidr_length=18, bits=32),
            "importV4": _filter_rules(cidr_length=18, bits=32),
            "exportV6": _filter_rules(cidr_length=43, bits=128),
            "importV6": _filter_rules(cidr_length=43, bits=128),
        }
    )
)


def _workload_peer_number(value: Mapping[str, Any]) -> Cause | None:
    wrong = is_present(value, "localWorkloadSelector") and not is_present(value, "asNumber")
    message = "Invalid value: asNumber is required when localWorkloadSelector is set"
    return Cause("", "FieldValueInvalid", message) if wrong else None


_SECRET = record(
    {
        "secretKeyRef": record(
            {"key": text(), "name": text(default=""), "optional": FLAG}, required=("key",), atomic=True
        )
    }
)

BGP_PEER = object_schema(
    record(
        {
            "node": text(max_length=253),
            "nodeSelector": text(max_length=4096),
            "peerIP": text(max_length=64),
            "peerSelector": text(max_length=4096),
            "localWorkloadSelector": text(max_length=4096),
            "asNumber": INT32,
            "filters": listing(text()),
            "keepOriginalNextHop": FLAG,
            "nextHopMode": text("Auto", "Self", "Keep"),
            "reachableBy": text(),
            "sourceAddress": text("UseNodeIP", "None"),
            "password": _SECRET,
            "maxRestartTime": text(),
            "keepaliveTime": text(),
            "numAllowedLocalASNumbers": INT32,
            "ttlSecurity": integer(),
            "localASNumber": INT32,
            "reversePeering": replace(text("Auto", "Manual"), said_twice=True),
            "failureDetectionMode": text(),
            "restartMode": text(),
            "birdGatewayMode": text(),
            "extensions": TEXTS,
            "externalNetwork": text(),
            "network": text(),
        },
        rules=(
            never_together("node", "nodeSelector", "node and nodeSelector cannot both be set"),
            never_together("peerIP", "peerSelector", "peerIP and peerSelector cannot both be set"),
            never_together("peerSelector", "asNumber", "asNumber must be empty when peerSelector is set"),
            never_together("localWorkloadSelector", "peerIP", "peerIP must be empty when localWorkloadSelector is set"),
            never_together(
                "localWorkloadSelector", "peerSelector", "peerSelector must be empty when localWorkloadSelector is set"
            ),
            _workload_peer_number,
            never_together("network", "externalNetwork", "network and externalNetwork cannot both be set"),
        ),
    )
)

_COMMUNITIES = r"^(\d+):(\d+)$|^(\d+):(\d+):(\d+)$"
_RANGES = listing(record({"cidr": text(cidr=True)}, atomic=True))


_SEVERITY = "^(?i)(Trace|Debug|Info|Warning|Error|Fatal)?$"
_DURATION = r"^([0-9]+(\\.[0-9]+)?(ms|s|m|h))*$"
"""As the CRDs have it: two backslashes, so that `1.5s` does not fit."""


def _mesh_secret(key: str) -> Rule:
    def rule(value: Mapping[str, Any]) -> Cause | None:
        wrong = key in value and value.get("nodeToNodeMeshEnabled") is False
        message = f"Forbidden: {key} cannot be set when nodeToNodeMeshEnabled is false"
        return Cause("", "FieldValueForbidden", message) if wrong else None

    return rule


BGP_CONFIGURATION = object_schema(
    record(
        {
            "asNumber": INT32,
            "nodeToNodeMeshEnabled": FLAG,
            "logSeverityScreen": text(pattern=_SEVERITY, default="Info"),
            "serviceLoadBalancerAggregation": text("Enabled", "Disabled", default="Enabled"),
            "serviceClusterIPs": _RANGES,
            "serviceExternalIPs": _RANGES,
            "serviceLoadBalancerIPs": _RANGES,
            "listenPort": integer(1, 65535),
            "bindMode": text("None", "NodeIP"),
            "communities": listing(record({"name": text(), "value": text(pattern=_COMMUNITIES)}, atomic=True)),
            "prefixAdvertisements": listing(
                record({"cidr": text(cidr=True), "communities": listing(text())}, atomic=True)
            ),
            "ignoredInterfaces": listing(text(), list_type="set"),
            "ipv4NormalRoutePriority": integer(1, 2147483646),
            "ipv6NormalRoutePriority": integer(1, 2147483646),
            "localWorkloadPeeringIPV4": text(),
            "localWorkloadPeeringIPV6": text(),
            "nodeMeshPassword": _SECRET,
            "nodeMeshMaxRestartTime": text(),
            "programClusterRoutes": text("Enabled", "Disabled"),
            "extensions": TEXTS,
        },
        rules=(_mesh_secret("nodeMeshPassword"), _mesh_secret("nodeMeshMaxRestartTime")),
    )
)

_FELIX_SPEC = record(
    {
        "egressIPSupport": text(pattern="^(?i)(Disabled|EnabledPerNamespace|EnabledPerNamespaceOrPerPod)?$"),
        "egressIPVXLANPort": integer(),
        "egressIPVXLANVNI": integer(),
        "egressIPRoutingRulePriority": integer(),
        "egressIPHostIfacePattern": text(),
        "egressGatewayPollInterval": text(pattern=_DURATION),
        "egressGatewayPollFailureCount": integer(),
        "externalNetworkSupport": text(pattern="^(?i)(Disabled|Enabled)?$"),
        "externalNetworkRoutingRulePriority": integer(),
        "bpfEnabled": FLAG,
        "bpfLogLevel": text(pattern="^(?i)(Off|Info|Debug)?$"),
        "flowLogsFileEnabled": FLAG,
        "healthEnabled": FLAG,
        "healthPort": integer(),
        "ipipEnabled": FLAG,
        "logSeverityScreen": text(pattern=_SEVERITY),
        "natOutgoingExclusions": text("IPPoolsOnly", "IPPoolsAndHostIPs"),
        "nftablesMode": text("Disabled", "Enabled", "Auto", default="Auto"),
        "policySyncPathPrefix": text(),
        "programClusterRoutes": text("Enabled", "Disabled"),
        "prometheusMetricsEnabled": FLAG,
        "prometheusMetricsPort": integer(),
        "reportingInterval": text(pattern=_DURATION),
        "routeTableRange": record({"min": integer(), "max": integer()}, required=("max", "min")),
        "routeTableRanges": listing(record({"min": integer(), "max": integer()}, required=("max", "min"))),
        "vxlanEnabled": FLAG,
        "vxlanPort": integer(),
        "vxlanVNI": integer(),
        "wireguardEnabled": FLAG,
    },
    rules=(
        never_together(
            "routeTableRange", "routeTableRanges", "routeTableRange and routeTableRanges cannot both be set"
        ),
    ),
)

FELIX_CONFIGURATION = object_schema(replace(_FELIX_SPEC, values=ANYTHING))
"""Only fields that this project or the operator meets are checked; the two hundred others are taken as they come."""

EGRESS_GATEWAY_POLICY = object_schema(
    record(
        {
            "rules": listing(
                record(
                    {
                        "description": text(),
                        "destination": record({"cidr": text()}),
                        "gateway": record({"selector": text(), "namespaceSelector": text(), "maxNextHops": integer()}),
                        "gatewayPreference": text("None", "PreferNodeLocal", default="None"),
                    }
                )
            )
        }
    )
)

IPAM_BLOCK = object_schema(
    record({"cidr": text(cidr=True), "affinity": text(), "allocations": mapping(text())}, required=("cidr",))
)

LICENSE_KEY = object_schema(
    record({"token": text(), "certificate": text()}, required=("token",)),
    status=record(
        {
            "conditions": listing(ANYTHING),
            "expiry": text(),
            "features": listing(text()),
            "gracePeriod": text(),
            "maxnodes": integer(),
            "package": text("CloudCommunity", "CloudStarter", "CloudPro", "Enterprise"),
        }
    ),
)


_BIRD_STATE = text("Ready", "NotReady")
_BIRD = record(
    {
        "lastBootTime": text(),
        "lastReconfigurationTime": text(),
        "routerID": text(),
        "state": _BIRD_STATE,
        "version": text(),
    }
)
_SESSION = record(
    {
        "peerIP": text(),
        "since": text(),
        "state": text("Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established", "Close"),
        "type": text("NodeMesh", "NodePeer", "GlobalPeer"),
    }
)
_SESSION_COUNTS = ("numberEstablishedV4", "numberEstablishedV6", "numberNotEstablishedV4", "numberNotEstablishedV6")

CALICO_NODE_STATUS = object_schema(
    record(
        {
            "classes": listing(text("Agent", "BGP", "Routes")),
            "node": text(),
            "updatePeriodSeconds": INT32,
        }
    ),
    status=record(
        {
            "agent": record({"birdV4": _BIRD, "birdV6": _BIRD}),
            "bgp": record(
                {
                    **{name: integer() for name in _SESSION_COUNTS},
                    "peersV4": listing(_SESSION),
                    "peersV6": listing(_SESSION),
                },
                required=_SESSION_COUNTS,
            ),
            "lastUpdated": text(),
            "routes": ANYTHING,
        }
    ),
)
