"""What the service answered for branches: a small document a hub and commit, on local files or on blobs.

It lies beside the hubs' own documents, not among them, since a branch may speak of a hub that there is not yet. The newest twenty
different answers for a commit are kept. An answer takes a few KiB, and some 150 KiB for each tenant where hundreds of others' rules
name every source; how long it is kept is for the storage's rules to say, and one that is gone makes an approval count nothing,
never more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from function_app.adapters.durable_files import exclusive, hub_folder, replace_file
from function_app.model.approval import Meaning, Shown
from function_app.model.errors import StateError
from function_app.model.names import Commit, HubName, TenantName

if TYPE_CHECKING:
    # 15 MiB and 0.2 s that a desk without storage has no use for.
    from function_app.adapters.storage_blobs import BlobContainer, Document

FOLDER = "shown"
MOST_ANSWERS = 20
_SCHEMA = 1


class ShownBlobs:
    """`ShownPlans` in a container."""

    def __init__(self, container: BlobContainer) -> None:
        self._container = container

    def add(self, hub: HubName, shown: Shown) -> None:
        """Note an answer, unless the last one for that commit was the same; raises StateError."""
        name = _path(hub, shown.head).as_posix()

        def with_it(document: Document | None) -> bytes | None:
            return _with(_decoded(document.content, name) if document is not None else (), shown)

        self._container.changed(name, with_it)

    def of(self, hub: HubName, head: Commit) -> tuple[Shown, ...]:
        """The answers for a commit, oldest first; raises StateError."""
        name = _path(hub, head).as_posix()
        document = self._container.read(name)
        return _decoded(document.content, name) if document is not None else ()


class ShownFiles:
    """`ShownPlans` below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, hub: HubName, shown: Shown) -> None:
        """Note an answer, unless the last one for that commit was the same; raises StateError."""
        path = self._folder / _path(hub, shown.head)
        path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(path.with_name("shown.lock"), "What was answered for branches"):
            content = _with(self.of(hub, shown.head), shown)
            if content is not None:
                replace_file(path, content.decode())

    def of(self, hub: HubName, head: Commit) -> tuple[Shown, ...]:
        """The answers for a commit, oldest first; raises StateError."""
        path = self._folder / _path(hub, head)
        try:
            return _decoded(path.read_bytes(), str(path))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StateError(f"{path} cannot be read ({error.strerror}).") from None


def _path(hub: HubName, head: Commit) -> Path:
    if not head.isalnum():
        raise StateError(f"`{head}` is no commit.")
    return hub_folder(Path(FOLDER), hub) / f"{head}.json"


def _with(known: tuple[Shown, ...], shown: Shown) -> bytes | None:
    """The document with one more answer; None when it is there already. The first time that it was given is what counts."""
    if known and _digests(known[-1]) == _digests(shown):
        return None
    kept = [*known, shown][-MOST_ANSWERS:]
    return json.dumps({"schema": _SCHEMA, "answers": [_encoded(one) for one in kept]}, separators=(",", ":")).encode()


def _digests(shown: Shown) -> dict[TenantName, str]:
    return {name: meaning.digest for name, meaning in shown.tenants.items()}


def _encoded(shown: Shown) -> dict[str, Any]:
    return {
        "head": shown.head,
        "at": shown.at.isoformat(),
        "day": shown.day.isoformat(),
        "tenants": {
            name: {"plan": one.plan, "asks": one.asks, "reach": one.reach, "digest": one.digest}
            for name, one in shown.tenants.items()
        },
    }


def _decoded(content: bytes, name: str) -> tuple[Shown, ...]:
    try:
        values = json.loads(content)
        if values["schema"] != _SCHEMA:
            raise StateError(f"{name} was written by another release of this program.")
        return tuple(_shown(one) for one in values["answers"])
    except (ValueError, KeyError, TypeError):
        raise StateError(
            f"{name} cannot be understood; delete it and have the plan shown and approved again."
        ) from None


def _shown(values: Mapping[str, Any]) -> Shown:
    return Shown(
        head=Commit(values["head"]),
        at=datetime.fromisoformat(values["at"]),
        day=date.fromisoformat(values["day"]),
        tenants={
            TenantName(name): Meaning(one["plan"], _frozen(one["asks"]), _frozen(one["reach"]), str(one["digest"]))
            for name, one in values["tenants"].items()
        },
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value
