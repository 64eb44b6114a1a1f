"""Mistakes in what of Git is taken up, and when."""

from __future__ import annotations

from mutants.mistake import Mistake

_ADMISSION = "function_app/planning/admission.py"
_LYING_IN = "function_app/planning/lying_in.py"
_WISH = "function_app/planning/firewall_wish.py"
_SUSPENSION = "function_app/planning/suspension.py"
_WINDOWS = "function_app/planning/windows.py"
_ROLLOUT = "function_app/planning/rollout.py"
_ADMITTING = "function_app/admitting.py"
_TAKING_UP = "tests/planning/test_taking_up.py"
_CLOCKS = "tests/planning/test_windows.py"
_SUSPENDED = "tests/stories/test_suspended.py"
_CHANGE_WINDOWS = "tests/stories/test_change_windows.py"
_IN_ORDER = "tests/stories/test_rollout.py"

ADMISSION = (
    Mistake(
        "revocation-waits-for-its-turn",
        "While a tenant is suspended or a window is closed, what a commit takes away stays allowed until it opens.",
        "5",
        _ADMISSION,
        "return both_allow(self.standing.rules_of(key) or () if key in self.standing.attachments else (), newer or ())",
        "return both_allow(*[self.standing.rules_of(key) or () if key in self.standing.attachments else ()] * 2)",
        (_TAKING_UP, _SUSPENDED),
    ),
    Mistake(
        "grant-before-its-turn",
        "A suspended tenant gets the newest rules all the same: only its gateway stands still.",
        "2",
        _WISH,
        "    apart = sorted({key for key, _ in given if key in situation.hub.narrowed})\n",
        "    apart = list[AttachmentKey]()\n",
        (_SUSPENDED, _CHANGE_WINDOWS),
    ),
    Mistake(
        "narrower-range-taken-for-another",
        "A rule that a commit narrows to a part of its range goes altogether until the commit is taken up: an outage.",
        "5",
        _LYING_IN,
        "    elif addresses_lie_in(other.lower(), one.lower()):\n        yield other\n",
        "    elif addresses_lie_in(other.lower(), one.lower()):\n        return\n",
        (_TAKING_UP,),
    ),
    Mistake(
        "namespace-of-a-deferred-tenant-given-away",
        "A suspended tenant keeps a namespace that its newer version gives up, and another tenant is given it as well.",
        "4",
        _ADMISSION,
        "            if holder is not None:\n",
        "            if holder is None:\n",
        (_TAKING_UP, _SUSPENDED),
    ),
    Mistake(
        "never-admitted-forgotten",
        "What was never taken up counts as taken up from the second pass on: a new tenant is given everything though it waits.",
        "6",
        _ADMISSION,
        "        standing={str(part): in_force.commit_to_keep(part) for part in verdict.deferred},\n",
        "        standing={str(part): found for part in verdict.deferred if (found := in_force.commit_to_keep(part))},\n",
        (_CHANGE_WINDOWS,),
    ),
    Mistake(
        "lost-state-gives-everything",
        "State is lost while a tenant is suspended, and its newest definition is taken up because nobody remembers another.",
        "5",
        _ADMITTING,
        "    if may_be_taken_up(asked):\n",
        "    if may_be_taken_up(asked) or not asked.state.standing:\n",
        (_SUSPENDED,),
    ),
    Mistake(
        "drift-undone-while-suspended",
        "Somebody works on a gateway by hand, has suspended the tenant for it, and every pass undoes the work.",
        "told",
        _SUSPENSION,
        "    return bool(tenants) and all(",
        "    return False and all(",
        (_SUSPENDED,),
    ),
    Mistake(
        "suspended-rules-put-back",
        "A rule that somebody took out of the firewall during an incident is put back, although the tenant is suspended.",
        "told",
        _WISH,
        "for key, cidr in given if situation.suspended(key.cluster, tenant)} - unasked\n",
        "for key, cidr in given if False} - unasked\n",
        (_SUSPENDED,),
    ),
    Mistake(
        "window-opens-twice",
        "On the night on which clocks are put back, a window of an hour is open for two.",
        "told",
        _WINDOWS,
        "    shown = datetime.combine(day, time.fromisoformat(text), tzinfo=zone)\n",
        "    shown = datetime.combine(day, time.fromisoformat(text), tzinfo=zone).replace(fold=1)\n",
        (_CLOCKS,),
    ),
    Mistake(
        "window-over-midnight-never-open",
        "A window from 22:00 to 04:00 is never open, and no commit is ever taken up.",
        "6",
        _WINDOWS,
        "day + _DAY if overnight else day",
        "day",
        (_CLOCKS,),
    ),
    Mistake(
        "rollout-without-rest",
        "The second cluster follows as soon as the first has a commit: nobody had time to see what it does.",
        "told",
        _ROLLOUT,
        "    until = since + rollout.rest\n",
        "    until = since\n",
        (_IN_ORDER,),
    ),
    Mistake(
        "rollout-on-an-older-commit",
        "A hub at rest with the commit before counts as at rest with this one: the order of rollout is no order.",
        "told",
        _ROLLOUT,
        "    if rest is not None and rest.commit == asked.hub.commit:\n",
        "    if rest is not None:\n",
        (_IN_ORDER,),
    ),
    Mistake(
        "open-filter-held-still",
        "All tenants of a cluster are suspended, and a filter that somebody opened stays open as long: every route reaches Azure.",
        "3",
        "function_app/planning/suspension.py",
        "    if closes:\n        return False\n",
        "",
        (_SUSPENDED,),
    ),
)
