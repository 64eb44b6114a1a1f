"""Mistakes in firewall rules: what is in force, what is written, in which order."""

from __future__ import annotations

from mutants.mistake import Mistake

_PLAN = "function_app/planning/firewall_plan.py"
_RESOURCES = "function_app/planning/firewall_resources.py"
_WISH = "function_app/planning/firewall_wish.py"
_IN_FORCE = "function_app/planning/in_force.py"
_TRIALS = "function_app/planning/trials.py"
_PLACEMENT = "function_app/planning/placement.py"
_WHOLE = "function_app/planning/plan.py"
_FACTS = "function_app/planning/facts.py"
_STORIES = "tests/stories/test_firewall.py"
_RULES = "tests/stories/test_rules_in_time.py"
_UNIT = "tests/planning/test_firewall_plan.py"

FIREWALL = (
    Mistake(
        "failed-taken-for-applied",
        "A write that was accepted and then failed counts as done: the rules never come into force.",
        "6",
        _IN_FORCE,
        '    return provisioning_state(observed) != "Failed" and group_meaning(wanted) == group_meaning(observed)\n',
        "    return group_meaning(wanted) == group_meaning(observed)\n",
        (_STORIES,),
    ),
    Mistake(
        "updating-taken-for-in-force",
        "A shard still being written counts as in force: a namespace is pointed minutes before its rules hold.",
        "1",
        _IN_FORCE,
        '    return body if provisioning_state(body) == "Succeeded" else memory.in_force\n',
        "    return body\n",
        ("tests/stories/test_renumbering.py",),
    ),
    Mistake(
        "rules-in-force-forgotten",
        "While a shard is Updating nothing counts as in force: what was revoked is taken for gone while it still holds.",
        "2",
        _IN_FORCE,
        '    return body if provisioning_state(body) == "Succeeded" else memory.in_force\n',
        '    return body if provisioning_state(body) == "Succeeded" else None\n',
        (_UNIT,),
    ),
    Mistake(
        "second-write-while-one-runs",
        "Another merge during a four-minute write is sent at once, refused by Azure, and sent again in every pass.",
        "8",
        _PLAN,
        "changes = _one_at_a_time(candidates, busy=firewall.busy, forbidden=bool(unsuitable))",
        "changes = _one_at_a_time(candidates, busy=False, forbidden=bool(unsuitable))",
        (_RULES,),
    ),
    Mistake(
        "revocation-waits-its-turn",
        "What takes something away stands behind additions, minutes of firewall work each.",
        "5",
        _PLAN,
        "key=lambda one: (one.change.waits_for is not None, not one.takes_away, one.since, str(one.change.resource)),",
        "key=lambda one: (one.change.waits_for is not None, one.since, str(one.change.resource)),",
        (_UNIT,),
    ),
    Mistake(
        "oldest-wait-not-first",
        "Of many waiting shards always the first by name is written; the last one starves.",
        "6",
        _PLAN,
        "key=lambda one: (one.change.waits_for is not None, not one.takes_away, one.since, str(one.change.resource)),",
        "key=lambda one: (one.change.waits_for is not None, not one.takes_away, str(one.change.resource)),",
        (_UNIT,),
    ),
    Mistake(
        "refused-content-written-for-ever",
        "One bad rule fails its shard every time, and everybody else's changes with it.",
        "6",
        _TRIALS,
        "    while failures and failures.get(content_digest(target), 0) >= TRIES:\n",
        "    while failures and failures.get(content_digest(target), 0) >= 10**6:\n",
        ("tests/planning/test_trials.py",),
    ),
    Mistake(
        "revoked-rules-written-back",
        "While the culprit is searched the last good rules are written as they were, with what was revoked since.",
        "5",
        _TRIALS,
        "            slot: restrict(in_force.get(rules.tenant, TenantRules(rules.tenant)), rules)\n",
        "            slot: in_force.get(rules.tenant, TenantRules(rules.tenant))\n",
        ("tests/planning/test_trials.py",),
    ),
    Mistake(
        "backoff-ignored",
        "A content that the firewall refuses is sent again in every pass, and the policy is never free.",
        "6",
        _PLAN,
        "    return until if until is not None and now < until and failed else None\n",
        "    return None\n",
        (_UNIT,),
    ),
    Mistake(
        "block-behind-the-others",
        "A blocked tenant's network rules stand in front of its block, and win.",
        "5",
        _RESOURCES,
        '        "properties": {"priority": shards.priority.first, "ruleCollections": [collection]},\n',
        '        "properties": {"priority": shards.priority.last, "ruleCollections": [collection]},\n',
        (_RULES,),
    ),
    Mistake(
        "blocked-range-permitted-at-once",
        "A blocked tenant renumbers, and its new range is allowed before the block holds it.",
        "1",
        _WHOLE,
        "    wish = hold_back(wish, look.blocked_in_force, {} if look.obstructed else look.in_force)\n",
        "",
        (_RULES,),
    ),
    Mistake(
        "expired-rule-rendered",
        "A permission that should have ended goes on.",
        "5",
        _RESOURCES,
        "valid = [rule for rule in rules if rule.expires is None or date.fromisoformat(rule.expires) >= today]",
        "valid = list(rules)",
        (_RULES,),
    ),
    Mistake(
        "rules-without-a-source",
        "A tenant without a range has rules that name no source, which Azure refuses or applies to everybody.",
        "2",
        _RESOURCES,
        "    if not sources:\n        return TenantRules(tenant)\n",
        "",
        ("tests/planning/test_placement.py",),
    ),
    Mistake(
        "rules-of-the-removed-stay-unreadable",
        "A removed tenant whose cluster is down keeps its permissions for as long as it is down.",
        "5",
        _FACTS,
        "        return situation.now - generation.leaving_at < UNREADABLE_DELAY\n",
        "        return True\n",
        ("tests/stories/test_trouble.py",),
    ),
    Mistake(
        "foreign-groups-taken-for-shards",
        "A rule collection group of another team that is numbered like ours is rewritten and deleted.",
        "4",
        _RESOURCES,
        "    return int(number) if prefix == shards.prefix and len(number) == 3 and number.isdecimal() else None\n",
        "    return int(number) if len(number) == 3 and number.isdecimal() else None\n",
        ("tests/stories/test_other_peoples_things.py",),
    ),
    Mistake(
        "policy-managed-by-others-written",
        "A policy that Azure Firewall for Containers manages is written to, and refused, in every pass.",
        "7",
        _PLAN,
        '    if properties.get("afcManaged"):\n',
        "    if False:\n",
        (_UNIT,),
    ),
    Mistake(
        "moving-tenant-loses-its-rules",
        "A tenant that outgrows its shard loses its old rules minutes before the new shard has them.",
        "1",
        _PLACEMENT,
        "            if kept:\n                content[slot] = kept\n",
        "            if False:\n                content[slot] = TenantRules(rules.tenant)\n",
        ("tests/planning/test_placement.py",),
    ),
    Mistake(
        "shard-remembered-by-its-name",
        "In a warm process a shard stands as it was first read: what somebody edits in the portal is never undone.",
        "6",
        "function_app/planning/firewall_resources.py",
        "    return _read_shard(body) if body is not None else {}\n",
        "    known = read_shard.__dict__\n"
        '    return known.setdefault(str(body.get("name")), _read_shard(body)) if body is not None else {}\n',
        ("tests/stories/test_drift.py",),
    ),
    Mistake(
        "first-rules-taken-for-unknown",
        "One refused rule in a first installation holds up every tenant of its shard for ever and names nobody.",
        "6",
        _WHOLE,
        "        shards={**{name: ShardMemory(in_force=NOTHING) for name in created}, **situation.state.shards},\n",
        "",
        (_STORIES,),
    ),
    Mistake(
        "what-failed-is-forgotten-with-its-shard",
        "A shard that held refused rules alone is deleted and created again without end.",
        "6",
        _IN_FORCE,
        "        if name not in firewall.groups\n",
        '        if name == ""\n',
        (_UNIT, _STORIES),
    ),
    Mistake(
        "outage-blamed-on-tenants",
        "Azure fails for an hour during a first installation, and every tenant is told to correct its rules.",
        "6",
        _TRIALS,
        "    if culprits and not any(in_force or ()) and not any(target.values()):\n",
        "    if False:\n",
        ("tests/planning/test_trials.py",),
    ),
)
