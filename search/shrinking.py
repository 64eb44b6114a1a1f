"""Making a counter-example short: leave actions out while the same invariant still breaks (delta debugging)."""

from __future__ import annotations

from collections.abc import Sequence

from search.actions import Action
from search.runner import Run, replay
from search.worlds import Variant
from simulator.judge import Invariant


def shrink(run: Run, most: int = 400) -> Run:
    """A shorter history that breaks the same invariant; `most` bounds how many are tried."""
    wanted = run.violations[0].invariant
    best, tried, size = run, 0, max(1, len(run.actions) // 2)
    while size and tried < most:
        start, shorter = 0, False
        while start < len(best.actions) and tried < most:
            tried += 1
            found = _still(best.variant, (*best.actions[:start], *best.actions[start + size :]), wanted)
            if found is None:
                start += size
            else:
                best, shorter = found, True
        if not shorter or size > 1:
            size = size // 2 if size > 1 else 0
    return _plainer(best, wanted)


def _plainer(best: Run, wanted: Invariant) -> Run:
    """The usual hub instead of an unusual one, where that does."""
    return _still(Variant(), best.actions, wanted) or best if best.variant != Variant() else best


def _still(variant: Variant, actions: Sequence[Action], wanted: Invariant) -> Run | None:
    found = replay(variant, actions)
    return found if found.violations and found.violations[0].invariant is wanted else None
