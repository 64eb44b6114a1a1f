"""What BIRD and GoBGP show for the published example's filter and for ours, as the page has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from clusters import REFLECTOR, Cluster, Thing, a_cluster, tenant_range
from places import INSTANCES
from rendering import functions
from speakers import Network, is_fence

PAGE = Path(__file__).parents[2] / "docs" / "bgp.md"
_REPLY_CODE = re.compile(r"^(\d{4}[- ]| )")
_SINCE = re.compile(r" \d\d:\d\d:\d\d( from \S+)?\]")
_PREFIX = re.compile(r"\d+\.\d+\.\d+\.\d+/\d+ ")
BEGIN, END = "<!-- speakers -->\n", "<!-- /speakers -->"


def published(*ranges: str) -> Cluster:
    """Two tenants under the published example's filter, one `Reject NotIn` for each."""
    cluster = a_cluster(len(ranges))
    rules: list[Thing] = [{"action": "Reject", "matchOperator": "NotIn", "cidr": cidr} for cidr in ranges]
    cluster.filter(*rules)
    return cluster


def shown(network: Network, cluster: Cluster) -> Iterator[str]:
    """The filter as BIRD has it, what the reflector exports, and what the instance learned; without times and fences."""
    network.settle(cluster)
    yield from (f"    {line}" for line in functions(cluster))
    yield ""
    session = f"Node_{INSTANCES[0].replace('.', '_')}"
    yield f"    bird> show route export {session}"
    lines = [
        _REPLY_CODE.sub("", line) for line in network.birds[REFLECTOR].ask(f"show route export {session}").splitlines()
    ]
    routes = [_SINCE.sub("]", line) for line in lines if _PREFIX.match(line) and not is_fence(line)]
    yield from (f"    {line}" for line in sorted(routes, key=_address))
    yield ""
    peer = network.instances[0].peer
    yield "    $ gobgp neighbor 10.1.0.4 adj-in"
    head, *rows = map(_columns, network.instances[0].show("neighbor", peer, "adj-in").splitlines())
    learned = sorted((row for row in rows if not is_fence(row)), key=_address)
    yield from (f"    {row}" for row in (head, *learned))


def _address(row: str) -> IPv4Network:
    return IPv4Network(row.split(maxsplit=1)[0])


def _columns(row: str) -> str:
    """Network, next hop and AS path; the age changes and the attributes say nothing more."""
    _, prefix, hop, path, *_ = re.split(r"  +", row.strip())
    return f"{prefix:<18} {hop:<12} {path}"


@pytest.mark.usefixtures("node_interfaces")
def test_the_page_shows_what_the_speakers_show(network: Network, request: pytest.FixtureRequest) -> None:
    """To the letter; `make golden` renews it."""
    ranges = (tenant_range(0), tenant_range(1))
    text = "\n".join(
        [
            "The published example's filter, two tenants:",
            "",
            *shown(network, published(*ranges)),
            "",
            "Ours, the same two tenants:",
            "",
            *shown(network, a_cluster(2)),
            "",
        ]
    )
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    recorded, after = rest.split(END)
    if request.config.getoption("--renew-golden"):
        PAGE.write_text(before + BEGIN + text + END + after, encoding="utf-8")
        return
    assert text == recorded
