"""The names of our BGP connections: they carry no tags, so a name is all that tells ours from others'."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from function_app.model.names import ClusterName
from function_app.model.resources import PeerConnection

NAME_PREFIX = "egress-gitops-"
_LONGEST_NAME = 80
_ADDRESS = r"[0-9]{1,3}(-[0-9]{1,3}){3}"
_LONGEST_CLUSTER = _LONGEST_NAME - len(NAME_PREFIX) - len("-255-255-255-255")


def connection_name(cluster: ClusterName, address: str) -> str:
    """The name of our connection to a node: 80 characters at most, a longer cluster name cut and told apart by a digest."""
    shown = str(cluster)
    if len(shown) > _LONGEST_CLUSTER:
        digest = hashlib.sha256(shown.encode()).hexdigest()[:8]
        shown = f"{shown[: _LONGEST_CLUSTER - 9]}-{digest}"
    return f"{NAME_PREFIX}{shown}-{address.replace('.', '-')}"


def is_ours(cluster: ClusterName, peer: PeerConnection) -> bool:
    """The connection bears the name that we would give it."""
    return peer.name == connection_name(cluster, peer.peer_ip)


def cluster_of(name: str, clusters: Iterable[ClusterName]) -> ClusterName | None:
    """The cluster to a node of which a connection of this name leads; None for a name that we would give to none of them."""
    return next((one for one in clusters if re.fullmatch(re.escape(connection_name(one, "")) + _ADDRESS, name)), None)
