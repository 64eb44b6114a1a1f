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
from simulator.model.kubernetes.trees import Object, name_of, namespace_of

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
        self._started.setdefault(key, started)
        self._started.move_to_end(key)
        while len(self._started) > _REMEMBERED_LISTS:
            self._started.popitem(last=False)
        content = json.dumps({"v": "meta.k8s.io/v1", "rv": started.revision, "start": position(last)})
        return base64.urlsafe_b64encode(content.encode()).decode()

    def first(self, items: Sequence[Object]) -> Started:
        """A list that begins now."""
        return Started(self._store.revision, self._store.now(), items, ("", ""))

    def continued(self, kind: str, namespace: str, token: str) -> Started:
        """The list behind a token; 410 when it is too old, 400 when the token cannot be read."""
        try:
            content = json.loads(base64.urlsafe_b64decode(token))
            revision, after = int(content["rv"]), (str(content["start"][0]), str(content["start"][1]))
        except (ValueError, LookupError, TypeError) as error:
            raise bad_request(f"invalid continue token: continue key is not valid: {type(error).__name__}") from error
        started = self._started.get((revision, kind, namespace))
        oldest = self._store.now() - timedelta(seconds=CONTINUE_SECONDS)
        if started is None or started.taken < oldest or self._store.revision - revision > CONTINUE_CHANGES:
            raise expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list "
                "without the continue parameter."
            )
        return Started(revision, started.taken, started.items, after)


def position(item: Object) -> Key:
    """Where an object stands in a list."""
    return namespace_of(item), name_of(item)
