"""The control face: what an experimenter does to the world that no Kubernetes or Azure API offers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from simulator.model.documents import NodeDocument
from simulator.model.faults import Action, Fault
from simulator.model.world import ImpossibleWorld, World
from simulator.wire.messages import Answer, Request, json_answer


class Refused(Exception):
    """The control face does not do that; the message says what to write instead."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Advance(_Body):
    """Let virtual time pass."""

    seconds: Annotated[float, Field(ge=0, le=366 * 86400)]


class PacketRequest(_Body):
    """Let a workload open one connection."""

    cluster: str
    namespace: str
    url: str
    pod: str | None = None


class NodeReplacement(_Body):
    """Replace a node by one of another name and address, as an upgrade of the node pool does."""

    cluster: str
    replace: str
    by: NodeDocument


_FAULTS = TypeAdapter(list[Fault])


class ControlFace:
    """`/_control/...`; needs no token, reaches the world directly and is never struck by faults."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._actions: Mapping[tuple[str, str], tuple[Callable[[Request], Any], str]] = {
            ("GET", "state"): (self._state, "the world as JSON"),
            ("GET", "time"): (self._time, "virtual time; it is also every answer's Date header"),
            ("POST", "advance"): (self._advance, '{"seconds": 60}: let virtual time pass'),
            ("GET", "faults"): (self._pending_faults, "faults that can still strike"),
            ("POST", "faults"): (self._add_faults, '[{"action": "refuse", "target": "firewall/*", "verb": "put"}]'),
            ("DELETE", "faults"): (self._clear_faults, "take all faults back"),
            ("POST", "packet"): (self._packet, '{"cluster", "namespace", "url"}: verdict, source, rule, tenant'),
            ("GET", "packets"): (self._packets, "?since=TIME: packets sent so far"),
            ("GET", "calls"): (self._calls, "how often each target was called, by verb and kind"),
            ("POST", "node"): (self._node, '{"cluster", "replace": NAME, "by": {"name", "address"}}'),
        }

    def route(self, request: Request) -> Answer:
        """Do what the path says; an unknown path answers with the list of what exists."""
        key = (request.method, "/".join(request.segments[1:]))
        known = self._actions.get(key)
        if known is None:
            listing = {f"{method} /_control/{name}": text for (method, name), (_, text) in self._actions.items()}
            return json_answer({"error": f"there is no {request.method} {request.path}", "exists": listing}, 404)
        try:
            return json_answer(known[0](request))
        except ValidationError as error:
            problems = [
                {"where": ".".join(map(str, problem["loc"])), "what": problem["msg"]} for problem in error.errors()
            ]
            return json_answer({"error": "the body does not fit", "problems": problems, "expected": known[1]}, 400)
        except (Refused, ImpossibleWorld) as error:
            return json_answer({"error": str(error), "expected": known[1]}, 400)

    def _state(self, _: Request) -> Any:
        return self._world.state()

    def _time(self, _: Request) -> Any:
        return {"now": self._world.clock.now().isoformat()}

    def _advance(self, request: Request) -> Any:
        self._world.advance(Advance.model_validate_json(request.body).seconds)
        return self._time(request)

    def _pending_faults(self, _: Request) -> Any:
        return [
            fault.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            for fault in self._world.faults.pending()
        ]

    def _add_faults(self, request: Request) -> Any:
        faults = _FAULTS.validate_json(request.body)
        if any(fault.action in (Action.CRASH_BEFORE, Action.CRASH_AFTER) for fault in faults):
            raise Refused(
                "a crash ends the calling process, which no server can do; use timeout-before or timeout-after"
            )
        self._world.faults.add(*faults)
        return self._pending_faults(request)

    def _clear_faults(self, request: Request) -> Any:
        self._world.faults.clear()
        return self._pending_faults(request)

    def _packet(self, request: Request) -> Any:
        asked = PacketRequest.model_validate_json(request.body)
        if asked.cluster not in self._world.clusters:
            raise Refused(
                f"there is no cluster {asked.cluster!r}; there are: {', '.join(sorted(self._world.clusters))}"
            )
        try:
            packet = self._world.send(asked.cluster, asked.namespace, asked.url, pod=asked.pod)
        except ValueError as error:
            raise Refused(str(error)) from error
        return packet.as_json()

    def _packets(self, request: Request) -> Any:
        since = _moment(request.query.get("since", ""))
        return [packet.as_json() for packet in self._world.packets if since is None or packet.at >= since]

    def _calls(self, _: Request) -> Any:
        return [
            {"target": target, "verb": verb, "kind": kind, "count": count}
            for (target, verb, kind), count in sorted(self._world.faults.calls.items())
        ]

    def _node(self, request: Request) -> Any:
        asked = NodeReplacement.model_validate_json(request.body)
        self._check_cluster(asked.cluster)
        self._world.replace_node(asked.cluster, asked.replace, asked.by)
        return {"replaced": asked.replace, "by": asked.by.name}

    def _check_cluster(self, name: str) -> None:
        if name not in self._world.clusters:
            raise Refused(f"there is no cluster {name!r}; there are: {', '.join(sorted(self._world.clusters))}")


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"since={text!r} is no time; write one such as 2026-11-23T08:00:00Z") from error
    if moment.tzinfo is None:
        raise Refused(f"since={text!r} names no time zone; write a Z at its end")
    return moment
