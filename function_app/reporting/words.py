"""The words of the closed enums, and how times and foreign text are shown to people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from function_app.model.plan import ChangeReason, Stage, Verb, WaitsFor
from function_app.model.report import Result

SIGNS: Mapping[Verb, str] = {Verb.CREATE: "+", Verb.UPDATE: "~", Verb.DELETE: "-"}

REASONS: Mapping[ChangeReason, str] = {
    ChangeReason.NEW: "new",
    ChangeReason.EDITED: "edited",
    ChangeReason.RENUMBERED: "renumbered",
    ChangeReason.MOVED: "moved",
    ChangeReason.REMOVED: "removed",
    ChangeReason.DRIFT: "drift",
    ChangeReason.RELEASE: "this release renders it differently",
    ChangeReason.ADOPTED: "adopted",
    ChangeReason.BLOCKED: "blocked",
    ChangeReason.UNBLOCKED: "no longer blocked",
    ChangeReason.EXPIRED: "expired",
    ChangeReason.RETRY: "tried again",
}

WAITS: Mapping[WaitsFor, str] = {
    WaitsFor.POOLED: "its pool",
    WaitsFor.SERVING: "its gateway pods",
    WaitsFor.ADVERTISED: "its routes on the Route Server",
    WaitsFor.PERMITTED: "its firewall rules",
    WaitsFor.ROUTED: "its namespaces to be pointed",
    WaitsFor.FIREWALL_BUSY: "the firewall's running operation",
    WaitsFor.FIREWALL_BACKOFF: "the pause after failed firewall operations",
    WaitsFor.BACKOFF: "a pause: somebody keeps changing it back",
    WaitsFor.DRAIN: "connections of the former gateway to end",
    WaitsFor.QUARANTINE: "the range's quarantine to end",
    WaitsFor.UNPOINTED: "nothing to point at its gateway",
    WaitsFor.PODS_GONE: "gateway pods to be gone",
    WaitsFor.BLOCKS_GONE: "address blocks to be gone",
    WaitsFor.RULES_GONE: "firewall rules to be gone",
    WaitsFor.ROUTES_GONE: "routes to be gone",
    WaitsFor.BLOCK_SHARD: "the block to be in force",
    WaitsFor.NAMESPACE: "a namespace that does not exist",
    WaitsFor.FOREIGN: "something foreign to go",
    WaitsFor.TARGET: "a target that cannot be read",
    WaitsFor.WAIVER: "a person's waiver",
    WaitsFor.DEFINITION: "a corrected definition",
    WaitsFor.FABRIC: "the cluster's BGP fabric to settle",
    WaitsFor.ROUTE_SERVER_BUSY: "the Route Server's running operation",
    WaitsFor.LEDGER: "the ledger",
    WaitsFor.PERSON: "a person",
    WaitsFor.SUSPENDED: "its suspension to end",
    WaitsFor.CHANGE_WINDOW: "a change window to open",
    WaitsFor.ROLLOUT: "its turn in the rollout",
    WaitsFor.UNAPPROVED: "an approval",
}

RESULTS: Mapping[Result, str] = {
    Result.CREATED: "created",
    Result.UPDATED: "updated",
    Result.DELETED: "deleted",
    Result.ADOPTED: "adopted",
    Result.STARTED: "started",
    Result.PENDING: "left for the next pass",
    Result.SKIPPED: "skipped",
    Result.FAILED: "FAILED",
}

STAGES: tuple[Stage, ...] = (Stage.POOLED, Stage.SERVING, Stage.ADVERTISED, Stage.PERMITTED, Stage.ROUTED)
"""The way up, in order."""


def waits_in_words(codes: tuple[str, ...]) -> str:
    """What an attachment or a change waits for, as an enumeration; codes that this release does not know stand as they are."""
    return ", ".join(WAITS[WaitsFor(code)] if code in WaitsFor else plain(code) for code in codes)


def steps(stage: str) -> str:
    """How far the way up has been gone, as five dots: `●●●○○`; empty when the attachment is not on it."""
    if stage == Stage.ABSENT:
        return "○" * len(STAGES)
    if stage not in STAGES:
        return ""
    reached = STAGES.index(Stage(stage)) + 1
    return "●" * reached + "○" * (len(STAGES) - reached)


def lasting(duration: timedelta) -> str:
    """A length of time in its two largest units: `45 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    seconds = max(0, int(duration.total_seconds()))
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    first = next((index for index, (_, size) in enumerate(units) if seconds >= size), len(units) - 1)
    parts: list[str] = []
    for name, size in units[first : first + 2]:
        count, seconds = divmod(seconds, size)
        if count or not parts:
            parts.append(f"{count} {name}")
    return " ".join(parts)


def moment(at: datetime) -> str:
    """A time for people: `2026-11-23 06:40:05 UTC`, as stored, to the second."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def short(commit: str) -> str:
    """A commit as people quote it."""
    return plain(commit[:10])


def plain(text: str) -> str:
    """Text of others without what would move a terminal's cursor or colour it; line ends stay."""
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def counted(number: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
