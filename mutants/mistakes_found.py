"""Mistakes that once stood in our rules and that only the search found."""

from __future__ import annotations

from mutants.mistake import Mistake

_FOUND = "tests/stories/test_found_by_search.py"
_LOST = "tests/stories/test_lost_ledger.py"

FOUND = (
    Mistake(
        "forgotten-pods-ignored",
        "Ledger and pool are lost, and a range is given out under pods that still bear its addresses.",
        "2",
        "function_app/planning/claims.py",
        "        return None if taken_over else self._in_use(defined)\n",
        "        return None\n",
        (_LOST,),
    ),
    Mistake(
        "gateway-without-pool-forgotten",
        "With the ledger lost, a gateway whose pool somebody deleted is nobody's, and its tenant loses its rules.",
        "5",
        "function_app/planning/rebuilding.py",
        "        for bearer in (*cluster.of(Kind.IP_POOL), *cluster.of(Kind.EGRESS_GATEWAY))\n",
        "        for bearer in cluster.of(Kind.IP_POOL)\n",
        (_LOST,),
    ),
    Mistake(
        "file-with-a-mistake-cannot-bring-back",
        "A tenant is wanted again, in a file with a mistake under another name, and is removed all the same.",
        "5",
        "function_app/planning/generations.py",
        "        and not any(held.may_define(one.key.tenant) for held in situation.hub.held)\n",
        "",
        ("tests/stories/test_holding.py",),
    ),
    Mistake(
        "rules-being-taken-out-permit",
        "A namespace is pointed at a range whose rules the running write takes out: denied a minute later.",
        "1",
        "function_app/planning/in_force.py",
        "            staying = rules.sources() & shown.get(rules.tenant, frozenset())\n",
        "            staying = rules.sources()\n",
        (_FOUND,),
    ),
    Mistake(
        "hidden-success-forgotten",
        "Somebody's failed write hides that ours got in, and a range is free while its rules stand.",
        "2",
        "function_app/planning/teardown.py",
        "        or cidr in memory.possible\n",
        "",
        (_FOUND,),
    ),
    Mistake(
        "waits-handed-on-together",
        "A range whose drain ends by time is looked at no more, since another of its tenant waits for a person.",
        "6",
        "function_app/planning/behind.py",
        "        if what in row.waiting_for and all(way & stuck for way in ways)\n",
        "        if what in row.waiting_for and any(way & stuck for way in ways)\n",
        ("tests/planning/test_behind.py",),
    ),
    Mistake(
        "connection-that-cannot-come-is-waited-for",
        "While somebody's AS number stands, a dead node's connection waits for one that no pass makes, for ever.",
        "6",
        "function_app/planning/connections.py",
        "    return not _guarded(situation, facts) and not mended\n",
        "    return False\n",
        (_FOUND,),
    ),
    Mistake(
        "refusals-on-the-one-before-unseen",
        "While something is refused on the first cluster, the one after it is looked at every fifteen seconds, for ever.",
        "6",
        "function_app/planning/settling.py",
        "for one in plan.refused if _is_on(one, target))\n    for row",
        "for one in plan.refused[:0] if _is_on(one, target))\n    for row",
        ("tests/stories/test_rollout.py",),
    ),
    Mistake(
        "reported-drift-of-a-namespace-looked-at-for-ever",
        "Where drift is only reported, a namespace led elsewhere is said to be pointed now, pass after pass.",
        "6",
        "function_app/planning/pointing.py",
        "        if change.waits_for is WaitsFor.PERSON:\n",
        "        if change.waits_for is WaitsFor.FABRIC:\n",
        ("tests/stories/test_drift.py",),
    ),
    Mistake(
        "pool-made-under-somebody-elses",
        "Our pool is asked for over somebody else's, refused or never to give an address, in every pass, and nobody names his.",
        "6",
        "function_app/planning/cluster_plan.py",
        "        if theirs:\n",
        "        if False:\n",
        (_FOUND,),
    ),
    Mistake(
        "pool-kept-from-allocating-looked-at-for-ever",
        "Somebody else's pool came first and ours can never be allocated from: passes go on for ever and wait for no person.",
        "6",
        "function_app/planning/stages.py",
        '        met=False, detail=f"{words}: {overlap_words(generation, theirs)}", person=True, evidence_at=cluster.at\n',
        '        met=False, detail=f"{words}: {overlap_words(generation, theirs)}", evidence_at=cluster.at\n',
        ("tests/stories/test_other_peoples_things.py",),
    ),
    Mistake(
        "what-builds-on-a-persons-turn-looked-at-for-ever",
        "A pool waits for a person, and the gateway that draws its addresses from it is looked at every ten seconds, for ever.",
        "6",
        "function_app/planning/attachment_states.py",
        "(one.person or name in withheld)",
        "(name in withheld)",
        ("tests/stories/test_other_peoples_things.py",),
    ),
)
