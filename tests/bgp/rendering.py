"""BIRD's configuration of a node, as Calico makes it of the cluster's objects, in three files that confd writes apart.

Source: projectcalico/calico v3.32.1, confd templates bird.cfg, bird_aggr.cfg, bird_ipam.cfg, template_funcs.go and
bgp_processor.go. Routes that a node has from its kernel stand here as static ones. Added for the tests: a fence, a route that
passes every session after all that was sent before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from clusters import ADDRESSES, CLUSTER_ASN, CLUSTER_ID, REFLECTOR, WORKER, Cluster, Thing
from places import GATEWAY, NODE_SUBNET, Place

FENCES = "192.0.2.0/24"
_PRIORITY, _MAX = 1024, 2147483647
_DIRECTIONS = ("export", "import")
_OPERATORS = {"In": "~", "NotIn": "!~", "Equal": "=", "NotEqual": "!="}
_METRICS = f"""
    if (defined(source) && source = RTS_BGP && defined(bgp_local_pref)) then {{ krt_metric = {_MAX} - bgp_local_pref; }}
    else {{
      if (!defined(krt_metric)) then {{ krt_metric = {_PRIORITY}; }}
      bgp_local_pref = {_MAX} - krt_metric;
    }}"""


def rendered(cluster: Cluster, node: str, place: Place, fence: int) -> dict[str, str]:
    """The files by name; a fence of 0 is none."""
    return {
        "bird_aggr.cfg": "\n".join(chain(_static_routes(cluster, node, place, fence), _aggregation(cluster, node))),
        "bird_ipam.cfg": "\n".join(_calico_export(cluster)),
        "bird.cfg": "\n".join(_main(cluster, node, place)),
    }


def _static_routes(cluster: Cluster, node: str, place: Place, fence: int) -> Iterator[str]:
    yield "protocol static calico {"
    for block in _blocks(cluster, node):
        if not block.endswith("/32"):
            yield f"  route {block} blackhole;"
    for cidr in _services(cluster):
        yield f"  route {cidr} blackhole;"
    way = "blackhole" if place.loopback else f"via {GATEWAY}"
    for peer in _outside_peers(cluster, node):
        if "reachableBy" in peer:
            yield f"  route {peer['peerIP']}/32 {way};"
    yield "}"
    yield "protocol static from_kernel {"
    yield f"  route 0.0.0.0/0 {way};"
    yield f'  route {NODE_SUBNET} via "{place.node_interface}";'
    for pod in cluster.objects("Pod"):
        if pod["spec"]["nodeName"] == node:
            yield f'  route {pod["status"]["podIP"]}/32 via "{place.workload_interface}";'
    yield "}"
    if fence:
        yield f"protocol static fence {{ route 192.0.2.{fence % 256}/32 blackhole {{ bgp_community.add((64999,{fence})); }}; }}"


def _aggregation(cluster: Cluster, node: str) -> Iterator[str]:
    yield "function calico_aggr() {"
    for block in _blocks(cluster, node):
        yield f"  if ( net = {block} ) then {{ accept; }}"
        yield f"  if ( net ~ {block} && krt_metric < {_PRIORITY} ) then {{ accept; }}"
        yield f"  if ( net ~ {block} ) then {{ reject; }}"
    yield "}"


def _calico_export(cluster: Cluster) -> Iterator[str]:
    pools = {pool["spec"]["cidr"]: not pool["spec"].get("disableBGPExport") for pool in cluster.objects("IPPool")}
    yield "function calico_export_to_bgp_peers(bool internal_peer) {"
    for cidr in sorted(cidr for cidr, shown in pools.items() if not shown):
        yield f"  if ( net ~ {cidr} ) then {{ reject; }}"
    yield '  if (internal_peer && defined(ifname)) then { if (ifname ~ "*.cali" || ifname ~ "*.calico") then { reject; } }'
    yield "  calico_aggr();"
    for cidr in _services(cluster):
        yield f"  if ( net ~ {cidr} ) then {{ accept; }}"
    for cidr in sorted(cidr for cidr, shown in pools.items() if shown):
        yield f"  if ( net ~ {cidr} ) then {{ accept; }}"
    yield "}"


def _main(cluster: Cluster, node: str, place: Place) -> Iterator[str]:
    address = place.address(ADDRESSES[node])
    yield f"""include "bird_aggr.cfg";
include "bird_ipam.cfg";
router id {ADDRESSES[node]};
listen bgp address {address} port {place.port};
protocol device {{ scan time 2; }}
template bgp bgp_template {{
  local as {CLUSTER_ASN};
  source address {address};
  multihop;
  gateway recursive;
  add paths on;
  graceful restart;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
}}"""
    yield from functions(cluster)
    for peer in _outside_peers(cluster, node):
        mode = peer.get("nextHopMode") or ("Keep" if peer.get("keepOriginalNextHop") else "Auto")
        extra = {"Keep": "next hop keep;", "Self": "next hop self;", "Auto": ""}[mode]
        yield _session(place, node, peer["peerIP"], peer["asNumber"], _calls(cluster, peer), extra)
    inside = next(peer["spec"] for peer in cluster.objects("BGPPeer") if "peerSelector" in peer["spec"])
    other, extra = (
        (WORKER, f"rr client; rr cluster id {CLUSTER_ID};") if node == REFLECTOR else (REFLECTOR, "passive on;")
    )
    yield _session(place, node, ADDRESSES[other], CLUSTER_ASN, _calls(cluster, inside), extra)


def functions(cluster: Cluster) -> Iterator[str]:
    """One function for each direction of each filter that has rules for it."""
    for entry in cluster.objects("BGPFilter"):
        for direction in _DIRECTIONS:
            rules = entry["spec"].get(f"{direction}V4")
            if rules:
                yield f"function {_function(entry['metadata']['name'], direction)}(bool is_same_as) {{"
                yield from (f"  {_statement(rule)}" for rule in rules)
                yield "}"


def _calls(cluster: Cluster, peer: Thing) -> dict[str, list[str]]:
    """By direction the functions that a peer calls; a filter without rules for it has none."""
    specs = {entry["metadata"]["name"]: entry["spec"] for entry in cluster.objects("BGPFilter")}
    return {
        direction: [
            _function(name, direction) for name in peer.get("filters", ()) if specs.get(name, {}).get(f"{direction}V4")
        ]
        for direction in _DIRECTIONS
    }


def _session(place: Place, node: str, peer: str, asn: int, calls: dict[str, list[str]], extra: str) -> str:
    same = "true" if asn == CLUSTER_ASN else "false"
    told, taken = ("".join(f"\n    {name}({same});" for name in calls[direction]) for direction in _DIRECTIONS)
    imports = (
        f"import filter {{\n    if ( net ~ {FENCES} ) then {{ accept; }}{taken}\n    accept;\n  }};"
        if taken
        else "import all;"
    )
    own_hop = f"\n    if (source != RTS_BGP) then {{ bgp_next_hop = {ADDRESSES[node]}; }}" if place.loopback else ""
    return f"""protocol bgp Node_{peer.replace(".", "_")} from bgp_template {{
  neighbor {place.address(peer)} port {place.port} as {asn};
  export filter {{{own_hop}
    if ( net ~ {FENCES} ) then {{ accept; }}{_METRICS}{told}
    calico_export_to_bgp_peers({same});
    reject;
  }};
  {imports}
  {extra}
}}"""


def _function(name: str, direction: str) -> str:
    return f"'bgp_{name}_{direction}FilterV4'"


def _statement(rule: Thing) -> str:
    action = f"{rule['action'].lower()};"
    conditions = " && ".join(_conditions(rule))
    statement = f"if ({conditions}) then {{ {action} }}" if conditions else action
    guard = {"iBGP": "is_same_as", "eBGP": "!is_same_as"}.get(rule.get("peerType", ""))
    return f"if ({guard}) then {{ {statement} }}" if guard else statement


def _conditions(rule: Thing) -> Iterator[str]:
    if cidr := rule.get("cidr"):
        if lengths := rule.get("prefixLength"):
            low = max(int(cidr.partition("/")[2]), lengths.get("min", 0))
            cidr = f"[ {cidr}{{{low},{lengths.get('max', 32)}}} ]"
        yield f"(net {_OPERATORS[rule['matchOperator']]} {cidr})"
    if "source" in rule:
        yield "((defined(source))&&(source ~ [ RTS_BGP ]))"
    if "interface" in rule:
        yield f'((defined(ifname))&&(ifname ~ "{rule["interface"]}"))'
    if "communities" in rule:
        yield f"(({rule['communities']['values'][0].replace(':', ', ')}) ~ bgp_community)"
    if "asPathPrefix" in rule:
        yield f"(bgp_path ~ [= {' '.join(map(str, rule['asPathPrefix']))} * =])"
    if "priority" in rule:
        yield f"(defined(bgp_local_pref)&&(bgp_local_pref = {_MAX - rule['priority']}))"


def _blocks(cluster: Cluster, node: str) -> list[str]:
    specs = [block["spec"] for block in cluster.objects("IPAMBlock")]
    return sorted(spec["cidr"] for spec in specs if spec["affinity"] == f"host:{node}")


def _services(cluster: Cluster) -> list[str]:
    return [entry["cidr"] for entry in cluster.objects("BGPConfiguration")[0]["spec"]["serviceClusterIPs"]]


def _outside_peers(cluster: Cluster, node: str) -> list[Thing]:
    peers = [peer["spec"] for peer in cluster.objects("BGPPeer") if "peerIP" in peer["spec"]]
    return peers if node == REFLECTOR else []
