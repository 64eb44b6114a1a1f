"""Actions of each sort, with arguments by chance and an eye on what there is."""

from __future__ import annotations

from random import Random
from typing import Any

from search.actions import Action
from search.commits import SITE_SETS
from search.git_host import MANNERS
from search.history import History
from search.worlds import BELOW, CLUSTERS, HUB, NAMESPACES, OVERLAPPING, PACES, SITES, SLOTS, TENANTS, WILDCARD

_TARGETS = ("cluster/spoke1", "cluster/spoke2", "firewall/hub1", "route-server/hub1", "*")
_BREAKING = (
    "refuse",
    "timeout-before",
    "timeout-after",
    "cut",
    "html",
    "empty-object",
    "truncated",
    "slow",
    "unreachable",
    "crash-before",
    "crash-after",
)
_STATUSES = (401, 403, 404, 409, 422, 429, 500, 503)
_DAYS = (-1, 0, 0, 0, 1)
_SHARDS = ("egress-000", "egress-001", "egress-block", "theirs")


# --- Git ----------------------------------------------------------------------------------------------------------


def _known(random: Random, history: History) -> str:
    return random.choice(tuple(history.files) or TENANTS)


def _place(random: Random, history: History, tenant: str) -> str:
    file = history.files.get(tenant)
    return random.choice([one.cluster for one in file.places] if file is not None else CLUSTERS)


def _slot(random: Random) -> int:
    return OVERLAPPING if random.random() < 0.08 else random.randrange(SLOTS)


def _some(random: Random) -> tuple[str, ...]:
    return tuple(sorted(random.sample(NAMESPACES, random.choice((1, 1, 1, 2)))))


def add(random: Random, history: History) -> Action:
    """A tenant that comes, or one that takes over what was made by hand."""
    missing = [name for name in TENANTS if name not in history.files] or TENANTS
    if random.random() < 0.15:
        standing = [one for one in history.made_by_hand if one[1] in missing]
        cluster, tenant, slot = random.choice(
            standing or [(random.choice(CLUSTERS), random.choice(missing), _slot(random))]
        )
        return Action("adopt", (tenant, cluster, slot, _some(random), random.choice(SITE_SETS)))
    arguments = (
        random.choice(missing),
        random.choice(CLUSTERS),
        _slot(random),
        _some(random),
        random.choice(SITE_SETS),
    )
    return Action("add", arguments)


def moving(random: Random, history: History) -> Action:
    """What stands by hand is taken over, in whatever order."""
    waiting = [one for one in history.made_by_hand if one[1] not in history.files]
    if not waiting or random.random() < 0.4:
        return Action("take_over", (random.choice(CLUSTERS), random.random() < 0.9))
    cluster, tenant, slot = random.choice(waiting)
    home = "alpha" if tenant == "t0" else "beta"
    return Action(
        "adopt", (tenant, cluster, slot, (home,) if random.random() < 0.7 else _some(random), random.choice(SITE_SETS))
    )


def remove(random: Random, history: History) -> Action:
    """A tenant that goes."""
    return Action("remove", (_known(random, history),))


def renumber(random: Random, history: History) -> Action:
    """Another range."""
    tenant = _known(random, history)
    return Action("renumber", (tenant, _place(random, history, tenant), _slot(random)))


def places(random: Random, history: History) -> Action:
    """Another cluster, or other namespaces."""
    tenant = _known(random, history)
    kind = random.choice(("attach", "detach", "claim", "claim"))
    if kind == "attach":
        return Action(kind, (tenant, random.choice(CLUSTERS), _slot(random), _some(random)))
    cluster = _place(random, history, tenant)
    return Action(kind, (tenant, cluster) if kind == "detach" else (tenant, cluster, _some(random)))


def rules(random: Random, history: History) -> Action:
    """Other rules, or an end of one."""
    if random.random() < 0.25:
        return Action("end_rule", (_known(random, history), random.choice(_DAYS)))
    arguments = (_known(random, history), random.choice(SITE_SETS), random.random() < 0.3, random.random() < 0.3)
    return Action("allow", arguments)


def shape(random: Random, history: History) -> Action:
    """Replicas, bypass, onRemoval."""
    arguments = (
        _known(random, history),
        random.choice((1, 2, 2, 3)),
        random.random() < 0.3,
        random.random() < 0.4,
    )
    return Action("shape", arguments)


def broken(random: Random, history: History) -> Action:
    """A file that cannot be parsed, or is repaired."""
    tenant = _known(random, history)
    if history.broken and random.random() < 0.5:
        tenant = random.choice(sorted(history.broken))
        return Action("rename_back" if tenant in history.renamed else "repair", (tenant,))
    kind = random.choice(("break_file", "break_file", "rename", "repair", "rename_back"))
    return Action(kind, (tenant, random.choice(("markers", "unknown", "empty"))) if kind == "break_file" else (tenant,))


def tree(random: Random, history: History) -> Action:
    """Many files at once."""
    del history
    kind = random.choice(("empty_tree", "empty_tenants", "rewind", "rewind", "restore", "restore", "swap"))
    if kind in ("rewind", "restore"):
        return Action(kind, (random.choice((1, 1, 2, 3)),))
    if kind == "swap":
        one, other = random.sample(TENANTS, 2)
        return Action(kind, (one, other, random.choice(CLUSTERS)))
    return Action(kind)


def shared(random: Random, history: History) -> Action:
    """What tenants share."""
    del history
    return random.choice(
        (
            Action("share", (random.choice(SITES),)),
            Action("share", (random.choice((*SITES, WILDCARD, BELOW)),)),
            Action("lend", (random.choice((*SITES, WILDCARD, BELOW)), random.choice(_DAYS))),
            Action("guard", (random.random() < 0.6,)),
            Action("drift", (random.choice(CLUSTERS), random.choice(("correct", "correct", "report")))),
            Action("take_over", (random.choice(CLUSTERS), random.random() < 0.8)),
            Action("pace", (random.choice(CLUSTERS), random.choice(PACES))),
        )
    )


# --- people -------------------------------------------------------------------------------------------------------

_FILTER_EDITS: tuple[dict[str, Any], ...] = (
    {"exportV4": [{"action": "Accept"}]},
    {"exportV4": []},
    {"exportV4": [{"action": "Reject"}]},
)
_PEER_EDITS: tuple[dict[str, Any], ...] = (
    {"filters": []},
    {"keepOriginalNextHop": False},
    {"asNumber": 65000},
    {"reachableBy": None},
)
_PART_EDITS = (
    ("IPPool", {"natOutgoing": True}),
    ("IPPool", {"disabled": True}),
    ("EgressGateway", {"replicas": 0}),
    ("EgressGateway", {"replicas": 1}),
    ("EgressGateway", {"replicas": 4}),
)
_FOUGHT_OVER: tuple[tuple[bool, str, dict[str, Any]], ...] = (
    (False, "IPPool", {"natOutgoing": True}),
    (False, "EgressGateway", {"replicas": 1}),
    (True, "BGPFilter", {"exportV4": [{"action": "Reject"}]}),
    (True, "BGPPeer", {"keepOriginalNextHop": False}),
    (True, "FelixConfiguration", {"egressIPSupport": "Disabled"}),
)
_PARTS = ("IPPool", "EgressGateway", "PodDisruptionBudget", "EgressGatewayPolicy")


def on_cluster(random: Random, history: History) -> Action:
    """People on a cluster."""
    cluster, tenant, namespace = random.choice(CLUSTERS), _known(random, history), random.choice(NAMESPACES)
    kind, spec = random.choice(_PART_EDITS)
    peer = random.choice(("azure-route-server-a", "azure-route-server-b"))
    switch = random.choice(("Disabled", "EnabledPerNamespaceOrPerPod", "EnabledPerNamespace"))
    keys = random.choice(((), (), ("egress.projectcalico.org/namespaceSelector",)))
    return random.choice(
        (
            Action("delete_part", (cluster, random.choice(_PARTS), tenant)),
            Action("delete_part", (cluster, random.choice(_PARTS), tenant)),
            Action("edit_part", (cluster, kind, tenant, spec)),
            Action("edit_part", (cluster, kind, tenant, spec)),
            Action("unlabel", (cluster, random.choice(_PARTS), tenant)),
            Action("delete_shared", (cluster, "BGPFilter", "export-egress-ips")),
            Action("delete_shared", (cluster, "BGPPeer", peer)),
            Action("edit_shared", (cluster, "BGPFilter", "export-egress-ips", random.choice(_FILTER_EDITS))),
            Action("edit_shared", (cluster, "BGPPeer", peer, random.choice(_PEER_EDITS))),
            Action("edit_shared", (cluster, "FelixConfiguration", "default", {"egressIPSupport": switch})),
            Action("unannotate", (cluster, namespace, keys)),
            Action("unannotate", (cluster, namespace, keys)),
            Action("annotate", (cluster, namespace, random.choice(TENANTS))),
            Action("remake_namespace", (cluster, namespace)),
            Action("delete_home", (cluster, tenant)),
            Action("note_secret", (cluster, namespace)),
        )
    )


def on_firewall(random: Random, history: History) -> Action:
    """People in the portal."""
    del history
    shard = random.choice(_SHARDS)
    return random.choice(
        (
            Action("portal_opens", (shard,)),
            Action("portal_empties", (shard,)),
            Action("portal_deletes", (shard,)),
            Action("portal_adds", (random.choice((1000, 1001, 1002, 5000)),)),
        )
    )


def foreign(random: Random, history: History) -> Action:
    """Strangers, second controllers, what was made by hand."""
    cluster, tenant = random.choice(CLUSTERS), random.choice(TENANTS)
    slot = random.randrange(SLOTS)
    twin = random.choice((("Namespace", f"{tenant}-egw"), ("BGPFilter", "export-egress-ips")))
    missing = [name for name in TENANTS if name not in history.files] or TENANTS
    shared, kind, spec = random.choice(_FOUGHT_OVER)
    return random.choice(
        (
            Action("by_hand", (cluster, random.choice(missing), slot, random.choice(NAMESPACES))),
            Action("rival", (cluster, kind, "" if shared else tenant, spec, random.choice((3, 10, 40)))),
            Action("rival", (cluster, kind, "" if shared else tenant, spec, random.choice((3, 10, 40)))),
            Action("foreign_pool", (cluster, slot, random.random() < 0.5)),
            Action("foreign_pool_gone", (cluster, slot)),
            Action("foreign_user", (cluster, tenant)),
            Action("foreign_user", (cluster, tenant)),
            Action("foreign_user_gone", (cluster,)),
            Action("foreign_guest", (cluster, tenant)),
            Action("foreign_peer", (cluster,)),
            Action("foreign_peer_gone", (cluster,)),
            Action("peer_by_hand", (cluster, random.random() < 0.5)),
            Action("foreign_twin", (cluster, tenant, *twin)),
        )
    )


def node(random: Random, history: History) -> Action:
    """Nodes."""
    del history
    cluster, which = random.choice(CLUSTERS), random.randrange(3)
    return random.choice(
        (
            Action("replace_node", (cluster, which)),
            Action("replace_node", (cluster, which)),
            Action("cordon", (cluster, which, True)),
            Action("silence_node", (cluster, which)),
            Action("wake_nodes", (cluster,)),
        )
    )


def gateway(random: Random, history: History) -> Action:
    """Gateway pods."""
    cluster, tenant = random.choice(CLUSTERS), _known(random, history)
    kind = random.choice(("fail_gateways", "crash_gateways", "heal_gateways"))
    return Action(kind, (cluster, tenant))


# --- what fails ---------------------------------------------------------------------------------------------------


def azure(random: Random, history: History) -> Action:
    """Azure's operations."""
    del history
    refusals = ("AnotherOperationInProgress", "RetryableErrorDueToAnotherOperation", "FirewallPolicyUpdateFailed")
    return random.choice(
        (
            Action("fail_operations", (random.choice((1, 1, 2, 3)), random.random() < 0.5)),
            Action("fail_operations", (random.choice((1, 1, 2, 3)), random.random() < 0.5)),
            Action("refuse_content", (random.choice((*SITES, BELOW)),)),
            Action("accept_content"),
            Action("occupy", (random.choice((30, 200, 900)), random.random() < 0.5, random.choice(refusals))),
            Action("throttle", (random.choice(("reads", "writes", "deletes")),)),
        )
    )


def trouble(random: Random, history: History) -> Action:
    """Faults on calls."""
    if history.desk.world.faults.pending() and random.random() < 0.4:
        return Action("clear_trouble")
    if random.random() < 0.12:
        return Action("calico_down")
    if random.random() < 0.1:
        return Action("die_between", (random.choice(CLUSTERS), random.choice((1, 2))))
    target = random.choice(_TARGETS)
    status = random.choice(_STATUSES)
    if random.random() < 0.2:
        return Action("trouble", (random.choice(_TARGETS[:4]), "*", "*", "timeout-before", 1, 0, status))
    verb = random.choice(("*", "*", "apply", "patch", "delete", "put", "list"))
    nth = random.randrange(1, 50) if verb == "*" else random.randrange(1, 4)
    return Action("trouble", (target, verb, "*", random.choice(_BREAKING), nth, random.choice((1, 1, 1, 3)), status))


def memory(random: Random, history: History) -> Action:
    """Ledger and state."""
    if history.ledger.unreadable and random.random() < 0.6:
        return Action("restore_ledger")
    return random.choice(
        (
            Action("lose_ledger", (random.random() < 0.5,)),
            Action("lose_state"),
            Action("damage_ledger"),
            Action("die_in_ledger", (random.choice(("before", "after")),)),
            Action("die_in_ledger", (random.choice(("before", "after")),)),
            Action("die_in_state"),
        )
    )


def decision(random: Random, history: History) -> Action:
    """What operators decide."""
    tenant, cluster = _known(random, history), random.choice(CLUSTERS)
    scope = random.choice((f"tenant/{tenant}", f"tenant/{tenant}", f"cluster/{cluster}", f"hub/{HUB}"))
    return random.choice(
        (
            Action("block", (tenant,)),
            Action("block", (tenant,)),
            Action("unblock", (tenant,)),
            Action("unblock", (tenant,)),
            Action("waive"),
            Action("forget", (cluster,)),
            Action("remember", (cluster,)),
            Action("suspend", (scope, random.choice((60, 600, 7200)))),
            Action("suspend", (scope, random.choice((60, 600, 7200)))),
            Action("resume", (scope,)),
        )
    )


def approval(random: Random, history: History) -> Action:
    """What becomes of pull requests, and what happens around them."""
    del history
    manner = Action("reviewed_so", (random.choice(MANNERS),))
    return random.choice(
        (
            manner,
            manner,
            manner,
            Action("approve_late", (random.choice((1, 1, 3)),)),
            Action("take_back"),
            Action("host_down", (random.random() < 0.6,)),
            Action("deny", (random.choice((*SITES, BELOW)),)),
            Action("allow_again"),
        )
    )


def time(random: Random, history: History) -> Action:
    """Nothing but time; to midnight rather when a rule ends then."""
    today = history.desk.world.clock.now().date()
    near = any(file.ends is not None and file.ends >= today for file in history.files.values())
    if random.random() < (0.4 if near else 0.05):
        return Action("midnight", (random.choice((-30, -3, 1, 30)),))
    return Action("wait", (random.choice((1, 2, 3, 5, 10, 20, 60, 61, 120, 400, 700, 4000, 90000)),))


def run(random: Random, history: History) -> Action:
    """A pass."""
    del random, history
    return Action("run")


def follow(random: Random, history: History) -> Action:
    """Some passes."""
    del history
    return Action("follow", (random.choice((2, 3, 5, 8, 14)),))


def two(random: Random, history: History) -> Action:
    """A pass that others overtake."""
    del history
    return Action("overtake", (random.randrange(1, 130), random.choice((20, 61, 61, 130)), random.choice((1, 2, 3))))


def amid(random: Random, history: History) -> Action:
    """Git, people or faults in the middle of a pass."""
    makers = [remove, renumber, places, rules, decision, azure]
    if history.lasting or history.judge.packets.disturbed["spoke1"]:
        makers += [on_cluster, on_firewall, node, gateway]
    return Action("amid", (random.randrange(1, 130), random.choice(makers)(random, history)))
