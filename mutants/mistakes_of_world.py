"""Mistakes planted in the simulator alone: a judge that errs must be noticed as well."""

from __future__ import annotations

from mutants.mistake import Mistake

_EVALUATION = "simulator/model/azure/evaluation.py"
_POLICIES = "simulator/model/azure/policies.py"
_FABRIC = "simulator/model/bgp/fabric.py"
_FILTERS = "simulator/model/bgp/filters.py"
_GATEWAYS = "simulator/model/packets/gateways.py"
_STORIES = ("tests/stories/test_onboarding.py", "tests/stories/test_renumbering.py", "tests/stories/test_firewall.py")

WORLD = (
    Mistake(
        "world-wildcard-matching",
        "`*.payments.example` matches nothing but itself: rules look stricter than they are.",
        "world",
        _EVALUATION,
        '    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern\n',
        "    return name == pattern\n",
        _STORIES,
    ),
    Mistake(
        "world-wildcard-takes-the-parent-in",
        "`*.payments.example` matches `payments.example` too: rules look wider than they are.",
        "world",
        _EVALUATION,
        '    return name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern\n',
        '    return name.endswith(pattern[1:]) or name == pattern[2:] if pattern.startswith("*") else name == pattern\n',
        _STORIES,
    ),
    Mistake(
        "world-next-hop",
        "Route Server learns the gateway's node as next hop whether or not the peer keeps it.",
        "world",
        _FABRIC,
        "        if not peer.keep:\n",
        "        if False:\n",
        _STORIES,
    ),
    Mistake(
        "world-next-hop-lost",
        "Route Server learns the reflector as next hop though the peer keeps the original.",
        "world",
        _FABRIC,
        "        if not peer.keep:\n",
        "        if True:\n",
        _STORIES,
    ),
    Mistake(
        "world-filter-order",
        "The last matching rule of a filter wins: the final Reject stops everything.",
        "world",
        _FILTERS,
        "        for verdict, tests in self._rules:\n",
        "        for verdict, tests in reversed(self._rules):\n",
        _STORIES,
    ),
    Mistake(
        "world-missing-filter-rejects",
        "A missing or empty filter exports nothing: the dangerous case looks like the safe one.",
        "world",
        _FILTERS,
        "        return Verdict.UNDECIDED\n",
        "        return Verdict.REJECT\n",
        ("tests/simulator/network/test_export_filters.py",),
    ),
    Mistake(
        "world-application-rules-first",
        "Application rules are asked before network rules: a network Deny, our block, comes too late.",
        "world",
        _EVALUATION,
        "        for rule in network:\n            if rule.fits(connection, resolve):\n",
        "        for rule in network:\n"
        "            if rule.fits(connection, resolve) and not (\n"
        "                connection.application and any(one.fits(connection, resolve) for one in application)\n"
        "            ):\n",
        _STORIES,
    ),
    Mistake(
        "world-child-policy-first",
        "The tenants' policy is asked before its base policy, whose allows then seem to lose.",
        "world",
        _EVALUATION,
        'key=lambda each: (depth[each.policy], each.properties["priority"])',
        'key=lambda each: (-depth[each.policy], each.properties["priority"])',
        ("tests/simulator/azure/test_firewall_evaluation.py",),
    ),
    Mistake(
        "world-source-choice",
        "A packet through a gateway keeps the workload's address: tenants cannot be told apart.",
        "world",
        "simulator/model/packets/sending.py",
        "    source = address_outside(cluster, carrier)\n",
        "    source = address_outside(cluster, client)\n",
        _STORIES,
    ),
    Mistake(
        "world-snat-of-pools-ignored",
        "A pool with natOutgoing does not translate: a harmful edit looks harmless.",
        "world",
        _GATEWAYS,
        '    if pool is None or spec_of(pool).get("natOutgoing"):\n',
        "    if pool is None:\n",
        ("tests/simulator/network/test_packet_paths.py",),
    ),
    Mistake(
        "world-bare-selector-sees-all-namespaces",
        "A selector without a namespaceSelector finds gateways everywhere: half an annotation seems to be enough.",
        "world",
        _GATEWAYS,
        "    if not selector:\n        return {own}\n",
        '    if not selector:\n        return {own, *(name_of(each) for each in cluster.api.objects("Namespace"))}\n',
        ("tests/simulator/network/test_packet_paths.py",),
    ),
    Mistake(
        "world-serial-writes",
        "A policy takes any number of writes at once: a second PUT seems harmless.",
        "world",
        _POLICIES,
        "        if self._running is None:\n            return False\n",
        "        if self._running is None or True:\n            return False\n",
        (*_STORIES, "tests/simulator/azure/test_policy_writes.py"),
    ),
    Mistake(
        "world-failed-write-in-force",
        "A write whose operation failed is enforced all the same.",
        "world",
        _POLICIES,
        "        if not failed:\n            group.enforced = properties\n",
        "        if True:\n            group.enforced = properties\n",
        _STORIES,
    ),
    Mistake(
        "world-write-in-force-at-once",
        "A write is in force when it is accepted: waiting for four minutes seems needless.",
        "world",
        _POLICIES,
        "        group.shown, group.state = properties, State.UPDATING\n",
        "        group.shown, group.state, group.enforced = properties, State.UPDATING, properties\n"
        "        self.enforced_version += 1\n",
        _STORIES,
    ),
)
