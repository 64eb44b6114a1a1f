"""What operators ask for: recorded with who and why, and on its way at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from service.service_desk import HUB, ServiceDesk, sample
from structlog.testing import capture_logs

from function_app.model.errors import StateError
from function_app.model.intent import Reason
from function_app.model.names import Commit, HubName
from function_app.model.state import DecisionKind
from function_app.service.callers import Caller, Right
from function_app.service.decisions import (
    BLOCK_KEYS,
    RESYNC_KEYS,
    SUSPEND_KEYS,
    block,
    resume,
    resync,
    suspend,
    unblock,
)
from function_app.service.passes import Ran
from function_app.service.questions import status
from function_app.service.requests import Answer, BadRequest, json_body
from function_app.service.rewinds import RewindWaivers
from simulator.model.packets import Verdict

JO = Caller("jo@example.com (8f0d)", frozenset(Right))
BLOCK = {"tenant": "tenant0", "reason": "ticket 4711", "for": "4h"}
URL = "http://www.tigera.io/"


def settled(*tenants: str) -> ServiceDesk:
    """A service with tenants routed."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(*(f"tenants/{name}.yaml" for name in tenants)))
    resync({}, JO, service)
    service.work_for(1800)
    return service


def refused(call: Callable[[dict[str, Any], Caller, ServiceDesk], Answer], asked: dict[str, Any]) -> BadRequest:
    """What is said to a request; nothing may come of it."""
    service = ServiceDesk.with_platform()
    with pytest.raises(BadRequest) as caught:
        call(asked, JO, service)
    assert {} == service.memory.hubs
    assert () == service.stores(HUB).state.decisions()
    return caught.value


def test_a_resync_asks_every_hub_and_finds_new_ones() -> None:
    """Without a hub: those that Git defines and those that are known."""
    service = ServiceDesk.with_platform()
    service.known = {HubName("old")}

    answer = resync({"tenant": "tenant0"}, JO, service)

    assert (202, {"hubs": ["hub1", "old"]}) == (answer.status, answer.body)
    intent = service.memory.read(HUB).intent
    assert (frozenset({Reason.RESYNC}), frozenset({"tenant0"}), (JO.name,)) == (
        intent.reasons,
        intent.tenants,
        intent.by,
    )
    assert Ran.PASSED in service.work()


def test_a_resync_of_one_hub_asks_that_one() -> None:
    """And no other."""
    service = ServiceDesk.with_platform()
    service.known = {HUB, HubName("old")}

    resync({"hub": "hub1"}, JO, service)

    assert [HUB] == list(service.memory.hubs)


def test_a_block_denies_and_its_end_permits() -> None:
    """A packet before, between and after; who and why stand in the decision and in the log."""
    service = settled("tenant0")
    packets = [service.desk.send("spoke1-aks", "default", URL)]

    with capture_logs() as logs:
        answer = block(BLOCK, JO, service)
    service.work_for(900)
    packets.append(service.desk.send("spoke1-aks", "default", URL))
    shown = status({}, service).body
    lifted = unblock({"tenant": "tenant0", "reason": "all clear"}, JO, service)
    service.work_for(900)
    packets.append(service.desk.send("spoke1-aks", "default", URL))

    assert [Verdict.ALLOWED, Verdict.DENIED, Verdict.ALLOWED] == [packet.verdict for packet in packets]
    assert (202, 202) == (answer.status, lifted.status)
    assert {"by": JO.name, "reason": "ticket 4711", "action": "block"}.items() <= logs[0].items()
    assert "ticket 4711" in json.dumps(shown)
    assert JO.name in json.dumps(shown)


def test_a_block_works_with_git_down_at_the_door() -> None:
    """It is recorded, and the pass is asked for, without a look at the repository."""
    service = ServiceDesk.with_platform()
    service.source_problem = "away"

    assert 202 == block(BLOCK, JO, service).status

    (decision,) = service.stores(HUB).state.decisions()
    assert (DecisionKind.BLOCK, "tenant0", JO.name) == (decision.kind, decision.subject, decision.by)
    assert decision.at + timedelta(hours=4) == decision.expires
    assert [(HUB, 0.0)] == service.queue.sent
    assert 0 == service.fetches


def test_what_was_not_blocked_is_said_so() -> None:
    """Nothing is wrong with it: a script may repeat it."""
    answer = unblock({"tenant": "tenant0", "reason": "tidy"}, JO, ServiceDesk.with_platform())

    assert isinstance(answer.body, dict)
    assert (200, False) == (answer.status, answer.body["withdrawn"])


def test_an_unblock_that_failed_half_way_is_carried_out_when_it_is_repeated() -> None:
    """The block had ended, nobody had been asked for the pass: the tenant would have stayed denied until the timer."""
    service = settled("tenant0")
    block(BLOCK, JO, service)
    service.work_for(900)
    lift = {"tenant": "tenant0", "reason": "all clear"}
    service.memory.unreachable = True
    with pytest.raises(StateError):
        unblock(lift, JO, service)
    service.memory.unreachable = False

    assert () == service.stores(HUB).state.decisions()
    unblock(lift, JO, service)
    service.work_for(900)

    assert Verdict.ALLOWED is service.desk.send("spoke1-aks", "default", URL).verdict


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({**BLOCK, "tenant": ""}, "`tenant` is missing"),
        ({**BLOCK, "tenant": "../x"}, "cannot be a name"),
        ({**BLOCK, "tenant": 7}, "printable text"),
        ({**BLOCK, "reason": " "}, "`reason` is missing"),
        ({**BLOCK, "reason": "x" * 501}, "printable text"),
        ({**BLOCK, "reason": "a\nb"}, "printable text"),
        ({**BLOCK, "for": "0h"}, "no length of time"),
        ({**BLOCK, "for": "9999d"}, "no length of time"),
        ({**BLOCK, "for": ""}, "`for` is missing"),
        ({**BLOCK, "hub": "nowhere"}, "no hub of that name"),
    ],
)
def test_a_block_must_be_whole(asked: dict[str, Any], words: str) -> None:
    """Tenant, reason and time, and a hub that is known."""
    assert words in str(refused(block, asked))


def test_which_hub_must_be_clear() -> None:
    """With two known, one must be named."""
    service = ServiceDesk.with_platform()
    service.known = {HUB, HubName("hub2")}

    with pytest.raises(BadRequest, match="Say which hub: hub1, hub2"):
        block(BLOCK, JO, service)


def test_a_rewound_branch_is_permitted_by_its_commit() -> None:
    """Also when nothing is in force and no plan exists; for an hour, since later the branch may lead there for another reason."""
    service = ServiceDesk.with_platform()
    commit = "a" * 40
    answer = resync({"hub": "hub1", "waive": commit, "code": "rewound", "reason": "bad merge"}, JO, service)

    assert 202 == answer.status
    waivers = RewindWaivers(service.known_hubs, lambda hub: service.stores(hub).state, lambda: service.clock)
    assert waivers.permits(Commit(commit))
    assert not waivers.permits(Commit("b" * 40))
    service.desk.world.advance(3601)
    assert not waivers.permits(Commit(commit))
    assert "40 hex digits" in str(refused(resync, {"waive": "abc", "code": "rewound", "reason": "x"}))


def test_a_waiver_is_for_the_newest_plan_alone() -> None:
    """All tenants removed at once is refused; waived by plan id, with a reason, it goes on."""
    service = settled("tenant0", "tenant1")
    service.desk.commit({"tenants/tenant0.yaml": None, "tenants/tenant1.yaml": None})
    resync({}, JO, service)
    service.work_for(60)
    latest = service.stores(HUB).status.latest(HUB) or {}
    plan_id = str(latest["plan_id"])
    with pytest.raises(BadRequest) as another:
        resync({"waive": "0" * 16, "reason": "yes"}, JO, service)
    with pytest.raises(BadRequest, match="`reason` is missing"):
        resync({"waive": plan_id}, JO, service)
    with pytest.raises(BadRequest, match="which is: removals"):
        resync({"waive": plan_id, "reason": "yes", "code": "quarantine"}, JO, service)

    answer = resync({"waive": plan_id, "reason": "yes, all of them"}, JO, service)
    service.work_for(1800)
    rows = (service.stores(HUB).status.latest(HUB) or {})["refused"]

    assert 409 == another.value.status
    assert 202 == answer.status
    assert [] == rows


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[]", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 60_000, 400),
        (b" " * 70_000, 413),
        (b'{"hubb": "hub1"}', 400),
    ],
)
def test_a_request_that_is_no_request_is_refused(body: bytes, status: int) -> None:
    """No object, no JSON, no UTF-8, too deep, too large, a misspelt key."""
    with pytest.raises(BadRequest) as caught:
        json_body(body, RESYNC_KEYS)
    assert status == caught.value.status


def test_an_empty_body_is_an_empty_request() -> None:
    """`curl -X POST` sends one."""
    assert {} == json_body(b"", BLOCK_KEYS)


def test_a_suspension_stops_a_commit_and_its_end_takes_it_up() -> None:
    """Who and why stand in the decision, in the status and in the log; a pass is asked for at both ends."""
    service = settled("tenant0")
    with capture_logs() as logs:
        answer = suspend({"scope": "tenant/tenant0", "reason": "ticket 4711", "for": "4h"}, JO, service)
    file = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    service.desk.commit({"tenants/tenant0.yaml": file.replace("replicas: 2", "replicas: 3")})
    service.work_for(900)
    shown = json.dumps(status({}, service).body)
    replicas = [_replicas(service)]

    ended = resume({"scope": "tenant/tenant0", "reason": "all clear"}, JO, service)
    service.work_for(900)

    assert [2, 3] == [*replicas, _replicas(service)]
    assert (202, 202) == (answer.status, ended.status)
    assert {"by": JO.name, "reason": "ticket 4711", "action": "suspend"}.items() <= logs[0].items()
    assert '"subject": "tenant/tenant0", "code": "", "reason": "ticket 4711"' in shown
    assert "tenant tenant0 is suspended by jo@example.com" in shown


def _replicas(service: ServiceDesk) -> int:
    gateways = service.desk.world.clusters["spoke1-aks"].api.objects("EgressGateway")
    return next(int(one["spec"]["replicas"]) for one in gateways if one["metadata"]["name"] == "tenant0-egw")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        pytest.param({"reason": "x", "for": "4h"}, "`scope` is missing", id="nothing named"),
        pytest.param({"scope": "tenant0", "reason": "x", "for": "4h"}, "Write tenant/NAME", id="no kind"),
        pytest.param({"scope": "tenant/tenant0", "reason": "x"}, "`for` is missing", id="without end"),
        pytest.param(
            {"scope": "hub/hub1", "hub": "hub2", "reason": "x", "for": "4h"}, "leave `hub` out", id="two hubs"
        ),
        pytest.param({"scope": "hub/hub2", "reason": "x", "for": "4h"}, "no hub of that name", id="unknown hub"),
    ],
)
def test_a_suspension_names_what_why_and_until_when(asked: dict[str, Any], said: str) -> None:
    """Nothing is guessed, and none lasts for ever."""
    assert set(asked) <= SUSPEND_KEYS
    assert said in str(refused(suspend, asked))
