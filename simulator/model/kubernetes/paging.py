"""Lists that come in pages: every page shows what the first one saw, until that is too old.

Belongs here: continue tokens and what they stand for.
"""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.model.kubernetes.refusals import bad_request, expired
from simulator.model.kubernetes.store import Key, Store
from simulator.model.trees import Object, name_of, namespace_of

CONTINUE_SECONDS = 300
"""How long a list can be continued: kube-apiserver compacts etcd every five minutes."""
CONTINUE_CHANGES = 1000
"""After how many writes a list can no longer be continued."""
_REMEMBERED_LISTS = 64


@dataclass(frozen=True, slots=True)
class Started:
    """A list as its first page saw it; `after` is the last object that was shown."""

    revision: int
    taken: datetime
    items: Sequence[Object]
    after: Key


class StartedLists:
    """The lists of one cluster that can be continued."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._started: OrderedDict[tuple[int, str, str], Started] = OrderedDict()

    def forget(self) -> None:
        """Let no started list be continued."""
        self._started.clear()

    def token(self, started: Started, kind: str, namespace: str, last: Object) -> str:
        """Remember a list, and give the token that continues it after `last`."""
        key = (started.revision, kind, namespace)
        known = self._started.get(key)
        # Without a write in between a later list has the same revision; it is the later one's age that counts.
        if known is None or known.taken < started.taken:
            self._started[key] = started
        self._started.move_to_end(key)
        while len(self._started) > _REMEMBERED_LISTS:
            self._started.popitem(last=False)
        return self._token(started.revision, position(last))

    def first(self, items: Sequence[Object]) -> Started:
        """A list that begins now."""
        return Started(self._store.revision, self._store.now(), items, ("", ""))

    def _present(self, kind: str, namespace: str) -> Sequence[Object]:
        collection = self._store[kind]
        return collection.within(namespace) if namespace else collection.listing()

    @staticmethod
    def _token(revision: int, after: Key) -> str:
        content = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": after})
        return base64.urlsafe_b64encode(content.encode()).decode()

    def continued(self, kind: str, namespace: str, token: str) -> Started:
        """The list behind a token; 410 when it is too old, 400 when the token cannot be read."""
        try:
            content = json.loads(base64.urlsafe_b64decode(token))
            revision, after = int(content["rv"]), (str(content["start"][0]), str(content["start"][1]))
        except (ValueError, LookupError, TypeError) as error:
            raise bad_request(f"invalid continue token: continue key is not valid: {type(error).__name__}") from error
        if revision == _NOW:
            return Started(self._store.revision, self._store.now(), self._present(kind, namespace), after)
        started = self._started.get((revision, kind, namespace))
        oldest = self._store.now() - timedelta(seconds=CONTINUE_SECONDS)
        if started is None or started.taken < oldest or self._store.revision - revision > CONTINUE_CHANGES:
            raise expired(_TOO_OLD, self._token(_NOW, after))
        return Started(revision, started.taken, started.items, after)


_NOW = -1
"""The revision in a token that goes on with what there is now, whatever changed since the first page."""
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with "
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time "
    "the first chunk was returned and now may show up in the list."
)


def position(item: Object) -> Key:
    """Where an object stands in a list."""
    return namespace_of(item), name_of(item)
