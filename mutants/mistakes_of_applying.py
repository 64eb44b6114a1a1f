"""Mistakes in carrying a plan out: order of ledger and write, lease, re-reading, what a failure stops."""

from __future__ import annotations

from mutants.mistake import Mistake

_APPLYING = "function_app/applying.py"
_TWO = "tests/stories/test_two_at_once.py"
_CRASH = "tests/stories/test_killed.py"
_STOPPED = "tests/stories/test_unreadable.py"

APPLYING = (
    Mistake(
        "ledger-written-after-the-write",
        "A process that dies in between leaves traffic that the ledger does not know: nobody can say whose it was.",
        "2",
        _APPLYING,
        "        books.append(change.records)\n        operation = _write(change, ports)\n",
        "        operation = _write(change, ports)\n        books.append(change.records)\n",
        (_CRASH,),
    ),
    Mistake(
        "reservation-not-recorded",
        "A range is used that the ledger never gave out.",
        "2",
        _APPLYING,
        "        books.append(plan.records)\n",
        "        pass\n",
        (_CRASH,),
    ),
    Mistake(
        "lease-not-checked-before-a-write",
        "A pass that was paused past its lease goes on writing what it read long ago.",
        "9",
        _APPLYING,
        "    try:\n        lease.check()\n",
        "    try:\n        pass\n",
        (_TWO,),
    ),
    Mistake(
        "shard-not-read-again-before-its-write",
        "Azure has no guard on a PUT: what somebody wrote since the shard was read is overwritten unseen.",
        "9",
        _APPLYING,
        '    return "" if _etag(now) == _etag(before) else "the shard was changed by somebody else since it was read"\n',
        '    return ""\n',
        (_TWO,),
    ),
    Mistake(
        "policy-not-read-again-before-a-write",
        "A write runs into somebody else's that began since the policy was read.",
        "9",
        _APPLYING,
        '    if (policy.get("properties") or {}).get("provisioningState") in ("Updating", "Creating", "Deleting"):\n',
        "    if False:\n",
        (_TWO,),
    ),
    Mistake(
        "stale-evidence-acted-on",
        "Slow writes come between reading and pointing, and the namespace goes to a gateway that was ready minutes ago.",
        "1",
        _APPLYING,
        "        if change.evidence_at is not None and ports.clock.now() - change.evidence_at > EVIDENCE_AGE:\n",
        "        if False:\n",
        ("tests/stories/test_cut_over.py",),
    ),
    Mistake(
        "what-it-needs-not-waited-for",
        "A write that was refused is built upon: a gateway without its pool, a peer without its filter.",
        "1",
        _APPLYING,
        "        if self.stopped or change.needs & self.failed:\n",
        "        if self.stopped:\n",
        ("tests/stories/test_bypass.py", _STOPPED),
    ),
    Mistake(
        "throttled-target-asked-on",
        "A target that says 429 is sent all the other writes of the pass as well.",
        "8",
        _APPLYING,
        '                self.stopped = f"{change.target} is not answering"\n',
        '                self.stopped = ""\n',
        (_STOPPED,),
    ),
    Mistake(
        "failed-write-reported-as-done",
        "The report says updated though the target refused.",
        "6",
        _APPLYING,
        "    except (TargetRejected, TargetError) as problem:\n        return Outcome(change, Result.FAILED, str(problem))\n",
        "    except (TargetRejected, TargetError):\n        return Outcome(change, _result(change))\n",
        (_STOPPED,),
    ),
)
