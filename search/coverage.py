"""How often each cell of stage x fault x action was reached, as a table, with the empty cells named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from function_app.model.plan import Stage
from search.actions import Group
from search.history import NAMESPACE_DEATH, NO_FAULT, NO_STAGE, Cell
from search.trouble import API_DOWN, CONTENT_REFUSED, LEDGER_DEATH, LEDGER_UNREADABLE, OPERATION_FAILS, POLICY_BUSY

STAGES = (
    NO_STAGE,
    Stage.ABSENT,
    Stage.POOLED,
    Stage.SERVING,
    Stage.ADVERTISED,
    Stage.PERMITTED,
    Stage.ROUTED,
    Stage.LEAVING,
)
FAULTS = (
    NO_FAULT,
    "refused",
    "throttled or unavailable",
    "no answer, no effect",
    "no answer after the effect",
    "wrong answer after the effect",
    "write lost",
    "slow",
    "unreachable",
    "target dead",
    "died before a call",
    "died after a call",
    NAMESPACE_DEATH,
    LEDGER_DEATH,
    LEDGER_UNREADABLE,
    OPERATION_FAILS,
    CONTENT_REFUSED,
    POLICY_BUSY,
    API_DOWN,
)


def table(coverage: Counter[Cell]) -> str:
    """For each fault and action, how often at each stage, in Markdown."""
    lines = [f"| fault | action | {' | '.join(STAGES)} |", f"|---|---|{'---|' * len(STAGES)}"]
    for fault in FAULTS:
        for group in Group:
            counts = " | ".join(str(coverage[str(stage), fault, str(group)]) for stage in STAGES)
            lines.append(f"| {fault} | {group} | {counts} |")
    return "\n".join(lines)


def summary(coverage: Counter[Cell]) -> str:
    """For each fault and stage: the rarest action and how often it was reached there."""
    lines = [f"| fault | {' | '.join(STAGES)} |", f"|---|{'---|' * len(STAGES)}"]
    for fault in FAULTS:
        counts = (min(coverage[str(stage), fault, str(group)] for group in Group) for stage in STAGES)
        totals = (sum(coverage[str(stage), fault, str(group)] for group in Group) for stage in STAGES)
        cells = " | ".join(f"{least} of {total}" for least, total in zip(counts, totals, strict=True))
        lines.append(f"| {fault} | {cells} |")
    return "\n".join(lines)


def empty_cells(coverage: Counter[Cell]) -> Iterator[Cell]:
    """Cells that nothing reached."""
    for stage in STAGES:
        for fault in FAULTS:
            for group in Group:
                if not coverage[str(stage), fault, str(group)]:
                    yield str(stage), fault, str(group)


def cell_count() -> int:
    """How many cells there are."""
    return len(STAGES) * len(FAULTS) * len(Group)
