"""Status, plan and whois: answered from what is stored, whatever else is down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from typing import Any, cast

import pytest
from service.service_desk import HUB, ServiceDesk, sample
from service.test_operators import JO, settled

from function_app.model.attribution import who_held
from function_app.model.ledger import Holding, Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, HubName, NamespaceName, TenantName
from function_app.ports import PoisonedMessage
from function_app.service.decisions import resync
from function_app.service.intake import drift
from function_app.service.questions import health, plan, status, whois
from function_app.service.requests import BadRequest
from simulator.model.faults import Action, Fault

START = datetime(2026, 1, 1, tzinfo=UTC)
ADDRESS = IPv4Network("10.99.0.3")


def at(hours: float) -> datetime:
    """Hours after the start."""
    return START + timedelta(hours=hours)


def record(kind: str, hours: float, tenant: str = "tenant0", generation: str = "0a", **changed: Any) -> Record:
    """A record of a tenant's generation."""
    values: dict[str, Any] = {
        "seq": 1,
        "epoch": 1,
        "at": at(hours),
        "kind": RecordKind(kind),
        "tenant": TenantName(tenant),
        "cluster": ClusterName("spoke1-aks"),
        "generation": GenerationId(generation),
        "range": IPv4Network("10.99.0.0/29"),
        "namespaces": (),
        "commit": Commit(f"{kind}-{hours:g}"),
        "author": "jo@example.com",
    }
    return Record(**(values | changed))


def route(hours: float, *namespaces: str) -> Record:
    """Namespaces pointed."""
    return record("route", hours, namespaces=tuple(NamespaceName(name) for name in namespaces))


LIFE = [
    record("reserve", 0),
    route(1, "default"),
    route(2, "shop"),
    record("unroute", 3, namespaces=(NamespaceName("default"),)),
    record("leave", 4),
    record("freed", 5),
    record("quarantine_end", 29),
    record("reserve", 30, "tenant1", "0b"),
]


@pytest.mark.parametrize(
    ("hours", "tenant", "namespaces", "holding", "commit"),
    [
        (0, "tenant0", (), Holding.HELD, "reserve-0"),
        (1, "tenant0", ("default",), Holding.HELD, "route-1"),
        (2.5, "tenant0", ("default", "shop"), Holding.HELD, "route-2"),
        (3.5, "tenant0", ("shop",), Holding.HELD, "route-2"),
        (4.5, "tenant0", ("shop",), Holding.LEAVING, "route-2"),
        (6, "tenant0", ("shop",), Holding.QUARANTINED, "route-2"),
        (29.5, "tenant0", ("shop",), Holding.ENDED, "route-2"),
        (31, "tenant1", (), Holding.HELD, "reserve-30"),
    ],
)
def test_an_address_has_another_answer_at_each_time(
    hours: float, tenant: str, namespaces: tuple[str, ...], holding: Holding, commit: str
) -> None:
    """From the reservation to the next holder; in between the last one is named."""
    (held,) = who_held(LIFE, ADDRESS, at(hours))

    assert (tenant, namespaces, holding, commit) == (held.tenant, held.namespaces, held.holding, held.commit)


def test_before_the_first_and_beside_the_range_there_is_nobody() -> None:
    """No holder is made up."""
    assert () == who_held(LIFE, ADDRESS, START - timedelta(seconds=1))
    assert () == who_held(LIFE, IPv4Network("10.99.0.8"), at(2))


def test_a_range_may_be_asked_for() -> None:
    """Whatever meets it: smaller ones inside, larger ones around."""
    other = record("reserve", 1, "tenant9", "0c", range=IPv4Network("10.99.0.8/29"))

    assert ["tenant9", "tenant0"] == [
        each.tenant for each in who_held([*LIFE[:2], other], IPv4Network("10.99.0.0/24"), at(2))
    ]
    assert ["tenant0"] == [each.tenant for each in who_held([*LIFE[:2], other], IPv4Network("10.99.0.4/30"), at(2))]


def test_wanted_again_while_leaving_is_held_again() -> None:
    """The removal was taken back."""
    (held,) = who_held([*LIFE[:5], record("reserve", 4.5)], ADDRESS, at(5))

    assert (Holding.HELD, at(0), "reserve-4.5") == (held.holding, held.since, held.commit)


def test_whois_answers_over_http() -> None:
    """For a settled tenant, now and before it was there."""
    service = settled("tenant0")

    now = cast("dict[str, Any]", whois({"address": "10.99.0.1"}, service).body)
    before = cast("dict[str, Any]", whois({"address": "10.99.0.1", "at": "2020-01-01T00:00:00Z"}, service).body)

    assert ["tenant0"] == [row["tenant"] for row in now["held_by"]]
    assert ["default"] == now["held_by"][0]["namespaces"]
    assert service.desk.repository.resolve("main") == now["held_by"][0]["commit"]
    assert [] == before["held_by"]


def test_an_unreadable_ledger_is_no_absence() -> None:
    """It is said, so that nobody takes silence for an answer."""
    service = settled("tenant0")
    service.desk.ledger.unreadable = "line 3 is damaged"

    body = cast("dict[str, Any]", whois({"address": "10.99.0.1"}, service).body)

    assert ([], ["hub1: line 3 is damaged"]) == (body["held_by"], body["problems"])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"address": "10.99.0"},
        {"address": "::1"},
        {"address": "10.99.0.1/24"},
        {"address": "10.0.0.1", "at": "soon"},
        {"adress": "x"},
    ],
)
def test_what_whois_cannot_read_is_said(asked: dict[str, str]) -> None:
    """No address, IPv6, host bits, no time, a misspelt key."""
    with pytest.raises(BadRequest):
        whois(asked, settled())


def test_status_shows_report_history_asks_and_poison() -> None:
    """From what is stored alone: nothing is fetched."""
    service = settled("tenant0")
    service.queue.poison = [PoisonedMessage(HUB, service.clock.now())]
    resync({"hub": "hub1"}, JO, service)
    before = service.fetches

    body = cast("dict[str, Any]", status({"hub": "hub1"}, service).body)
    (row,) = body["hubs"]

    assert "routed" == row["report"]["attachments"][0]["stage"]
    assert (True, [JO.name]) == (row["asked"]["pending"], row["asked"]["by"])
    assert 10 == len(row["passes"])
    assert ["hub1"] == [each["hub"] for each in body["poisoned"]]
    assert before == service.fetches


def test_status_says_who_changed_what_outside_git() -> None:
    """By managedFields, for the attachment and the hub; it stays when all is well again, and the history has it too."""
    service = settled("tenant0")
    api = service.desk.world.clusters["spoke1-aks"].api
    api.merge_patch("IPPool", None, "tenant0-pool", {"spec": {"disabled": True}}, manager="kubectl-edit")
    drift(service, 600.0)
    service.work_for(900)

    (row,) = cast("dict[str, Any]", status({"passes": "200"}, service).body)["hubs"]
    (attachment,) = row["report"]["attachments"]

    assert row["report"]["converged"]
    assert "field manager kubectl-edit changed spec.disabled outside Git" == attachment["last_drift"]["words"]
    assert attachment["last_drift"] == row["report"]["last_drift"]
    assert "IPPool/tenant0-pool" == attachment["last_drift"]["resource"]
    assert any("kubectl-edit" in change["because"] for each in row["passes"] for change in each["changes"])


@pytest.mark.parametrize(
    ("allowed", "who"),
    [
        (None, "somebody@example.com at 2026-"),
        (frozenset({"Microsoft.Network/*"}), "unknown, because Azure's activity log cannot be read: "),
    ],
)
def test_status_says_who_changed_the_firewall(allowed: frozenset[str] | None, who: str) -> None:
    """By Azure's activity log, which shows it minutes later; without the right to read it the drift is undone all the same."""
    service = settled("tenant0")
    hub = service.desk.world.hubs["hub1"]
    hub.roles.allowed = allowed
    group = dict(hub.get_group("tenants", "egress-000"))
    group["properties"] = {**group["properties"], "ruleCollections": []}
    hub.put_group("tenants", "egress-000", group)
    service.desk.world.advance(300)
    for _ in range(3):
        drift(service, 600.0)
        service.work_for(900)

    (row,) = cast("dict[str, Any]", status({}, service).body)["hubs"]

    assert row["report"]["converged"]
    assert "RuleCollectionGroup/egress-000" == row["report"]["last_drift"]["resource"]
    assert row["report"]["last_drift"]["who"].startswith(who)


def test_nothing_is_asked_of_the_log_without_drift_of_the_firewall() -> None:
    """A call to a service of the whole subscription is made for a reason."""
    service = settled("tenant0")
    drift(service, 600.0)
    service.work_for(900)

    assert 0 == service.desk.world.hubs["hub1"].roles.used["Microsoft.Insights/eventtypes/values/read"]


def test_status_says_what_went_wrong_last_and_how_much_is_covered() -> None:
    """The words of the newest pass that met an error, however many went well since; namespaces as tenants and as nodes."""
    service = settled("tenant0")
    service.desk.world.faults.add(Fault(action=Action.REFUSE, target="firewall/*", verb="get", status=503, count=1))
    resync({}, JO, service)
    service.work_for(900)

    (row,) = cast("dict[str, Any]", status({}, service).body)["hubs"]

    assert row["report"]["converged"]
    assert "503" in row["last_error"]["words"]
    assert 1 == row["coverage"]["spoke1-aks"]["as_tenants"]
    assert 0 < row["coverage"]["spoke2-aks"]["as_nodes"]
    assert (
        service.desk.world.document.clock < datetime.fromisoformat(row["report"]["commit_since"]) < service.clock.now()
    )


def test_the_history_tells_how_long_a_pass_took_and_which_operation_it_began() -> None:
    """The operation's id alone: its URL bears a signature."""
    service = settled("tenant0")
    entries = service.history.entries(HUB)
    begun = [change["operation"] for entry in entries for change in _changes(entry) if change["outcome"] == "started"]

    assert begun
    assert all(begun)
    assert not any("/" in each or "?" in each for each in begun)
    assert all(cast("float", entry["duration_seconds"]) >= 0 for entry in entries)


@pytest.mark.parametrize("passes", ["0", "201", "-1", "ten"])
def test_so_many_passes_are_not_shown(passes: str) -> None:
    """At least one, and no more than are kept."""
    with pytest.raises(BadRequest, match="1 to 200"):
        status({"passes": passes}, settled())


def _changes(entry: Mapping[str, object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", entry["changes"])


def test_status_of_no_hub_is_not_found() -> None:
    """With the hubs that are known."""
    with pytest.raises(BadRequest, match="hub1") as caught:
        status({"hub": "nowhere"}, settled())
    assert 404 == caught.value.status


def test_a_plan_is_made_afresh_and_writes_nothing() -> None:
    """A tenant that has just been committed is in it; the world stays as it is."""
    service = settled()
    service.desk.commit(sample("tenants/tenant0.yaml"))
    before = service.desk.ledger.read()

    (row,) = cast("list[dict[str, Any]]", plan({"hub": "hub1"}, service).body)

    assert "IPPool/tenant0-pool" in {change["resource"] for change in row["changes"]}
    assert before == service.desk.ledger.read()


def test_health_is_open_and_says_little() -> None:
    """A probe needs no more."""
    assert (200, {"status": "ok"}) == (health().status, health().body)


def test_status_before_the_first_pass() -> None:
    """A hub that was asked for and has no report yet is shown without one."""
    service = ServiceDesk.with_platform()
    body = cast("dict[str, Any]", status({}, service).body)

    assert [(HubName("hub1"), None)] == [(row["hub"], row["report"]) for row in body["hubs"]]
