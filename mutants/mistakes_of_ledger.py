"""Mistakes in who holds which range, and in what an unreadable or lost thing means."""

from __future__ import annotations

from mutants.mistake import Mistake

_GENERATIONS = "function_app/planning/generations.py"
_CLAIMS = "function_app/planning/claims.py"
_REBUILDING = "function_app/planning/rebuilding.py"
_PLAN = "function_app/planning/plan.py"
_LIMITS = "function_app/planning/limits.py"
_OBSERVING = "function_app/observing.py"
_RECONCILE = "function_app/reconcile.py"
_RENUMBERING = "tests/stories/test_renumbering.py"
_REMOVAL = "tests/stories/test_removal.py"
_TROUBLE = "tests/stories/test_trouble.py"
_HOLDING = "tests/stories/test_holding.py"
_LOST = "tests/stories/test_lost_ledger.py"
_UNREADABLE = "tests/stories/test_unreadable.py"

LEDGER = (
    Mistake(
        "quarantine-ignored",
        "A freed range goes to somebody else at once: logs and caches of a day name the wrong tenant.",
        "2",
        _CLAIMS,
        "            if not own_again and self._situation.now < until:\n",
        "            if False:\n",
        (_RENUMBERING,),
    ),
    Mistake(
        "leaving-holder-ignored",
        "A range is given out while its former holder's pods and rules are still there.",
        "2",
        _CLAIMS,
        "            if other.holding is Holding.ENDED:\n",
        "            if other.holding in (Holding.ENDED, Holding.LEAVING):\n",
        ("tests/stories/test_left_behind.py",),
    ),
    Mistake(
        "foreign-pool-ignored",
        "A range is given out that somebody else's IPPool already uses.",
        "2",
        _CLAIMS,
        "        return self._claimed(defined) or self._occupied(defined)\n",
        "        return self._claimed(defined)\n",
        ("tests/stories/test_drift.py",),
    ),
    Mistake(
        "drain-ignored",
        "The old gateway goes in the pass after the switch, with all connections that are still open through it.",
        "1",
        _GENERATIONS,
        "            if not old.switched_at or (carries_all and situation.now - switched >= situation.drain):\n",
        "            if not old.switched_at or carries_all:\n",
        (_RENUMBERING,),
    ),
    Mistake(
        "removals-without-limit",
        "An emptied folder takes every tenant of a hub off the network.",
        "7",
        _GENERATIONS,
        "    if removals_waived or not (everything or too_many):\n",
        "    if True:\n",
        (_REMOVAL,),
    ),
    Mistake(
        "waiver-of-another-plan-counts",
        "Somebody's permission of last month lets today's accident through.",
        "7",
        _PLAN,
        "        one.subject == plan_id and one.code == RefusalCode.REMOVALS for one in situation.active(DecisionKind.WAIVER)\n",
        "        one.code == RefusalCode.REMOVALS for one in situation.active(DecisionKind.WAIVER)\n",
        (_REMOVAL,),
    ),
    Mistake(
        "removal-while-the-tree-is-in-doubt",
        "A rewound or unreadable history reads as the removal of a tenant.",
        "5",
        _GENERATIONS,
        "    if situation.hub.doubt or not undefined:\n",
        "    if not undefined:\n",
        (_HOLDING,),
    ),
    Mistake(
        "routes-without-limit",
        "One gateway too many and Azure drops the BGP session for every tenant of the cluster.",
        "7",
        _LIMITS,
        "    if standing + more <= limit:\n",
        "    if True:\n",
        ("tests/planning/test_limits.py",),
    ),
    Mistake(
        "prune-on-unreadable",
        "A kind that cannot be listed reads as none of it: what stands is made again, what goes counts as gone.",
        "5",
        _OBSERVING,
        "    listed = each(lambda kind: _listed(api, mode, kind), (*_SELECTED, *_WHOLE, *sorted(_PREREQUISITES)))\n",
        "    def quietly(kind: Kind) -> Iterable[Body]:\n"
        "        try:\n            return _listed(api, mode, kind)\n"
        "        except Exception:\n            if kind not in _WHOLE:\n                raise\n            return ()\n\n"
        "    listed = each(quietly, (*_SELECTED, *_WHOLE, *sorted(_PREREQUISITES)))\n",
        (_UNREADABLE,),
    ),
    Mistake(
        "unreadable-cluster-counts-as-cleared",
        "A cluster that is away for a moment lets the ranges of its leaving tenants go free.",
        "2, 5",
        _PLAN,
        "            situation.cluster(name) is None\n            and situation.forgotten(name)\n",
        "            situation.cluster(name) is None\n",
        (_UNREADABLE,),
    ),
    Mistake(
        "lost-ledger-taken-for-a-new-hub",
        "After a lost disk every range is given out afresh, over whoever still has it.",
        "5",
        _REBUILDING,
        "    marked = bool(drafts) or bool(rebuilt) or _shards_exist(situation)\n",
        "    marked = False\n",
        (_TROUBLE,),
    ),
    Mistake(
        "new-hub-declared-with-targets-unread",
        "With an empty ledger and a cluster that cannot be read, ranges are given out that it may already carry.",
        "5",
        _REBUILDING,
        '        return LedgerVerdict((), give_out=not unread, note=words if unread else "")\n',
        '        return LedgerVerdict((), give_out=True, note=words if unread else "")\n',
        (_LOST,),
    ),
    Mistake(
        "rebuilt-ledger-gives-out-at-once",
        "What a lost ledger knew of quarantines is gone, and ranges are given out before they can have ended.",
        "5",
        _REBUILDING,
        "    over = not drafts and not unread and situation.now >= until\n",
        "    over = not drafts and not unread\n",
        (_TROUBLE,),
    ),
    Mistake(
        "unreadable-ledger-taken-for-empty",
        "A damaged line in the ledger and the whole hub is decided as if nobody held anything.",
        "5",
        _RECONCILE,
        "        return make_revocation_plan(self.situation, self.broken) if self.broken else make_plan(self.situation)\n",
        "        return make_plan(self.situation)\n",
        (_TROUBLE,),
    ),
    Mistake(
        "additions-without-a-ledger",
        "While the ledger cannot be read, new rules go out for ranges that nobody can vouch for.",
        "5",
        "function_app/planning/firewall_wish.py",
        "    return less(found, _as_admitted(situation, tenant, given))\n",
        "    return _as_admitted(situation, tenant, given)\n",
        (_TROUBLE,),
    ),
    Mistake(
        "another-cluster-under-the-name",
        "A kubeconfig that now leads elsewhere has a stranger's cluster equipped with our gateways.",
        "4",
        _PLAN,
        "    if known is None or known == facts.observed.identity or situation.forgotten(facts.name):\n",
        "    if True:\n",
        (_UNREADABLE,),
    ),
    Mistake(
        "gateway-made-again-in-a-strangers-namespace",
        "With ledger and gateway lost, a gateway is to be made again in a namespace of somebody else, and waits for it for ever.",
        "6",
        "function_app/planning/rebuilding.py",
        "    if is_mine.get(apart, False) or not is_mine.get(namespace, True):\n",
        "    if is_mine.get(apart, False):\n",
        ("tests/stories/test_adoption.py",),
    ),
)
