"""Actions on the network under the tenants, with arguments by chance."""

from __future__ import annotations

from random import Random

from search import proposals
from search.actions import Action
from search.history import History
from search.worlds import CLUSTERS

_BGP_EDITS = (
    {"nodeToNodeMeshEnabled": True},
    {"asNumber": 64999},
    {"nodeToNodeMeshEnabled": True, "asNumber": 64999},
    {"logSeverityScreen": "Debug"},
)
_CLUSTER_IDS = (None, None, "244.0.0.1", "9.9.9.9")


def fabric(random: Random, history: History) -> Action:
    """Reflectors, sessions, Route Server, and clusters that come and go."""
    cluster, which = random.choice(CLUSTERS), random.randrange(4)
    maker = random.choice((_reflectors, _reflectors, _inside, _route_server, _route_server, _clusters))
    return maker(random, cluster, which) if random.random() < 0.75 else proposals.node(random, history)


def _reflectors(random: Random, cluster: str, which: int) -> Action:
    return random.choice(
        (
            Action("label_node", (cluster, which, True)),
            Action("label_node", (cluster, which, random.random() < 0.5)),
            Action("set_cluster_id", (cluster, which, random.choice(_CLUSTER_IDS))),
            Action("set_cluster_id", (cluster, which, None)),
            Action("silence_status", (cluster, which, random.random() < 0.6)),
        )
    )


def _inside(random: Random, cluster: str, which: int) -> Action:
    del which
    kind, name = random.choice((("BGPConfiguration", "default"), ("BGPPeer", "peer-with-route-reflectors")))
    return random.choice(
        (
            Action("edit_bgp", (cluster, random.choice(_BGP_EDITS))),
            Action("edit_bgp", (cluster, random.choice(_BGP_EDITS))),
            Action("delete_part_of_bgp", (cluster, kind, name)),
            Action("rival_peering", (cluster,)),
            Action("delete_part_of_bgp", (cluster, "BGPPeer", "rivals")),
            Action("change_asn", (cluster, random.choice((64999, 63400)))),
        )
    )


def _route_server(random: Random, cluster: str, which: int) -> Action:
    number = random.randrange(8)
    return random.choice(
        (
            Action("flap", (number, random.choice((10, 40, 200)))),
            Action("deafen", (random.randrange(2), True)),
            Action("deafen", (random.randrange(2), False)),
            Action("drop_connection", (number,)),
            Action("drop_connection", (number,)),
            Action("spoil_connection", (number, random.choice((64999, 63400)))),
            Action("connect_by_hand", (cluster, which)),
            Action("crowd", (random.choice((2, 4, 5, 7)),)),
            Action("disperse"),
        )
    )


def _clusters(random: Random, cluster: str, which: int) -> Action:
    del which
    return random.choice(
        (
            Action("leave", (cluster, True)),
            Action("leave", (cluster, False)),
            Action("leave", (cluster, False)),
            Action("undefine", (cluster,)),
            Action("rebuild", (cluster,)),
            Action("forget", (cluster,)),
            Action("remember", (cluster,)),
        )
    )
