"""What stands on a commit from the push to the last stage: in words, once each, and not for ever."""

from __future__ import annotations

import pytest
from service.service_desk import HUB, ServiceDesk, sample
from structlog.testing import capture_logs

from function_app.model.errors import SettingsError
from function_app.model.intent import Intent, Reason
from function_app.service.intake import ask

TENANT = "tenants/tenant0.yaml"


def pushed(service: ServiceDesk) -> None:
    """The webhook comes in."""
    ask(service, (HUB,), Intent(reasons=frozenset({Reason.PUSH})))


def told(service: ServiceDesk) -> list[tuple[str, str]]:
    """States and words, in order."""
    return [(status.state.value, status.text) for status in service.channel.statuses]


def onboarded() -> ServiceDesk:
    """A first tenant, from push to routed."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(TENANT))
    pushed(service)
    service.work_for(1800)
    return service


def test_a_commit_climbs_from_pending_to_success() -> None:
    """The stage and what it waits for, each set of words once; success when everything is routed."""
    service = onboarded()
    said = told(service)

    assert ("success", "in force: 1 of 1 attachment routed") == said[-1]
    assert {"pending"} == {state for state, _ in said[:-1]}
    assert any("advertised, waits for its firewall rules" in text for _, text in said)
    assert len(said) == len(set(said))
    assert len({status.commit for status in service.channel.statuses}) == 1


def test_drift_that_is_undone_is_no_news_about_a_commit() -> None:
    """It was in force whole; a deleted pool is put right without a word there."""
    service = onboarded()
    before = told(service)
    service.desk.world.clusters["spoke1-aks"].api.delete("IPPool", None, "tenant0-pool")
    pushed(service)
    service.work_for(600)

    assert before == told(service)


def test_a_broken_file_fails_its_commit_with_its_place() -> None:
    """File and line first, and it succeeds once it is mended."""
    service = onboarded()
    service.desk.commit({TENANT: "apiVersion: nonsense\n"})
    pushed(service)
    service.work_for(300)
    state, text = told(service)[-1]
    assert "failure" == state
    assert text.startswith("gitops/tenants/tenant0.yaml:1")
    service.desk.commit(sample(TENANT))
    pushed(service)
    service.work_for(600)

    assert "success" == told(service)[-1][0]


def test_what_the_host_did_not_take_is_set_after_the_next_pass() -> None:
    """The host is away: the pass is made all the same, and the last word gets there."""
    service = ServiceDesk.with_platform()
    service.channel.problem = "503"
    service.desk.commit(sample(TENANT))
    pushed(service)
    service.work_for(1800)
    assert [] == told(service)
    service.channel.problem = ""
    pushed(service)
    service.work()

    assert ["success"] == [state for state, _ in told(service)]


def test_a_setting_that_cannot_be_used_keeps_no_pass_from_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nowhere to set a status: it is logged, the tenant is routed, and the ledger's events are told once."""

    def nowhere(_: ServiceDesk) -> None:
        raise SettingsError("EGRESS_COMMIT_STATUS is set, but no host shows the repository")

    monkeypatch.setattr(ServiceDesk, "commit_statuses", property(nowhere))
    with capture_logs() as logs:
        service = onboarded()

    assert [] == told(service)
    assert "commit_status.failed" in {entry["event"] for entry in logs}
    recorded = [entry["seq"] for entry in logs if entry["event"] == "ledger.recorded"]
    assert [record.seq for record in service.desk.ports.ledger.read()] == recorded
