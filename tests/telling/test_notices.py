"""Notices as Slack and Teams take them, over HTTPS, and which are given: each thing once, for as long as it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from service.service_desk import HUB, ServiceDesk, sample
from web_services import json_answers, web_service

from function_app.adapters.notice_channels import WebhookNotices, slack_message, teams_message
from function_app.adapters.web import Web
from function_app.model.errors import SourceError
from function_app.model.intent import Intent, Reason
from function_app.model.names import HubName
from function_app.model.state import Decision, DecisionKind
from function_app.model.telling import Notice, NoticeKind
from function_app.service.intake import ask
from function_app.service.telling import MOST_NOTICES

SAID = Notice(
    NoticeKind.DRIFT,
    HubName("hub1"),
    "drift tenant0",
    "Drift undone on hub1: tenant0",
    "<!channel> & [a link](https://evil.example/?token=canary)\nAuthorization: Bearer canary",
    "payments, payments@example.com",
)


def received(tmp_path: Path, message: Callable[[Notice], Mapping[str, object]]) -> Any:
    """What the channel's webhook gets."""
    with web_service(tmp_path, json_answers(lambda *_: (202, None))) as service:
        WebhookNotices(message, f"{service.url}/hook?sig=canary-url", Web(service.ca_file)).give(SAID)
        return json.loads(service.requests[0][3])


def test_slack_gets_text_in_which_nobody_is_called(tmp_path: Path) -> None:
    """Slack's three characters are escaped, so that a rule's name is no mention of everybody; secrets are gone."""
    body = received(tmp_path, slack_message)

    assert {"text"} == body.keys()
    assert body["text"].startswith("*Drift undone on hub1: tenant0*\n&lt;!channel&gt; &amp;")
    assert body["text"].endswith("_payments, payments@example.com_")
    assert "canary" not in json.dumps(body)


def test_teams_gets_an_adaptive_card(tmp_path: Path) -> None:
    """A message with one attachment of that type; links of others are text."""
    body = received(tmp_path, teams_message)

    (attachment,) = body["attachments"]
    card = attachment["content"]
    assert ("message", "application/vnd.microsoft.card.adaptive") == (body["type"], attachment["contentType"])
    assert ("AdaptiveCard", {"TextBlock"}) == (card["type"], {block["type"] for block in card["body"]})
    assert "\\[a link\\](" in card["body"][1]["text"]
    assert "canary" not in json.dumps(body)


@pytest.mark.parametrize("status", [301, 403, 404, 429, 500])
def test_a_channel_that_refuses_is_said_without_its_url(tmp_path: Path, status: int) -> None:
    """The URL is the secret."""
    with web_service(tmp_path, json_answers(lambda *_: (status, {"error": "canary"}))) as service:
        channel = WebhookNotices(slack_message, f"{service.url}/canary?sig=canary", Web(service.ca_file))
        with pytest.raises(SourceError, match=str(status)) as caught:
            channel.give(SAID)
    nobody = WebhookNotices(slack_message, "https://127.0.0.1:9/canary?sig=canary", Web())
    with pytest.raises(SourceError, match="nobody answers") as silence:
        nobody.give(SAID)
    assert "canary" not in str(caught.value) + str(silence.value)


def asked(service: ServiceDesk) -> None:
    """Somebody asks for a pass."""
    ask(service, (HUB,), Intent(reasons=frozenset({Reason.RESYNC})))


def drift(service: ServiceDesk) -> None:
    """Somebody deletes tenant0's pool."""
    service.desk.world.clusters["spoke1-aks"].api.delete("IPPool", None, "tenant0-pool")


def with_expiry(text: str, last: str) -> str:
    """The sample with a rule that ends."""
    commented = '        # expires: "2027-06-30"'
    assert commented in text
    return text.replace(commented, f'        expires: "{last}"')


def settled(*tenants: str) -> ServiceDesk:
    """Tenants that are routed, with nothing given yet."""
    service = ServiceDesk.with_platform()
    service.desk.commit(sample(*(f"tenants/{name}.yaml" for name in tenants)))
    asked(service)
    service.work_for(1800)
    service.channel.given.clear()
    return service


def kinds(service: ServiceDesk) -> list[str]:
    """What was given."""
    return [notice.kind.value for notice in service.channel.given]


def test_drift_undone_is_told_to_the_tenants_owner_once() -> None:
    """Somebody deletes the same pool over and over: the owner hears of it when it begins, and again the day after it ended."""
    service = settled("tenant0")
    for _ in range(3):
        drift(service)
        asked(service)
        service.work_for(600)
    (notice,) = service.channel.given
    assert (NoticeKind.DRIFT, "payments, payments@example.com") == (notice.kind, notice.owner)
    assert "IPPool/tenant0-pool" in notice.text
    service.desk.world.advance(25 * 3600.0)
    drift(service)
    asked(service)
    service.work_for(600)
    assert ["drift", "drift"] == kinds(service)


def test_a_block_is_told_with_reason_and_end() -> None:
    """Once, however many passes see it."""
    service = settled("tenant0")
    now = service.clock.now()
    decision = Decision(DecisionKind.BLOCK, "tenant0", "ticket 4711", "jo", now, now + timedelta(hours=4))
    service.stores(HUB).state.decide(decision)
    for _ in range(3):
        asked(service)
        service.work_for(300)
    (notice,) = service.channel.given
    assert NoticeKind.BLOCKED is notice.kind
    assert "by jo: ticket 4711" in notice.text


@pytest.mark.parametrize(("scope", "owner"), [("tenant/tenant0", "payments, payments@example.com"), ("hub/hub1", "")])
def test_a_suspension_is_told_with_reason_and_end(scope: str, owner: str) -> None:
    """Once; a tenant's to its owner, who would otherwise wonder why nothing merged takes effect."""
    service = settled("tenant0")
    now = service.clock.now()
    service.stores(HUB).state.decide(
        Decision(DecisionKind.SUSPEND, scope, "ticket 4711", "jo", now, now + timedelta(hours=4))
    )
    for _ in range(3):
        asked(service)
        service.work_for(300)
    (notice,) = service.channel.given
    assert (NoticeKind.SUSPENDED, owner) == (notice.kind, notice.owner)
    assert f"Nothing is written for {scope} until" in notice.text
    assert "by jo: ticket 4711" in notice.text


def test_a_rule_that_ends_within_two_weeks_is_told_once() -> None:
    """Not a day earlier, and not each day."""
    service = settled("tenant0")
    last = (service.clock.now() + timedelta(days=15)).date().isoformat()
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    service.desk.commit({"tenants/tenant0.yaml": with_expiry(str(text), last)})
    for _ in range(4):
        asked(service)
        service.work_for(1800)
        service.desk.world.advance(86_400.0 - 1800)
    assert ["expiring"] == kinds(service)
    assert last in service.channel.given[0].text


def test_a_file_that_is_held_is_told_with_its_place() -> None:
    """What is wrong, where, and that the former content stays."""
    service = settled("tenant0")
    service.desk.commit({"tenants/tenant0.yaml": "apiVersion: nonsense\n"})
    asked(service)
    service.work_for(300)
    assert ["refused"] == kinds(service)
    assert "tenants/tenant0.yaml:1" in service.channel.given[0].text
    assert "payments, payments@example.com" == service.channel.given[0].owner


def test_a_refusal_names_the_owner_whose_attachment_it_is() -> None:
    """Somebody else's pool stands in the range that the tenant asks for."""
    service = ServiceDesk.with_platform()
    spec = {"cidr": "10.99.0.0/29", "blockSize": 31, "nodeSelector": "!all()", "vxlanMode": "Never"}
    pool = {"apiVersion": "projectcalico.org/v3", "kind": "IPPool", "metadata": {"name": "by-hand"}, "spec": spec}
    service.desk.world.clusters["spoke1-aks"].api.create("IPPool", None, pool, manager="kubectl")
    service.desk.commit(sample("tenants/tenant0.yaml"))
    asked(service)
    service.work_for(600)

    (notice,) = service.channel.given

    assert ("refused", "Refused on hub1: tenant0@spoke1-aks") == (notice.kind.value, notice.title)
    assert "payments, payments@example.com" == notice.owner


def test_what_could_not_be_given_is_given_later() -> None:
    """The channel is away for a while; nothing is lost, and nothing is given twice."""
    service = settled("tenant0")
    service.channel.problem = "503"
    drift(service)
    asked(service)
    service.work_for(300)
    assert [] == kinds(service)
    service.channel.problem = ""
    drift(service)
    asked(service)
    service.work_for(600)
    assert ["drift"] == kinds(service)


def test_a_bad_hour_does_not_fill_a_channel_at_once() -> None:
    """So many of one pass; the others follow."""
    service = settled("tenant0")
    broken = {f"tenants/broken{number}.yaml": "nonsense" for number in range(MOST_NOTICES + 5)}
    service.desk.commit(dict(broken))
    asked(service)
    service.work()
    assert MOST_NOTICES == len(service.channel.given)
    asked(service)
    service.work_for(600)
    assert len(broken) == len(service.channel.given) == len({one.key for one in service.channel.given})
