"""The published walkthrough, and then what the published example cannot do. Each act is one function with its checks."""

from __future__ import annotations

import json
from collections import Counter
from ipaddress import IPv4Network
from typing import Any

from demo.fabric import replace_a_reflector
from demo.programme import Programme
from demo.scene import HUB, PLATFORM, Scene, sample
from function_app.model.ledger import Holding
from function_app.model.plan import ChangeReason, Stage
from simulator.model.packets import FlowTable, Packet, Verdict

TIGERA = "http://www.tigera.io"
DOCS = "https://docs.tigera.io"


def denied_before(scene: Scene, programme: Programme) -> None:
    """A hub, two clusters, no tenant: every pod leaves as its node and the firewall knows nobody."""
    programme.act("A hub and two clusters, no tenant")
    commit = scene.merge("hub and clusters", sample(*PLATFORM))
    programme.say(
        f"Merged {commit}: one hub, two AKS clusters, guardrails, a rule set. The first pass keeps the fabric:"
    )
    report = scene.converge()
    for outcome in scene.reports[0].outcomes:
        programme.quote(f"{outcome.result} {outcome.change.target} {outcome.change.resource}: {outcome.change.because}")
    packet = scene.request("spoke1-aks", "default", TIGERA)
    programme.request(packet)
    programme.check("the request is denied with 470", passed=packet.http_status == 470)
    programme.check("the firewall cannot tell who it was: a node's address", passed=not packet.range_tenant)
    programme.check("the filter stands, ends in a reject, and both peers carry it", passed=report.converged)


def allowed_after(scene: Scene, programme: Programme) -> None:
    """One merge: the stages climb, then the same request is allowed, from the tenant's own range."""
    programme.act("One pull request: tenant0")
    commit = scene.merge("add tenant0", sample("tenants/tenant0.yaml"))
    programme.say(f"Merged {commit}: gitops/tenants/tenant0.yaml. Stages climb as evidence comes in:")
    report = scene.converge(seen=programme.stages)
    packet = scene.request("spoke1-aks", "default", TIGERA)
    programme.request(packet)
    programme.check("the same request is allowed", passed=packet.http_status == 200)
    whose = _whose(scene, packet)
    programme.check(f"the firewall log shows {packet.source}: {whose}", passed=whose.startswith("tenant0"))
    programme.check("one merge cost one firewall operation", passed=scene.figures.firewall_operations == 1)
    programme.check("converged, nothing waits", passed=report.converged)


def second_tenant(scene: Scene, programme: Programme) -> None:
    """Where the published example breaks: a second tenant, on both clusters, one in each API mode."""
    programme.act("The second tenant, on both clusters")
    scene.merge("add tenant1 on both clusters", sample("tenants/tenant1.yaml"))
    programme.say(
        "The published filter (two `Reject NotIn` rules) would now export nothing. Ours accepts each range, then rejects."
    )
    scene.converge(seen=programme.stages)
    learned = _learned(scene)
    for connection, instances in learned.items():
        programme.quote(
            f"{connection}: "
            + "; ".join(f"{name[-4:]} {', '.join(sorted(found))}" for name, found in instances.items())
        )
    ranges = {"spoke1-aks": ["10.99.0.0/29", "10.99.0.8/29"], "spoke2-aks": ["10.99.1.0/29"]}
    complete = all(
        any(IPv4Network(route).subnet_of(IPv4Network(cidr)) for route in found)
        for connection, instances in learned.items()
        for found in instances.values()
        for cidr in ranges[cluster_of(connection)]
    )
    every = [IPv4Network(route) for instances in learned.values() for found in instances.values() for route in found]
    egress = IPv4Network("10.99.0.0/16")
    programme.check(
        "both Route Server instances learned every tenant's range from both clusters", passed=complete and bool(every)
    )
    programme.check(
        "and nothing else: no pod range, no default route", passed=all(route.subnet_of(egress) for route in every)
    )
    calls = [("spoke1-aks", "default", TIGERA), ("spoke1-aks", "shop", DOCS), ("spoke2-aks", "shop", DOCS)]
    packets = [scene.request(*call) for call in calls]
    for packet in packets:
        programme.quote(
            f"{packet.cluster}/{packet.namespace} -> {packet.url}: {packet.verdict}, {packet.source} is {_whose(scene, packet)}"
        )
    programme.check(
        "each request is allowed and attributed to its own tenant",
        passed=[packet.range_tenant for packet in packets if packet.verdict is Verdict.ALLOWED]
        == ["tenant0", "tenant1", "tenant1"],
    )


def renumber(scene: Scene, programme: Programme) -> None:
    """A tenant changes its range while it works; the plan says beforehand which connections that will cut."""
    programme.act("Renumber tenant0 under traffic")
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("10.99.0.0/29", "10.99.0.16/29")
    flows = FlowTable(scene.world)
    with scene.world.lock:
        for _ in range(6):
            flows.open_flow("spoke1-aks", "default", TIGERA)
    scene.merge("renumber tenant0 to 10.99.0.16/29", {"tenants/tenant0.yaml": text})
    programme.say("Six long connections are open; every five seconds each workload opens a new one.")
    packets: list[Packet] = []
    forecasts: list[str] = []

    def watch() -> None:
        packets.append(scene.world.send("spoke1-aks", "default", TIGERA))
        packets.append(scene.world.send("spoke1-aks", "shop", DOCS))
        packets.append(scene.world.send("spoke2-aks", "shop", DOCS))
        flows.check()

    def seen(report: Any) -> None:
        programme.stages(report)
        forecasts.extend(note for note in report.plan.notes if "cut" in note and note not in forecasts)

    scene.converge(seen=seen, watch=watch)
    expected = {"default": "tenant0", "shop": "tenant1"}
    dropped = [packet for packet in packets if packet.verdict is not Verdict.ALLOWED]
    wrong = [packet for packet in packets if packet.range_tenant != expected[packet.namespace]]
    for note in forecasts:
        programme.quote(f"forecast: {note}")
    programme.check(
        f"{len(packets)} new connections, {len(dropped)} dropped", passed=not dropped and len(packets) > 300
    )
    programme.check(f"{len(wrong)} misattributed", passed=not wrong)
    programme.check(
        f"{flows.cut_count()} of 6 old connections cut, as the plan said they would be",
        passed=flows.cut_count() == 6 and bool(forecasts),
    )
    now = scene.request("spoke1-aks", "default", TIGERA)
    programme.check(
        f"tenant0 now leaves as {now.source}",
        passed=now.source.startswith("10.99.0.1") or now.source.startswith("10.99.0.2"),
    )
    old = [one for one in scene.generations() if str(one.range) == "10.99.0.0/29"]
    programme.check(
        "the old range is freed and in quarantine", passed=[one.holding for one in old] == [Holding.QUARANTINED]
    )


def edit_rules(scene: Scene, programme: Programme) -> None:
    """An edit of names is minutes of firewall work; the tenant stays routed all the while."""
    programme.act("An FQDN edit while the firewall works")
    path = scene.desk / "gitops" / "tenants" / "tenant0.yaml"
    text = path.read_text().replace("fqdns: [www.tigera.io]", "fqdns: [www.tigera.io, docs.tigera.io]")
    scene.merge("tenant0 may read the documentation", {"tenants/tenant0.yaml": text})
    packets: list[Packet] = []
    stages: set[Stage] = set()

    def seen(report: Any) -> None:
        programme.stages(report)
        stages.update(one.stage for one in report.plan.attachments if one.key.tenant == "tenant0")

    scene.converge(seen=seen, watch=lambda: packets.append(scene.world.send("spoke1-aks", "default", TIGERA)))
    after = scene.request("spoke1-aks", "default", DOCS)
    programme.check("tenant0 stays routed throughout", passed=stages == {Stage.ROUTED})
    programme.check(
        f"{len(packets)} requests to what was already allowed, none denied",
        passed={one.verdict for one in packets} == {Verdict.ALLOWED},
    )
    programme.check("the new name is allowed at the end", passed=after.verdict is Verdict.ALLOWED)


def drift(scene: Scene, programme: Programme) -> None:
    """Somebody edits a rule in the portal and removes an annotation; the drift pass restores both and says so."""
    programme.act("Somebody works by hand")
    with scene.world.lock:
        scene.world.hubs[HUB].edit_group("tenants", "egress-000", _open_everything)
    scene.let_pass(260)
    programme.say(
        "In the portal, tenant0's rule now allows `*`; with kubectl, the annotations of namespace default are gone."
    )
    gone = {"metadata": {"annotations": _no_annotations(scene)}}
    scene.patch("spoke1-aks", "/api/v1/namespaces/default", gone, "kubectl-annotate")
    open_door = scene.request("spoke1-aks", "default", "http://example.com")
    report = scene.run_pass()
    for outcome in report.outcomes:
        programme.quote(
            f"{outcome.change.reason}: {outcome.change.target} {outcome.change.resource}: {outcome.change.because}"
        )
    scene.converge()
    programme.request(scene.request("spoke1-aks", "default", TIGERA))
    restored = scene.request("spoke1-aks", "default", TIGERA)
    closed = scene.request("spoke1-aks", "default", "http://example.com")
    reasons = Counter(outcome.change.reason for outcome in report.outcomes)
    programme.check(
        "one pass undoes both and calls them drift", passed=reasons[ChangeReason.DRIFT] == 2 and len(reasons) == 1
    )
    programme.check("until then the namespace left as a node: no tenant was named", passed=not open_door.range_tenant)
    programme.check(
        "tenant0 is back on its range",
        passed=restored.range_tenant == "tenant0" and restored.verdict is Verdict.ALLOWED,
    )
    programme.check("the hole in the firewall is closed", passed=closed.verdict is Verdict.DENIED)


def broken_file(scene: Scene, programme: Programme) -> None:
    """A broken file is merged together with another tenant's change: the one holds, the other goes through."""
    programme.act("A broken file is merged")
    tenant0 = (scene.desk / "gitops" / "tenants" / "tenant0.yaml").read_text()
    tenant1 = (scene.desk / "gitops" / "tenants" / "tenant1.yaml").read_text()
    broken = tenant0.replace("10.99.0.16/29", "10.99.0.17/29").replace(
        "www.tigera.io, docs", "https://www.tigera.io, docs"
    )
    scene.merge(
        "two tenants edited, one wrongly",
        {
            "tenants/tenant0.yaml": broken,
            "tenants/tenant1.yaml": tenant1.replace(
                "fqdns: [docs.tigera.io]", "fqdns: [docs.tigera.io, www.tigera.io]"
            ),
        },
    )
    report = scene.converge()
    problems = [problem for held in report.held for problem in held.problems]
    for problem in problems:
        programme.quote(str(problem))
    held = scene.request("spoke1-aks", "default", TIGERA)
    other = scene.request("spoke1-aks", "shop", "https://www.tigera.io")
    located = all(problem.place.line > 1 and problem.hint for problem in problems) and len(problems) >= 2
    programme.check(f"{len(problems)} located errors, each with what to write instead", passed=located)
    programme.check(
        "tenant0 holds at its last valid definition",
        passed=held.verdict is Verdict.ALLOWED and held.range_tenant == "tenant0",
    )
    programme.check("tenant1's change in the same commit went through", passed=other.verdict is Verdict.ALLOWED)
    fresh = scene.fresh_start("fresh").source()
    known = scene.assembly.source()
    programme.check(
        "a fresh clone with empty state sees the same tree", passed=fresh.tree.definitions == known.tree.definitions
    )
    scene.merge("repair tenant0", {"tenants/tenant0.yaml": tenant0})
    scene.converge()


def remove(scene: Scene, programme: Programme) -> None:
    """A tenant goes: its pods are never seen under another's range, and nothing of it is left."""
    programme.act("Tenant0 is removed")
    scene.reports.clear()
    scene.merge("remove tenant0", {"tenants/tenant0.yaml": None})
    packets: list[Packet] = []
    scene.converge(
        seen=programme.stages, watch=lambda: packets.append(scene.world.send("spoke1-aks", "default", TIGERA))
    )
    order = [
        str(one.change.resource)
        for report in scene.reports
        for one in report.outcomes
        if one.change.target == "cluster/spoke1-aks"
    ]
    for resource in order:
        programme.quote(resource)
    wanted = ["Namespace/default", "EgressGateway", "BGPFilter/export-egress-ips", "IPPool", "Namespace/tenant0-egw"]
    positions = [next((at for at, name in enumerate(order) if name.startswith(step)), -1) for step in wanted]
    programme.check(
        "annotation, gateway, filter entry, pool, namespace: gone in this order",
        passed=positions == sorted(positions) and -1 not in positions,
    )
    programme.check(
        "its pods never appear under another tenant's range",
        passed={one.range_tenant for one in packets} <= {"tenant0", ""},
    )
    with scene.world.lock:
        kinds = ("IPPool", "EgressGateway", "Deployment", "Namespace", "IPAMBlock")
        objects = [one for kind in kinds for one in scene.world.clusters["spoke1-aks"].api.objects(kind)]
        groups = json.dumps(list(scene.world.hubs[HUB].list_groups("tenants").value))
    left = [one["metadata"]["name"] for one in objects if "tenant0" in one["metadata"]["name"]]
    programme.check("nothing of it is left on cluster and firewall", passed=not left and "tenant0" not in groups)


def nothing_left_to_do(scene: Scene, programme: Programme) -> None:
    """The pass after the last one writes nothing."""
    programme.act("Once more")
    report = scene.run_pass()
    programme.check("the last pass writes nothing", passed=report.writes == 0 and report.converged)


ACTS = (
    denied_before,
    allowed_after,
    second_tenant,
    renumber,
    edit_rules,
    replace_a_reflector,
    drift,
    broken_file,
    remove,
    nothing_left_to_do,
)


def cluster_of(connection: str) -> str:
    """The cluster in the name of a connection of ours: `egress-gitops-CLUSTER-A-B-C-D`."""
    return connection.removeprefix("egress-gitops-").rsplit("-", 4)[0]


def _whose(scene: Scene, packet: Packet) -> str:
    """Who the ledger says holds the source address."""
    for one in scene.generations():
        if packet.source and one.live and IPv4Network(f"{packet.source}/32").subnet_of(one.range):
            return (
                f"{one.key.tenant} on {one.key.cluster}, namespaces {', '.join(one.routed)}, by commit {one.commit[:7]}"
            )
    return "a node: unattributed"


def _learned(scene: Scene) -> dict[str, dict[str, list[str]]]:
    """What each Route Server instance learned over each connection, asked for with the real client."""
    source = scene.assembly.source()
    api = scene.ports(source).route_server
    found: dict[str, dict[str, list[str]]] = {}
    for connection in api.connections():
        listing = api.start_learned_routes(str(connection["name"]))
        while listing.routes is None:
            scene.let_pass(1)
            listing = api.resume_learned_routes(listing.operation)
        found[str(connection["name"])] = {
            name: [str(one["network"]) for one in routes] for name, routes in listing.routes.items()
        }
    return found


def _open_everything(properties: dict[str, Any]) -> None:
    for collection in properties["ruleCollections"]:
        for rule in collection["rules"]:
            if collection["name"] == "tenant0-app":
                rule["targetFqdns"] = ["*"]


def _no_annotations(scene: Scene) -> dict[str, None]:
    with scene.world.lock:
        namespaces = scene.world.clusters["spoke1-aks"].api.objects("Namespace")
        default = next(one for one in namespaces if one["metadata"]["name"] == "default")
        return dict.fromkeys(
            key for key in default["metadata"]["annotations"] if key.startswith("egress.projectcalico.org/")
        )
