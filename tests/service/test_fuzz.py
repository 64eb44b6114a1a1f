"""Anything at all at the webhook's door: never a 5xx, never anything queued for who shows no secret.

A few seconds here; `EGRESS_FUZZ_SECONDS=3600 pytest tests/service/test_fuzz.py` goes on for an hour.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from time import monotonic
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service.service_desk import ServiceDesk
from service.test_intake import GATE, sent
from webhooks.deliveries import (
    OLD,
    SENDERS,
    Delivery,
    azure_devops_merge,
    github_pull_request,
    gitlab_merge_request,
)

SECONDS = float(os.environ.get("EGRESS_FUZZ_SECONDS", "3"))
EXAMPLES = 80
HEADERS = [
    "content-type",
    "content-encoding",
    "authorization",
    "x-github-event",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-gitlab-event",
    "x-gitlab-token",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-egress-secret",
    "x-egress-signature",
]
WORDS = [
    "",
    "push",
    "pull_request",
    "Push Hook",
    "Merge Request Hook",
    "System Hook",
    "application/json",
    "sha256=",
    "sha256=" + "0" * 64,
    "v1,",
    "Basic",
    "Basic Og==",
    "Basic =",
    "\ud800",
    "ü",
    "\x00",
    " ",
    ":",
    "a" * 10_000,
]
ODD: list[Any] = [None, True, 0, -1, 1e308, "", "0" * 40, "\ud800", "refs/heads/main", [], {}, [[]], [None], {"": {}}]

header = st.one_of(st.sampled_from(WORDS), st.text(max_size=40))
headers = st.dictionaries(st.sampled_from(HEADERS), header, max_size=len(HEADERS))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
bodies = st.one_of(st.binary(max_size=200), values.map(lambda value: json.dumps(value).encode()))


def judged(sender: str, delivery: Delivery, *, genuine: bool) -> int:
    """One delivery; the status, which is never a 5xx, and nothing is queued but for who is genuine."""
    service = ServiceDesk(DESK)
    answer = sent(service, delivery, replace(GATE, provider=SENDERS[sender][0]))
    assert answer.status < 500
    assert json.dumps(answer.body)
    assert genuine or not (service.queue.sent or service.memory.hubs)
    assert bool(service.queue.sent) == (answer.status == 202)
    return answer.status


DESK = ServiceDesk.with_platform().desk
FUZZ = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("sender", SENDERS)
@FUZZ
@given(headers=headers, body=bodies)
def test_strangers_leave_nothing_behind(sender: str, headers: dict[str, str], body: bytes) -> None:
    """Any headers, any body, no secret: refused, for whichever provider."""
    assert judged(sender, Delivery(headers, body), genuine=False) in (401, 413)


@pytest.mark.parametrize("sender", SENDERS)
@FUZZ
@given(body=bodies, event=header)
def test_who_knows_the_secret_may_still_send_anything(sender: str, body: bytes, event: str) -> None:
    """Genuine nonsense is a 4xx or ignored."""
    delivery = SENDERS[sender][1](body).with_headers(x_github_event=event, x_gitlab_event=event)
    assert judged(sender, delivery, genuine=True) in (200, 400)


def mutated(value: Any, random: Random) -> Any:
    """A payload with one thing in it replaced by something odd, or left out."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.15:
        return random.choice(ODD)
    if isinstance(value, list):
        place = random.randrange(len(value))
        return [mutated(each, random) if number == place else each for number, each in enumerate(value)]
    key = random.choice(list(value))
    rest = {name: each for name, each in value.items() if name != key}
    return rest if random.random() < 0.1 else {**rest, key: mutated(value[key], random)}


SHAPES: list[tuple[str, Callable[[], dict[str, Any]], dict[str, str]]] = [
    *((sender, payload, {}) for sender, (_, _, payload) in SENDERS.items()),
    ("github", github_pull_request, {"x_github_event": "pull_request"}),
    ("gitlab token", gitlab_merge_request, {"x_gitlab_event": "Merge Request Hook"}),
    ("azure-devops password", azure_devops_merge, {}),
]


def test_published_shapes_with_something_odd_in_them() -> None:
    """Every field of every published shape, replaced and left out, for as long as is asked for."""
    seed = int.from_bytes(os.urandom(4)) if "EGRESS_FUZZ_SECONDS" in os.environ else 1
    random = Random(seed)  # noqa: S311 - nothing secret is drawn
    end, statuses, tried = monotonic() + SECONDS, set[int](), 0
    while monotonic() < end:
        for sender, payload, changed in SHAPES:
            body = payload()
            for _ in range(random.choice([1, 1, 1, 2, 3])):
                body = mutated(body, random) if isinstance(body, dict) else body
            raw = json.dumps(body).encode()
            delivery = SENDERS[sender][1](raw).with_headers(**changed)
            try:
                statuses.add(judged(sender, delivery, genuine=True))
                judged(sender, SENDERS[sender][1](raw, secret=OLD[:-1]).with_headers(**changed), genuine=False)
            except AssertionError:
                raise
            except Exception as problem:
                raise AssertionError(f"seed {seed}: {sender} {raw!r}") from problem
            tried += 1
    assert {200, 202, 400} == statuses
    assert tried > len(SHAPES) * 20
