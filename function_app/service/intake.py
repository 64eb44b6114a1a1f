"""Taking in what is asked: recorded for each hub concerned, then a message sent, and answered at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import structlog

from function_app.model.errors import SourceError, StateError
from function_app.model.intent import Intent, Reason
from function_app.model.names import Commit, HubName
from function_app.service.parts import Parts
from function_app.service.requests import Answer, refusal
from function_app.webhooks.filters import is_our_ref, may_touch, same_repository, touched_hubs
from function_app.webhooks.providers import PROVIDERS
from function_app.webhooks.push import Ignored, Malformed, Push
from function_app.webhooks.reading import json_object

_AT_ONCE = 8
"""Hubs that are asked at the same time: each takes three calls to storage, and a webhook is answered within a second."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LONGEST_NAME = 80
_NOBODY = "no definition was touched"


@dataclass(frozen=True, slots=True)
class Gate:
    """Which webhooks are let in. Without secrets none is. `ref` and `folder` are the settings' own."""

    provider: str
    secrets: tuple[str, ...] = field(repr=False)
    repository: str = field(repr=False)
    ref: str
    folder: str
    most_bytes: int


def webhook(provider: str, headers: Mapping[str, str], body: bytes, gate: Gate, parts: Parts) -> Answer:
    """One delivery; `headers` are by lower-case name, `body` the bytes as they came.

    401 unless it is genuine, 4xx for what is malformed, 200 for what asks for nothing, 202 once it is queued, and 503 when that
    failed: then the sender may send it again.
    """
    log = structlog.get_logger().bind(provider=gate.provider)
    sender = PROVIDERS.get(provider)
    if sender is None or provider != gate.provider or not gate.secrets:
        return refusal(404, "No webhook of this kind is accepted here.")
    if len(body) > gate.most_bytes:
        log.warning("webhook.refused", because="too large", size=len(body))
        return refusal(413, f"More than {gate.most_bytes} bytes; the next look by timer brings what was pushed.")
    if not sender.verify(headers, body, gate.secrets):
        log.warning("webhook.refused", because="not genuine")
        return refusal(401, "The signature or secret is missing or wrong.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        return refusal(415, "Compressed bodies are not read; send it plain.")
    if headers.get("content-type", "application/json").partition(";")[0].strip().lower() != "application/json":
        return refusal(415, "Only application/json is read; set that as the webhook's content type.")
    try:
        said = sender.parse(headers, json_object(body))
    except Malformed as problem:
        log.warning("webhook.refused", because="malformed", problem=str(problem))
        return refusal(400, str(problem))
    because = said.because if isinstance(said, Ignored) else _beside_the_point(said, gate)
    if isinstance(said, Ignored) or because:
        log.info("webhook.ignored", because=because)
        return Answer(200, {"outcome": "ignored", "because": because})
    return _queued(provider, said, gate, parts)


def ask(parts: Parts, hubs: Iterable[HubName], intent: Intent, *, spread_seconds: float = 0.0) -> None:
    """Record what is asked for every hub, then send each a message, spread over so many seconds; raises StateError."""
    names = tuple(hubs)

    def send(hub: HubName) -> None:
        parts.passes.send(hub, names.index(hub) * spread_seconds / len(names))

    _each(names, lambda hub: parts.intents.record(hub, intent))
    _each(names, send)


def first_look(parts: Parts) -> None:
    """While nothing is kept of any hub, ask for a first pass over those that Git defines; raises StateError.

    Killed half way, the message comes again and finds some of them known: they are looked at, and whoever reads the tree for
    them finds the others.
    """
    known = parts.known_hubs()
    for hub in known:
        parts.passes.send(hub)
    if known:
        return
    try:
        source = parts.source()
    except SourceError as problem:
        raise StateError(str(problem)) from None
    ask(parts, sorted(source.tree.definitions.hubs), Intent(reasons=frozenset({Reason.PUSH}), by=("the first push",)))


def drift(parts: Parts, interval_seconds: float) -> tuple[HubName, ...]:
    """The timer: messages that were set aside are taken up, and every hub is looked at, spread over the interval.

    Raises StateError; the hubs are returned in the order in which their turn comes.
    """
    log = structlog.get_logger()
    for message in parts.passes.revive():
        log.warning("message.revived", hub=message.hub, since=message.since.isoformat())
    hubs = every_hub(parts)
    ask(parts, hubs, Intent(reasons=frozenset({Reason.TIMER}), by=("timer",)), spread_seconds=interval_seconds)
    log.info("drift.asked", hubs=len(hubs))
    return hubs


def every_hub(parts: Parts) -> tuple[HubName, ...]:
    """The hubs that Git defines and those of which something is kept; the latter alone while Git cannot be read."""
    try:
        defined = parts.source().tree.definitions.hubs
    except SourceError as problem:
        structlog.get_logger().warning("source.unreadable", problem=str(problem))
        return parts.known_hubs()
    return tuple(sorted({*defined, *parts.known_hubs()}))


def _beside_the_point(push: Push, gate: Gate) -> str:
    """Why a push is not about what is in force here, empty when it is."""
    if not same_repository(gate.repository, push.repositories):
        return "another repository"
    if not any(is_our_ref(gate.ref, ref) for ref in push.refs):
        return "another branch or tag"
    return ""


def _queued(provider: str, push: Push, gate: Gate, parts: Parts) -> Answer:
    log = structlog.get_logger().bind(provider=provider)
    intent = Intent(
        reasons=frozenset({Reason.PUSH}),
        commits=(Commit(push.commit),) if _COMMIT.fullmatch(push.commit) else (),
        by=(f"{provider}: {_cleaned(push.by) or 'somebody'}",),
    )
    try:
        known = parts.known_hubs()
        hubs = tuple(HubName(name) for name in touched_hubs(push, gate.folder, known))
        ask(parts, hubs, intent)
        first = not hubs and not known and may_touch(push, gate.folder)
        if first:
            parts.passes.send(None)
    except StateError as problem:
        log.warning("webhook.failed", problem=str(problem))
        return refusal(503, "What was pushed could not be queued; send it again, or wait for the next look by timer.")
    if not hubs and not first:
        log.info("webhook.ignored", because=_NOBODY)
        return Answer(200, {"outcome": "ignored", "because": _NOBODY})
    log.info("webhook.accepted", hubs=list(hubs))
    return Answer(202, {"outcome": "accepted", "hubs": list(hubs)})


def _cleaned(name: str) -> str:
    return "".join(each for each in name if each.isprintable())[:_LONGEST_NAME].strip()


def _each(hubs: tuple[HubName, ...], action: Callable[[HubName], object]) -> None:
    """Do it for each hub, several at once; the first error is raised once all are done."""
    if len(hubs) < 2:
        for hub in hubs:
            action(hub)
        return
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="ask") as pool:
        running = [pool.submit(action, hub) for hub in hubs]
    for each in running:
        each.result()
