"""Webhooks at the door: who is let in, what is queued, and what everybody else is told."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from service.service_desk import HUB, Killed, ServiceDesk
from webhooks.deliveries import (
    COMMIT,
    NEW,
    OLD,
    SENDERS,
    Delivery,
    github,
    github_push,
)

from function_app.model.errors import StateError
from function_app.model.intent import Reason
from function_app.model.names import HubName
from function_app.service.intake import Gate, webhook
from function_app.service.passes import Ran
from function_app.service.requests import Answer

GATE = Gate("github", (OLD, NEW), "https://github.com/example/egress.git", "main", "gitops", 4096)


def sent(service: ServiceDesk, delivery: Delivery, gate: Gate = GATE, provider: str = "") -> Answer:
    """One delivery at the door."""
    return webhook(provider or gate.provider, delivery.headers, delivery.body, gate, service)


def asked(service: ServiceDesk) -> list[str]:
    """Which hubs were asked for a pass."""
    return sorted(service.memory.hubs)


@pytest.fixture
def service() -> ServiceDesk:
    """One hub is known."""
    return ServiceDesk.with_platform()


@pytest.mark.parametrize("sender", SENDERS)
def test_a_push_is_recorded_and_then_sent(service: ServiceDesk, sender: str) -> None:
    """Whoever the provider: one small message a hub, after what is asked was recorded; nothing is fetched at the door."""
    provider, signed, payload = SENDERS[sender]
    calls: list[str] = []
    service.on_call = lambda when, name: calls.append(name) if when == "after" else None
    service.known = {HUB, HubName("hub2")} if provider == "gitlab" else {HUB}

    answer = sent(service, signed(payload(), secret=NEW), replace(GATE, provider=provider))
    hub = asked(service)[0]
    intent = service.memory.read(HubName(hub)).intent

    assert 202 == answer.status
    assert ["record", "send"] == calls
    assert [(hub, 0.0)] == service.queue.sent
    assert (frozenset({Reason.PUSH}), (COMMIT,)) == (intent.reasons, intent.commits)
    assert intent.by[0].startswith(f"{provider}: jo")
    assert 0 == service.fetches


def test_every_hub_is_asked_when_it_cannot_be_told_which(service: ServiceDesk) -> None:
    """A forced push tells no files: all are recorded before the first message is sent."""
    service.known = {HubName(f"hub{number}") for number in range(1, 21)}
    calls: list[str] = []
    service.on_call = lambda when, name: calls.append(name) if when == "before" else None

    answer = sent(service, github(github_push(forced=True)))

    assert 202 == answer.status
    assert sorted(service.known) == asked(service) == sorted(str(hub) for hub, _ in service.queue.sent)
    assert {"record"} == set(calls[:20])
    assert {"send"} == set(calls[20:])


REFUSED: list[tuple[str, Delivery, Gate, str, int]] = [
    ("none", github(github_push()).with_headers(x_hub_signature_256=None), GATE, "github", 401),
    ("wrong", github(github_push(), secret="somebody-elses-secret"), GATE, "github", 401),
    ("replaced body", github(github_push()).with_body(json.dumps(github_push(ref="x")).encode()), GATE, "github", 401),
    ("unsigned and malformed", github(b"{").with_headers(x_hub_signature_256=None), GATE, "github", 401),
    ("no secret configured", github(github_push(), secret=""), replace(GATE, secrets=()), "github", 404),
    ("another provider", github(github_push()), GATE, "generic", 404),
    ("no such provider", github(github_push()), GATE, "bitbucket", 404),
    ("no provider", github(github_push()), replace(GATE, provider=""), "github", 404),
    ("too large", github(b" " * 4097), GATE, "github", 413),
    ("too large and unsigned", Delivery({}, b" " * 4097), GATE, "github", 413),
    (
        "form",
        github(b"payload=%7B%7D").with_headers(content_type="application/x-www-form-urlencoded"),
        GATE,
        "github",
        415,
    ),
    ("compressed", github(b"\x1f\x8b\x08").with_headers(content_encoding="gzip"), GATE, "github", 415),
    ("no JSON", github(b"{"), GATE, "github", 400),
    ("no UTF-8", github(b"\xff\xfe"), GATE, "github", 400),
    ("deep", github(b"[" * 4000), GATE, "github", 400),
    ("long number", github(b'{"ref": ' + b"9" * 4050 + b"}"), GATE, "github", 400),
]


@pytest.mark.parametrize(
    ("delivery", "gate", "provider", "status"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_refused_leaves_no_trace(
    service: ServiceDesk, delivery: Delivery, gate: Gate, provider: str, status: int
) -> None:
    """A 4xx, words without anything of the body or the secret, nothing recorded, nothing queued."""
    answer = sent(service, delivery, gate, provider)

    assert status == answer.status
    assert [] == asked(service)
    assert [] == service.queue.sent
    assert OLD not in json.dumps(answer.body)
    assert "example" not in json.dumps(answer.body)


OTHERS: list[dict[str, Any]] = [
    github_push(ref="refs/heads/feature"),
    github_push(ref="refs/tags/v1"),
    github_push(deleted=True),
    github_push(repository={"full_name": "evil/egress", "clone_url": "https://github.com/evil/egress.git"}),
    github_push(commits=[{"id": COMMIT, "added": [], "modified": ["README.md"], "removed": []}]),
]


@pytest.mark.parametrize("payload", OTHERS)
def test_what_does_not_concern_us_is_ignored_politely(service: ServiceDesk, payload: dict[str, Any]) -> None:
    """Another branch, a tag, a deleted branch, another repository, files that are no definitions: 200 and why."""
    answer = sent(service, github(payload))

    assert 200 == answer.status
    assert isinstance(answer.body, dict)
    assert "ignored" == answer.body["outcome"]
    assert answer.body["because"]
    assert [] == asked(service)


def test_a_ping_is_answered(service: ServiceDesk) -> None:
    """GitHub sends one when the webhook is set up."""
    assert 200 == sent(service, github({"zen": "Design for failure."}, "ping")).status
    assert [] == asked(service)


def test_the_payloads_commit_is_for_people_alone(service: ServiceDesk) -> None:
    """What is no commit is not kept, and control characters of a name neither."""
    sent(service, github(github_push(after="; rm -rf /", pusher={"name": "jo\x1b[2J\ud800\n" + "x" * 500})))
    intent = service.memory.read(HUB).intent

    assert () == intent.commits
    assert intent.by[0].isprintable()
    assert len(intent.by[0]) < 100


def test_the_same_delivery_twice_is_one_pass(service: ServiceDesk) -> None:
    """No list of seen deliveries: the second one finds nothing left to do, and a redelivery of a lost one is not swallowed."""
    for _ in range(2):
        assert 202 == sent(service, github(github_push())).status

    service.work()

    assert 1 == service.fetches


def test_storage_that_does_not_answer_is_said_so(service: ServiceDesk) -> None:
    """The sender may send it again: nothing was promised."""
    service.memory.unreachable = True

    answer = sent(service, github(github_push()))

    assert 503 == answer.status
    assert [] == service.queue.sent


def test_the_first_push_of_all_starts_the_first_pass() -> None:
    """Nobody knows a hub yet: nothing is fetched at the door, one message finds what Git defines, and the pass is made."""
    service = ServiceDesk.with_platform()
    service.known = set()

    answers = [sent(service, github(github_push())) for _ in range(2)]
    fetched = service.fetches
    ran = service.work()

    assert [202, 202] == [answer.status for answer in answers]
    assert 0 == fetched
    assert 1 == ran.count(Ran.PASSED)
    assert ["the first push"] == service.chronicle.entries(HUB)[0]["by"]


def test_a_first_push_beside_the_definitions_is_ignored() -> None:
    """A README is no reason to look."""
    service = ServiceDesk.with_platform()
    service.known = set()
    readme = [{"id": COMMIT, "added": [], "modified": ["README.md"], "removed": []}]

    assert 200 == sent(service, github(github_push(commits=readme))).status
    assert [] == service.queue.sent


@pytest.mark.parametrize("moment", range(1, 7))
def test_a_first_look_that_is_killed_is_taken_up(moment: int) -> None:
    """Recorded and not sent, or not even that: the message comes again and finds either."""
    service = ServiceDesk.with_platform()
    service.known = set()
    sent(service, github(github_push()))
    service.crash_at(moment)
    with suppress(Killed):
        service.deliver()
    service.on_call = lambda _when, _name: None

    ran = service.work_for(700)

    assert Ran.PASSED in ran
    assert not service.memory.read(HUB).pending


def test_a_first_look_without_a_repository_comes_again() -> None:
    """The message is not completed: the host hands it out once more."""
    service = ServiceDesk.with_platform()
    service.known = set()
    service.source_problem = "Git is away"
    sent(service, github(github_push()))

    with pytest.raises(StateError, match="Git is away"):
        service.deliver()
