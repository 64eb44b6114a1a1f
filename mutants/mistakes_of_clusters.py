"""Mistakes in what is written to clusters, in whose it is, and in taking things down."""

from __future__ import annotations

from mutants.mistake import Mistake

_RESOURCES = "function_app/planning/cluster_resources.py"
_SHARED = "function_app/planning/shared_plan.py"
_ORDER = "function_app/planning/order.py"
_TEARDOWN = "function_app/planning/teardown.py"
_KEEPING = "function_app/planning/keeping.py"
_OWNERSHIP = "function_app/planning/ownership.py"
_FACTS = "function_app/planning/facts.py"
_REMOVAL = "tests/stories/test_removal.py"
_LEFT_BEHIND = "tests/stories/test_left_behind.py"
_DRIFT = "tests/stories/test_drift.py"
_OTHERS = "tests/stories/test_other_peoples_things.py"

CLUSTERS = (
    Mistake(
        "filter-without-final-reject",
        "What no Accept matches is left to Calico's own export: pod ranges reach Azure, and every route is at stake.",
        "3",
        _RESOURCES,
        '    rules.append({"action": "Reject"})\n',
        "",
        (_DRIFT,),
    ),
    Mistake(
        "filter-accepts-what-is-no-egress-range",
        "A range outside the cluster's egress CIDR, a node subnet even, is announced to the whole hub.",
        "3",
        _SHARED,
        "ranges = [one.range for one in live if one.range.subnet_of(IPv4Network(facts.definition.spec.egress_cidr))]",
        "ranges = [one.range for one in live]",
        ("tests/stories/test_lost_ledger.py",),
    ),
    Mistake(
        "peer-before-its-filter",
        "After both were deleted the peer comes back first, and exports everything until its filter stands.",
        "3",
        _ORDER,
        "    Kind.BGP_FILTER: 0,\n    Kind.BGP_PEER: 1,\n",
        "    Kind.BGP_FILTER: 1,\n    Kind.BGP_PEER: 0,\n",
        (_DRIFT,),
    ),
    Mistake(
        "filter-entry-goes-before-the-pods",
        "The route of a gateway that still serves is withdrawn: its connections die before their time.",
        "1",
        _SHARED,
        "        generation.holding is Holding.HELD or bool(pods_left(facts, generation)) or _gateway_exists(facts, generation)\n",
        "        generation.holding is Holding.HELD\n",
        (_REMOVAL,),
    ),
    Mistake(
        "pool-translates-the-source",
        "Packets leave with the node's address: all tenants look alike at the firewall.",
        "2",
        _RESOURCES,
        '"natOutgoing": False,',
        '"natOutgoing": True,',
        ("tests/stories/test_onboarding.py",),
    ),
    Mistake(
        "next-hop-not-kept",
        "The route reflector names itself as next hop and draws all return traffic.",
        "1",
        _RESOURCES,
        '"keepOriginalNextHop": True,',
        '"keepOriginalNextHop": False,',
        ("tests/stories/test_onboarding.py",),
    ),
    Mistake(
        "second-peer-for-one-address",
        "Beside somebody else's BGPPeer for the same address a second one is added, and either may win.",
        "4",
        _SHARED,
        "        if rival is not None:\n",
        "        if False:\n",
        (_DRIFT,),
    ),
    Mistake(
        "gateway-goes-under-its-users",
        "The gateway is deleted while namespaces still point at it: their traffic is dropped.",
        "4",
        _TEARDOWN,
        "    if not gateway_may_go(situation, facts, generation):\n",
        "    if False:\n",
        (_REMOVAL,),
    ),
    Mistake(
        "teardown-reversed",
        "Pool and route go while gateway pods still run: their connections are lost, their addresses may be given to others.",
        "2",
        _TEARDOWN,
        "    if gateway_left or pods:\n",
        "    if False:\n",
        (_REMOVAL, _LEFT_BEHIND),
    ),
    Mistake(
        "terminating-pods-not-counted",
        "A gateway pod in its grace period still sends under a range that counts as free.",
        "2",
        _FACTS,
        "    return tuple(sorted(str(one) for one in own | bearing))\n",
        "    return tuple(sorted(str(one) for one in own | bearing if not facts.observed.resources[one].terminating))\n",
        (_LEFT_BEHIND,),
    ),
    Mistake(
        "address-blocks-not-looked-for",
        "A range counts as free while IPAM still has a block of it on some node.",
        "2",
        _TEARDOWN,
        "    elif blocks := blocks_left(facts, generation):\n",
        "    elif blocks := ():\n",
        (_LEFT_BEHIND,),
    ),
    Mistake(
        "learned-routes-not-looked-for",
        "A range counts as free while Azure still sends its packets to the former holder's nodes.",
        "2",
        _TEARDOWN,
        "    if known or known is None:\n",
        "    if False:\n",
        (_LEFT_BEHIND,),
    ),
    Mistake(
        "rules-in-force-not-looked-for",
        "A range counts as free while the firewall still allows it what its former holder was allowed.",
        "2",
        _TEARDOWN,
        "    if firewall is None or ranges_in_force(firewall, generation) or _rules_shown(situation, generation):\n",
        "    if firewall is None:\n",
        (_LEFT_BEHIND,),
    ),
    Mistake(
        "namespace-goes-with-foreign-content",
        "Somebody runs a pod of his own in the gateway's namespace; it is deleted with the tenant.",
        "4",
        _TEARDOWN,
        "    if tenants := _foreign_content(situation, facts, generation):\n",
        "    if tenants := ():\n",
        (_OTHERS,),
    ),
    Mistake(
        "delete-without-the-observed-uid",
        "An object that was made anew in between is deleted in place of the one that was read.",
        "4",
        _KEEPING,
        "    write = Delete(found.uid)\n",
        '    write = Delete("")\n',
        (_OTHERS,),
    ),
    Mistake(
        "force-on-foreign-objects",
        "An object of somebody else under one of our names is taken over by force.",
        "4",
        _KEEPING,
        "    if not ours(found, situation.hub.name, known):\n",
        "    if False:\n",
        (_DRIFT, "tests/stories/test_adoption.py"),
    ),
    Mistake(
        "labels-alone-make-it-ours",
        "Whoever copies a manifest with our labels finds his object changed and deleted.",
        "4",
        _OWNERSHIP,
        "    if FIELD_MANAGER not in managers(resource):\n",
        "    if False:\n",
        (_OTHERS,),
    ),
    Mistake(
        "unknown-generation-taken-for-ours",
        "Objects of a generation that the ledger does not know are changed and deleted.",
        "4",
        _OWNERSHIP,
        'return resource.id.kind in _WITHOUT_GENERATION or GenerationId(labels.get(GENERATION_LABEL, "")) in generations',
        "return True",
        (_OTHERS,),
    ),
    Mistake(
        "shared-list-written-over-a-newer-one",
        "Two passes at once: the late one writes the filter from what it read, and the other one's Accept is gone.",
        "9",
        _KEEPING,
        '    return found.resource_version if found.id.kind is Kind.BGP_FILTER else ""\n',
        '    return ""\n',
        ("tests/stories/test_two_at_once.py",),
    ),
    Mistake(
        "fixed-fields-written-all-the-same",
        "A pool whose block size differs is written again in every pass, and refused every time, in silence.",
        "6",
        _KEEPING,
        "    fixed = [path for path in changed if path in _IMMUTABLE.get(wanted.id.kind, ())]\n",
        "    fixed = list[str]()\n",
        ("tests/planning/test_keeping.py",),
    ),
    Mistake(
        "drift-corrected-where-only-a-report-was-asked",
        "An organisation that wants to look first finds its clusters changed.",
        "4",
        _KEEPING,
        "    return WaitsFor.PERSON if reason is ChangeReason.DRIFT and not situation.corrects_drift(cluster) else None\n",
        "    return None\n",
        (_DRIFT,),
    ),
)
