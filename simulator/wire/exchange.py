"""What a caller gets for a call: the answer, or what a fault makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.model.faults import Action, Fault
from simulator.wire.messages import JSON, Answer, Routed

_PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the connection ends. Without an answer it is closed after `wait` real seconds, at once and hard with `reset`.

    `cut` sends the headers for the whole body and half of it.
    """

    answer: Answer | None = None
    wait: float = 0.0
    cut: bool = False
    reset: bool = False
    virtual_wait: float = 0.0


def deliver(routed: Routed, fault: Fault | None) -> Delivery:
    """Let the call happen, as far as the fault allows; the caller holds the world's lock."""
    if fault is None:
        return Delivery(routed.effect())
    match fault.action:
        case Action.REFUSE:
            return Delivery(routed.refusal(fault))
        case Action.TIMEOUT_BEFORE:
            return Delivery(wait=fault.seconds)
        case Action.UNREACHABLE | Action.CRASH_BEFORE:
            return Delivery(reset=True)
        case Action.EMPTY_OBJECT:
            return Delivery(Answer(200, b"{}", JSON))
        case _:
            return _after_the_effect(routed.effect(), fault)


def _after_the_effect(answer: Answer, fault: Fault) -> Delivery:
    match fault.action:
        case Action.CUT:
            return Delivery(answer, cut=True)
        case Action.HTML:
            return Delivery(Answer(200, _PAGE, "text/html"))
        case Action.TRUNCATED:
            return Delivery(replace(answer, status=200, body=answer.body[: len(answer.body) // 2]))
        case Action.SLOW if fault.real:
            return Delivery(answer, wait=fault.seconds)
        case Action.SLOW:
            return Delivery(answer, virtual_wait=fault.seconds)
        case Action.CRASH_AFTER:
            return Delivery(reset=True)
        case _:
            return Delivery(wait=fault.seconds)
