"""Objects made from a CRD's own schema: mostly fitting, with one mistake here and there.

Belongs here: strategies. They read the schema that Calico ships, so that a field which the simulator forgot is generated too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from real.kube.installing import definition

_CIDRS = (
    "10.99.0.0/29", "10.0.0.0/8", "0.0.0.0/0", "10.99.0.1/29", "10.99.0.0/33", "10.99.0.0", "010.0.0.0/8", "10.0.0.0/08",
    "fd00::/64", "fd00::1/128", "::ffff:10.0.0.0/104", "1.2.3/8", "10.0.0.0/-1", "10.0.0.0/+8", " 10.0.0.0/8", "", "all()",
)  # fmt: skip
_WORDS = (
    "", "a", "all()", "has(role)", "10.0.0.1", "EnabledPerNamespace", "enabledpernamespace", "Disabled", "disabled", "Info",
    "65000:100", "1:2:3", "5s", "1m30s", "5", "egress-gateway", "egress-gateway-init", "Exists", "NoSchedule",
    "topology.kubernetes.io/zone", "ScheduleAnyway", "9" * 50,
)  # fmt: skip
_WRONG = st.sampled_from([None, "text", "", 7, 0, -1, True, 1.5, 3.0, [], ["x"], {}, {"x": 1}])
_PLAIN_DEPTH = 7
"""Below this depth objects stay empty: pod affinities nest without end."""

CHOSEN: Mapping[str, tuple[str, ...]] = {
    "felixconfigurations.projectcalico.org": (
        "egressIPSupport", "egressIPVXLANPort", "egressIPVXLANVNI", "egressIPRoutingRulePriority",
        "egressIPHostIfacePattern", "egressGatewayPollInterval", "egressGatewayPollFailureCount", "externalNetworkSupport",
        "externalNetworkRoutingRulePriority", "bpfEnabled", "bpfLogLevel", "flowLogsFileEnabled", "healthEnabled",
        "healthPort", "ipipEnabled", "logSeverityScreen", "natOutgoingExclusions", "nftablesMode", "policySyncPathPrefix",
        "programClusterRoutes", "prometheusMetricsEnabled", "prometheusMetricsPort", "reportingInterval",
        "routeTableRanges", "vxlanEnabled", "vxlanPort", "vxlanVNI", "wireguardEnabled",
    ),
}  # fmt: skip
"""Of FelixConfiguration's two hundred fields, those that the simulator claims to check."""
_LEFT_OUT = frozenset({"affinity"})
"""Pod affinities of gateways are written by Tigera's operator alone; the simulator takes them as they come."""


def specs(crd: str) -> st.SearchStrategy[Any]:
    """Values for `spec` of a CRD's kind."""
    (version,) = [each for each in definition(crd)["spec"]["versions"] if each["storage"]]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    if crd in CHOSEN:
        schema = {**schema, "properties": {name: schema["properties"][name] for name in CHOSEN[crd]}}
    return st.integers(0, 3).flatmap(lambda mistakes: _fitting(schema, mistakes, 0, whole=crd not in CHOSEN))


def _values(schema: Mapping[str, Any], mistakes: int, depth: int) -> st.SearchStrategy[Any]:
    """Values for a node; without `mistakes` only those of the right type, each with what a bound may be tripped by."""
    fitting = _fitting(schema, mistakes, depth)
    if not mistakes:
        return fitting
    return st.integers(0, 15).flatmap(lambda drawn: _WRONG if drawn == 0 else fitting)


def _fitting(schema: Mapping[str, Any], mistakes: int, depth: int, *, whole: bool = True) -> st.SearchStrategy[Any]:
    if schema.get("x-kubernetes-int-or-string"):
        return st.sampled_from([1, "1", "100m", "nonsense!", -1])
    match schema.get("type"):
        case "object":
            return _objects(schema, mistakes, depth, whole=whole)
        case "array":
            most = min(schema.get("maxItems", 3) + 1, 11) if mistakes else 2
            return st.lists(_values(schema["items"], mistakes, depth + 1), max_size=most)
        case "string":
            return _texts(schema, mistakes)
        case "integer":
            return _integers(schema, mistakes)
        case "boolean":
            return st.booleans()
        case _:
            return _WRONG


def _objects(schema: Mapping[str, Any], mistakes: int, depth: int, *, whole: bool) -> st.SearchStrategy[Any]:
    """Maps with some of their fields; an unknown one is added only where the simulator knows the `whole` schema."""
    if "additionalProperties" in schema:
        return st.dictionaries(
            st.sampled_from(["a", "b", "c/d"]), _values(schema["additionalProperties"], mistakes, depth + 1), max_size=2
        )
    properties = {name: child for name, child in (schema.get("properties") or {}).items() if name not in _LEFT_OUT}
    if depth > _PLAIN_DEPTH:
        properties = {}
    required = schema.get("required", ())
    fields = {name: _values(child, mistakes, depth + 1) for name, child in properties.items()}

    @st.composite
    def draw_object(draw: st.DrawFn) -> dict[str, Any]:
        kept = draw(st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True)) if fields else []
        forgetful = bool(mistakes) and draw(st.integers(0, 9)) == 0
        names = [*kept, *([] if forgetful else [name for name in required if name in fields and name not in kept])]
        made = {name: draw(fields[name]) for name in names}
        if whole and mistakes and draw(st.integers(0, 19)) == 0:
            made["unknownField"] = draw(_WRONG)
        return made

    return draw_object()


def _texts(schema: Mapping[str, Any], mistakes: int) -> st.SearchStrategy[str]:
    enums = [each["enum"] for each in schema.get("allOf", ()) if "enum" in each] + [schema.get("enum") or []]
    allowed = [value for values in enums for value in values]
    if allowed:
        others = ["", allowed[0].lower(), "Nonsense"] if mistakes else []
        return st.sampled_from([*allowed, *others])
    if schema.get("format") == "cidr":
        return st.sampled_from(_CIDRS if mistakes else _CIDRS[:4])
    words = [*_WORDS]
    if mistakes and "maxLength" in schema:
        words += ["x" * schema["maxLength"], "x" * (schema["maxLength"] + 1), "é" * schema["maxLength"]]
    return st.sampled_from(words)


def _integers(schema: Mapping[str, Any], mistakes: int) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
    edges: list[Any] = [low, high, low + 1, 1, 32]
    if mistakes:
        edges += [low - 1, high + 1, 2**31, 2**63 - 1, -(2**31) - 1, 5.0]
    return st.sampled_from(edges)
