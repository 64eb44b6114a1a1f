"""What is asked of hubs, one small blob a hub, written by any number of instances at once.

What was asked is kept by its number, so that a pass which served some of it takes away just that; beyond twenty entries the
newest two become one. Within a process those who ask at the same moment are written together: five hundred pushes are a
few writes, not five hundred that get in each other's way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pydantic import TypeAdapter, ValidationError

from function_app.adapters.state_codec import SCHEMA, NewerSchema, decode_envelope
from function_app.adapters.storage_blobs import BlobContainer, Document, hub_path
from function_app.adapters.together import Together
from function_app.model.errors import StateError
from function_app.model.intent import HubIntent, Intent, all_merged, merged
from function_app.model.names import HubName

MOST_ASKED = 20


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the blob holds. `asked` are (counter, intent), oldest first, all of them above `served`."""

    wanted: int = 0
    served: int = 0
    asked: tuple[tuple[int, Intent], ...] = ()
    look_again_at: datetime | None = None
    served_at: datetime | None = None

    def with_one(self, intent: Intent) -> _Asked:
        """One more."""
        number = self.wanted + 1
        asked = (*self.asked, (number, intent))
        if len(asked) > MOST_ASKED:
            *first, (_, earlier), (_, later) = asked
            asked = (*first, (number, merged(earlier, later)))
        return replace(self, wanted=number, asked=asked)

    def without(self, upto: int, at: datetime) -> _Asked:
        """Less what is served by now."""
        served = max(self.served, min(upto, self.wanted))
        if served == self.served:
            return self
        return replace(self, served=served, served_at=at, asked=tuple(each for each in self.asked if each[0] > served))


_CODEC = TypeAdapter(_Asked)


class IntentBlobs:
    """`Intents` of a container."""

    def __init__(self, container: BlobContainer) -> None:
        self._container = container
        self._lines: dict[HubName, Together[Intent, int]] = {}

    def record(self, hub: HubName, intent: Intent) -> int:
        """Note that somebody asks; returns the hub's counter, which each call raises by one. Raises StateError."""
        name = _name(hub)
        return self._lines.setdefault(hub, Together(partial(self._write, name)))(intent)

    def read(self, hub: HubName) -> HubIntent:
        """Where the hub stands; raises StateError."""
        name = _name(hub)
        asked = _decoded(self._container.read(name), name)
        intent = all_merged(each for _, each in asked.asked)
        return HubIntent(asked.wanted, asked.served, intent, asked.look_again_at, asked.served_at)

    def served(self, hub: HubName, upto: int, at: datetime) -> None:
        """What was asked for up to there is done since then; raises StateError."""
        self._change(_name(hub), lambda asked: asked.without(upto, at))

    def look_again(self, hub: HubName, at: datetime | None) -> bool:
        """Note when the next look is due; True when that is another time than was noted before. Raises StateError."""
        news = False

        def noted(asked: _Asked) -> _Asked:
            nonlocal news
            news = asked.look_again_at != at
            return replace(asked, look_again_at=at)

        self._change(_name(hub), noted)
        return news

    def _write(self, name: str, together: Sequence[Intent]) -> Sequence[int]:
        first = 0

        def with_all(asked: _Asked) -> _Asked:
            nonlocal first
            first = asked.wanted + 1
            for intent in together:
                asked = asked.with_one(intent)
            return asked

        self._change(name, with_all)
        return range(first, first + len(together))

    def _change(self, name: str, change: Callable[[_Asked], _Asked]) -> None:
        def content(document: Document | None) -> bytes | None:
            before = _decoded(document, name)
            after = change(before)
            return _encoded(after) if after != before or document is None else None

        self._container.changed(name, content)


def _name(hub: HubName) -> str:
    return f"{hub_path(hub)}/intent.json"


def _encoded(asked: _Asked) -> bytes:
    values = {"schema": SCHEMA, "intent": _CODEC.dump_python(asked, mode="json")}
    return json.dumps(values, separators=(",", ":")).encode()


def _decoded(document: Document | None, name: str) -> _Asked:
    """What cannot be understood counts as one pass wanted: what was asked is unknown, and a pass looks at everything anyway."""
    if document is None:
        return _Asked()
    try:
        return _CODEC.validate_python(decode_envelope(document.content, name).get("intent"))
    except NewerSchema:
        raise
    except (StateError, ValidationError):
        return _Asked(wanted=1, asked=((1, Intent()),))
