"""What calico-node tells of a node's BGP sessions, for every CalicoNodeStatus that asks.

Belongs here: `status.bgp.peersV4` and `lastUpdated`, after the CRD of Calico Enterprise v3.23.1 and calico-node's
status reporter. A status is as old as its period allows: while nobody reads the objects nothing is written, and what a
reader gets is never older than `updatePeriodSeconds` of a node that is alive. Classes other than BGP are left empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.model.bgp.fabric import applies, sessions_of
from simulator.model.bgp.inputs import Inputs, Speaker, read_inputs
from simulator.model.bgp.views import ClusterView
from simulator.model.kubernetes.controllers import ObjectStore, Wake
from simulator.model.kubernetes.store import Event, Key, timestamp
from simulator.model.trees import Object

KIND = "CalicoNodeStatus"
DEFAULT_PERIOD_SECONDS = 10.0

type Outside = Callable[[str], frozenset[str]]
"""The peers outside the cluster with which the node of an address has a session."""


class NodeStatusReporter:
    """Writes the status of CalicoNodeStatus objects.

    `ticking`: each period by itself, for a place where nobody says that an object is about to be read; otherwise `report_due`
    is called before each reading. Nodes in `silent` do not report any more.
    """

    watches = frozenset({KIND})

    def __init__(self, store: ObjectStore, view: ClusterView, outside: Outside, *, ticking: bool) -> None:
        self.silent: set[str] = set()
        self._store = store
        self._view = view
        self._outside = outside
        self._ticking = ticking

    def wakes(self, event: Event) -> Iterable[Wake]:
        """An object that appears."""
        return [(event.key, 0.0)] if event.old is None and self._ticking else ()

    def reconcile(self, key: Key) -> float | None:
        """Report one node, and again when the period is over."""
        found = self._store.get(KIND, *key)
        if found is None:
            return None
        self._report(found, read_inputs(self._view))
        return period_of(found) if self._ticking else None

    def report_due(self) -> None:
        """Report every node whose last report is a period old."""
        now = self._store.now()
        due = [one for one in self._store.list(KIND) if now - _updated(one) >= timedelta(seconds=period_of(one))]
        inputs = read_inputs(self._view) if due else None
        for one in due:
            if inputs is not None:
                self._report(one, inputs)

    def _report(self, found: Object, inputs: Inputs) -> None:
        node = next((one for one in inputs.speakers if one.name == (found["spec"].get("node") or "")), None)
        if node is None or not node.ready or node.name in self.silent:
            return
        status: dict[str, Any] = {"lastUpdated": timestamp(self._store.now())}
        if "BGP" in (found["spec"].get("classes") or ()):
            status["bgp"] = self._sessions(node, inputs)
        self._store.update_status(KIND, {**found, "status": status})

    def _sessions(self, node: Speaker, inputs: Inputs) -> Mapping[str, Any]:
        up = self._outside(node.address)
        peers = [
            {"peerIP": other.address, "state": "Established" if other.ready else "Active", "type": kind}
            for other, kind in sessions_of(node, inputs)
        ]
        peers += [
            {
                "peerIP": peer.peer_ip,
                "state": "Established" if peer.peer_ip in up else "Active",
                "type": "NodePeer" if peer.node or peer.node_selector else "GlobalPeer",
            }
            for peer in inputs.peers
            if peer.peer_ip and applies(peer, node)
        ]
        established = sum(peer["state"] == "Established" for peer in peers)
        return {
            "numberEstablishedV4": established,
            "numberNotEstablishedV4": len(peers) - established,
            "numberEstablishedV6": 0,
            "numberNotEstablishedV6": 0,
            "peersV4": peers,
        }


def period_of(status: Object) -> float:
    """How often a node reports, in seconds."""
    return float(status["spec"].get("updatePeriodSeconds") or DEFAULT_PERIOD_SECONDS)


def _updated(status: Object) -> datetime:
    """When the node reported last; long ago when it never did."""
    text = (status.get("status") or {}).get("lastUpdated")
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
