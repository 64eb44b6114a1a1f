"""Histories that aim: an attachment is brought to a stage, a fault put in force, and then all sorts of actions follow.

Chance alone seldom meets a stage that lasts two seconds while a fault is in force. Here each history has a stage and a fault
as its aim, and takes next the sort of action that it has done least often where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from function_app.model.plan import Stage
from search.actions import Action, Group
from search.coverage import FAULTS, STAGES
from search.history import NAMESPACE_DEATH, NO_FAULT, NO_STAGE, History
from search.trouble import API_DOWN, CONTENT_REFUSED, LEDGER_DEATH, LEDGER_UNREADABLE, OPERATION_FAILS, POLICY_BUSY
from search.worlds import BELOW, CLUSTERS, NAMESPACES, SITES

type Maker = Callable[[Random, History], Action]
"""Makes an action of one sort that fits what there is."""

_PASSES = (Group.PASS, Group.TWO)
_RUN, _SHORTLY = Action("run"), (1, 2, 3, 5, 12, 25)
_BY_CALLS = {
    "refused": "refuse",
    "throttled or unavailable": "refuse",
    "no answer, no effect": "timeout-before",
    "no answer after the effect": "timeout-after",
    "wrong answer after the effect": "html",
    "write lost": "empty-object",
    "slow": "slow",
    "unreachable": "unreachable",
    "target dead": "timeout-before",
    "died before a call": "crash-before",
    "died after a call": "crash-after",
}
_TARGETS = ("cluster/spoke1", "cluster/spoke2", "firewall/hub1", "route-server/hub1", "*")


class Aim:
    """What one history aims at, and which action comes next."""

    def __init__(self, random: Random, makers: Mapping[Group, Maker]) -> None:
        self.stage = random.choice(STAGES)
        self.fault = random.choice(FAULTS)
        self._makers = makers

    def opening(self, random: Random) -> list[Action]:
        """An attachment at the stage, perhaps beside another one that is routed, and the fault in force."""
        beside = [Action("add", ("t1", random.choice(CLUSTERS), 1, ("beta",), (SITES[1],))), Action("follow", (9,))]
        started = beside if self.stage != NO_STAGE and random.random() < 0.4 else []
        return [*started, *self._towards(random), *self._arming(random)]

    def next(self, random: Random, history: History) -> Action:
        """Arm again what has struck; else the sort of action done least often under these conditions.

        While the stage holds few passes come in between: each of them may be the end of it.
        """
        armed = self.fault == NO_FAULT or self.fault in history.faults()
        if not armed and random.random() < 0.5:
            return self._arming(random)[0]
        if history.locked and random.random() < 0.7:
            return Action("follow", (2,))
        if random.random() < (0.1 if armed and self.stage in history.stages() else 0.3):
            return random.choice(
                (_RUN, _RUN, Action("wait", (random.choice(_SHORTLY),)), self._makers[Group.TWO](random, history))
            )
        cells = [(stage, fault) for stage in sorted(history.stages()) for fault in sorted(history.faults())]
        done = {
            group: min(history.coverage[stage, fault, str(group)] for stage, fault in cells)
            for group in self._makers
            if group not in _PASSES
        }
        least = min(done.values())
        return self._makers[random.choice([group for group, count in done.items() if count == least])](random, history)

    def _towards(self, random: Random) -> list[Action]:
        cluster, namespaces = random.choice(CLUSTERS), NAMESPACES if self.fault == NAMESPACE_DEATH else ("alpha",)
        # Without rules of its own nothing is written for it, and the firewall is free for people at its first stages.
        sites = random.choice(((SITES[0],), (SITES[0],), (SITES[0],), ()))
        comes = Action("add", ("t0", cluster, 0, namespaces, sites))
        nowhere = Action("add", ("t0", cluster, 0, ("spare",), (SITES[0],)))
        after = {seconds: [comes, _RUN, Action("wait", (seconds,)), _RUN] for seconds in (1, 3, 12)}
        standing = [comes, Action("follow", (9,))]
        ways: dict[str, list[Action]] = {
            NO_STAGE: [comes] if random.random() < 0.7 else [],
            Stage.ABSENT: [comes, _RUN],
            Stage.POOLED: after[1],
            Stage.SERVING: after[3],
            Stage.ADVERTISED: after[12],
            Stage.PERMITTED: [nowhere, Action("follow", (9,))],
            Stage.ROUTED: standing,
            Stage.LEAVING: [*standing, Action("remove", ("t0",)), _RUN],
        }
        return ways[self.stage]

    def _arming(self, random: Random) -> list[Action]:
        others: dict[str, list[Action]] = {
            NO_FAULT: [],
            NAMESPACE_DEATH: [Action("die_between", (random.choice(CLUSTERS), random.choice((1, 2))))],
            LEDGER_DEATH: [Action("die_in_ledger", (random.choice(("before", "after")),))],
            LEDGER_UNREADABLE: [Action("damage_ledger")],
            OPERATION_FAILS: [Action("fail_operations", (random.choice((1, 2)), random.random() < 0.5))],
            CONTENT_REFUSED: [Action("refuse_content", (random.choice((*SITES, BELOW)),))],
            POLICY_BUSY: [Action("occupy", (900, random.random() < 0.5, "AnotherOperationInProgress"))],
            API_DOWN: [Action("calico_down")],
        }
        if self.fault in others:
            return others[self.fault]
        refusals = (429, 500, 503) if self.fault.startswith("throttled") else (401, 403, 404, 409, 422)
        lasting = self.fault == "target dead"
        where = random.choice(_TARGETS[:4] if lasting else _TARGETS)
        nth, count = (1, 0) if lasting else (random.randrange(1, 12), random.choice((1, 1, 2)))
        return [Action("trouble", (where, "*", "*", _BY_CALLS[self.fault], nth, count, random.choice(refusals)))]
