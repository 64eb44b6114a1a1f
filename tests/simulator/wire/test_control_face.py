"""The control face: state, time, packets, nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from raw_client import Ask, Wire, walkthrough

PACKET = {"cluster": "spoke1-aks", "namespace": "default", "url": "http://www.tigera.io"}


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A fresh walkthrough over HTTPS."""
    with walkthrough() as running:
        yield running


@pytest.fixture
def ask(wire: Wire) -> Ask:
    """A raw client of it."""
    return wire.ask


def test_a_packet_is_denied_before_anything_is_set_up(ask: Ask) -> None:
    """The pod leaves as its node, and no rule allows it: the client sees 470."""
    packet = ask("POST", "/_control/packet", PACKET).json
    assert (packet["verdict"], packet["source"], packet["http_status"], packet["tenant"]) == (
        "denied",
        "10.1.0.7",
        470,
        "",
    )


def test_packets_are_kept_and_asked_for_by_time(ask: Ask) -> None:
    """`since` leaves out what was before."""
    ask("POST", "/_control/packet", PACKET)
    ask("POST", "/_control/advance", {"seconds": 60})
    ask("POST", "/_control/packet", PACKET | {"url": "https://example.com"})
    assert [packet["url"] for packet in ask("GET", "/_control/packets").json] == [
        "http://www.tigera.io",
        "https://example.com",
    ]
    later = ask("GET", "/_control/packets?since=2026-11-23T08:00:30Z").json
    assert [packet["url"] for packet in later] == ["https://example.com"]


def test_state_shows_clusters_hubs_and_time(ask: Ask) -> None:
    """Enough to see what a reconciler has done."""
    state = ask("GET", "/_control/state").json
    assert state["clock"] == "2026-11-23T08:00:00+00:00"
    assert state["clusters"]["spoke2-aks"]["pools"] == {"default-ipv4-ippool": "10.245.0.0/16"}
    assert state["hubs"]["hub1"]["policies"]["tenants"] == {"state": "Succeeded", "groups": {}}


def test_a_node_is_replaced(ask: Ask) -> None:
    """An upgrade takes a node away and brings another; Azure's connection still points at the old one."""
    node = {"name": "spoke2-9", "address": "10.2.0.20", "reflector": True}
    assert ask("POST", "/_control/node", {"cluster": "spoke2-aks", "replace": "spoke2-0", "by": node}).status == 200
    listed = ask("GET", "/kubernetes/spoke2-aks/api/v1/nodes").json["items"]
    assert [each["metadata"]["name"] for each in listed] == ["spoke2-1", "spoke2-2", "spoke2-9"]
    connections = ask("GET", "/_control/state").json["hubs"]["hub1"]["route_server"]["connections"]
    assert connections["spoke2-aks-spoke2-0"]["peerIp"] == "10.2.0.4"


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        ("advance", {"seconds": -1}, "seconds"),
        ("advance", {}, "seconds"),
        ("advance", b"no json", "expected"),
        ("packet", PACKET | {"cluster": "spoke9"}, "spoke1-aks, spoke2-aks"),
        ("packet", PACKET | {"url": "gopher://x"}, "scheme"),
        ("node", {"cluster": "spoke2-aks", "replace": "n", "by": {"name": "m", "address": "10.2.0.20"}}, "no node"),
        (
            "node",
            {"cluster": "spoke2-aks", "replace": "spoke2-0", "by": {"name": "m", "address": "10.9.0.9"}},
            "outside",
        ),
        (
            "node",
            {"cluster": "spoke2-aks", "replace": "spoke2-0", "by": {"name": "m", "address": "10.2.0.5"}},
            "spoke2-1",
        ),
    ],
)
def test_what_cannot_be_done_says_why(ask: Ask, path: str, body: Any, word: str) -> None:
    """Every refusal is 400 and says what was wrong."""
    answer = ask("POST", f"/_control/{path}", body)
    assert (answer.status, word in answer.body.decode()) == (400, True), answer.body


def test_a_since_without_a_zone_is_refused(ask: Ask) -> None:
    """Times are told in full."""
    assert ask("GET", "/_control/packets?since=2026-11-23T08:00:30").status == 400
    assert ask("GET", "/_control/packets?since=noon").status == 400
