"""One rule of a firewall policy as sets of connections: those that it surely matches, and those that it may match.

What a rule may match is what Azure's documents, or this side of the firewall, leave open; each such part says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from function_app.planning.reachability.spans import Spans, names_ending_in, one_name, union
from function_app.planning.reachability.traffic import (
    ADDRESSES,
    NAMED,
    PORTS,
    TRANSPORTS,
    WEB,
    Application,
    Box,
    Transport,
    addresses,
)

RuleBody = Mapping[str, Any]
"""One rule as ARM speaks it."""


class Layer(StrEnum):
    """Whose rule it is: the base policy's, or the policy's own."""

    BASE = "base policy"
    OWN = "policy"
    AZURE = "Azure"


@dataclass(frozen=True, slots=True)
class RuleName:
    """Where a rule stands."""

    layer: Layer
    group: str
    collection: str
    rule: str

    def __str__(self) -> str:
        base = "base policy, " if self.layer is Layer.BASE else ""
        return f"{base}{self.group}/{self.collection}/{self.rule}"


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Connections that a rule may match, and why nobody can tell from here."""

    box: Box
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `sure` and `doubtful` may overlap each other; what is sure counts."""

    name: RuleName
    allow: bool
    sure: tuple[Box, ...]
    doubtful: tuple[Doubtful, ...]
    sources: Spans[int]
    """Every source that it may match."""
    body: RuleBody

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Everything that it may match."""
        return (*self.sure, *(one.box for one in self.doubtful))


_PRIVATE = addresses(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/3",
    )
)
_PUBLIC = ADDRESSES - _PRIVATE
"""Service tags hold public addresses (Microsoft publishes them as "Azure IP Ranges and Service Tags"), `AzurePlatform...` aside."""
_TRANSPORTS = {
    "tcp": Spans(((Transport.TCP.value, Transport.TCP.value + 1),)),
    "udp": Spans(((Transport.UDP.value, Transport.UDP.value + 1),)),
    "icmp": Spans(((Transport.ICMP.value, Transport.ICMP.value + 1),)),
    "any": TRANSPORTS,
}
TCP = _TRANSPORTS["tcp"]
_APPLICATIONS = {"http": Application.HTTP, "https": Application.HTTPS, "mssql": Application.MSSQL}
_ONLY_INSPECTED = {
    "fqdnTags": "which names the FQDN tag {} stands for is Azure's to say",
    "webCategories": "which names belong to the web category {} is Azure's to say",
    "targetUrls": "the URL {} is seen only where TLS is inspected",
}
_ELSEWHERE = {
    "sourceKubeSelectorGroups": "which pods the selector group {} picks is not known here",
    "sourceGeoLocations": "which addresses lie in {} is Azure's to say",
}


def compiled(name: RuleName, *, allow: bool, body: RuleBody) -> Rule:
    """One rule's sets. A rule without a destination, a port or a source matches nothing."""
    sources, strangers = _sources(body)
    application = str(body.get("ruleType", "")).lower() == "applicationrule"
    sure, doubtful = _application_boxes(body) if application else _network_boxes(body)
    boxes = tuple(replace(box, sources=sources) for box in sure) if sources else ()
    doubts = [Doubtful(replace(one.box, sources=sources), one.reason) for one in doubtful if sources]
    for reason in strangers:
        # Elsewhere in the network it may be anybody: every part of the rule is open for every source.
        doubts += [Doubtful(box, reason) for box in (*sure, *(one.box for one in doubtful))]
    everybody = ADDRESSES if strangers else sources
    return Rule(name, allow, boxes, tuple(one for one in doubts if one.box), everybody, body)


def _sources(body: RuleBody) -> tuple[Spans[int], tuple[str, ...]]:
    known, tags = _addresses(tuple(body.get("sourceAddresses") or ()))
    reasons = [f"which addresses are behind {tag} is not known here" for tag in tags]
    reasons += [
        f"who is in the IP group {_last(group)} is not known here" for group in body.get("sourceIpGroups") or ()
    ]
    reasons += [text.format(_last(one)) for key, text in _ELSEWHERE.items() for one in body.get(key) or ()]
    return known, tuple(reasons)


def _network_boxes(body: RuleBody) -> tuple[list[Box], list[Doubtful]]:
    transports = union(
        part for one in body.get("ipProtocols") or () for part in _TRANSPORTS.get(one.lower(), _NONE).parts
    )
    with_ports = transports - _TRANSPORTS["icmp"]
    ports = union(_port_interval(text) for text in body.get("destinationPorts") or ())
    known, tags = _addresses(tuple(body.get("destinationAddresses") or ()))
    # ICMP has no ports: a rule for it matches whatever ports it names.
    shapes = [
        box
        for box in (Box(transports=with_ports, ports=ports), Box(transports=transports & _TRANSPORTS["icmp"]))
        if box
    ]
    doubts = [(_behind(tag), f"which addresses the service tag {tag} stands for changes weekly") for tag in tags]
    for key, words in (
        ("destinationFqdns", "which addresses {} has at the firewall is for its DNS to say"),
        ("destinationIpGroups", "which addresses are in the IP group {} is not known here"),
        ("destinationGeoLocations", "which addresses lie in {} is Azure's to say"),
    ):
        doubts += [(ADDRESSES, words.format(_last(one))) for one in body.get(key) or ()]
    sure = [replace(box, destinations=known) for box in shapes if known]
    return sure, [Doubtful(replace(box, destinations=where), why) for box in shapes for where, why in doubts]


def _application_boxes(body: RuleBody) -> tuple[list[Box], list[Doubtful]]:
    """HTTP, HTTPS and MSSQL over TCP, by Host or SNI."""
    ports: dict[Application, list[tuple[int, int]]] = {}
    for one in body.get("protocols") or ():
        kind, port = _APPLICATIONS.get(str(one.get("protocolType", "")).lower()), int(one.get("port") or 0)
        if kind is not None:
            ports.setdefault(kind, []).append((port, port + 1))
    texts = tuple(body.get("destinationAddresses") or ())
    known, tags = _addresses(texts)
    where = known if texts else ADDRESSES
    shapes = [
        Box(
            transports=TCP,
            ports=union(numbers),
            applications=Spans(((kind.value, kind.value + 1),)),
            destinations=where,
        )
        for kind, numbers in sorted(ports.items())
    ]
    names = _names(tuple(body.get("targetFqdns") or ()))
    sure = [replace(box, names=names) for box in shapes if names and where]
    doubts = [
        Doubtful(replace(box, names=apex), why)
        for apex, why in _apexes(tuple(body.get("targetFqdns") or ()))
        for box in shapes
    ]
    for key, words in _ONLY_INSPECTED.items():
        doubts += [
            Doubtful(replace(box, names=NAMED), words.format(one)) for one in body.get(key) or () for box in shapes
        ]
    for tag in tags:
        reason = f"which addresses the service tag {tag} stands for changes weekly"
        doubts += [Doubtful(replace(box, names=names, destinations=_behind(tag)), reason) for box in shapes]
    return sure, doubts


@lru_cache(maxsize=8_192)
def _names(patterns: tuple[str, ...]) -> Spans[str]:
    """An asterisk stands at the left end and for anything: `*x.com` takes in look-alikes, `*.x.com` several labels."""
    return union(names_ending_in(text[1:]) if text.startswith("*") else one_name(text) for text in patterns if text)


@lru_cache(maxsize=8_192)
def _apexes(patterns: tuple[str, ...]) -> tuple[tuple[Spans[str], str], ...]:
    """The names on which the documents are silent: `example.com` under `*.example.com`."""
    return tuple(
        (Spans((one_name(text[2:]),)), f"Azure does not document whether {text} takes in {text[2:]}")
        for text in patterns
        if text.startswith("*.") and len(text) > 2
    )


@lru_cache(maxsize=8_192)
def _addresses(texts: tuple[str, ...]) -> tuple[Spans[int], tuple[str, ...]]:
    """Addresses, CIDRs, `a-b` and `*` as one set; what is none of these, service tags, by itself."""
    intervals, tags = list[tuple[int, int]](), list[str]()
    for text in texts:
        interval = _address_interval(text)
        if interval is None:
            tags.append(text)
        else:
            intervals.append(interval)
    return union(intervals), tuple(tags)


def _address_interval(text: str) -> tuple[int, int] | None:
    if text == "*":
        return ADDRESSES.parts[0]
    first, dash, last = text.partition("-")
    try:
        if dash:
            return int(IPv4Address(first.strip())), int(IPv4Address(last.strip())) + 1
        network = IPv4Network(text, strict=False)
    except ValueError:
        return None
    return int(network.network_address), int(network.broadcast_address) + 1


def _port_interval(text: str) -> tuple[int, int]:
    if text == "*":
        return PORTS.parts[0]
    first, _, last = str(text).partition("-")
    return int(first), int(last or first) + 1


def _behind(tag: str) -> Spans[int]:
    return ADDRESSES if tag.lower().startswith("azureplatform") else _PUBLIC


def _last(text: str) -> str:
    """An ARM id's last part."""
    return str(text).rpartition("/")[2]


_NONE: Spans[int] = Spans()

INFRASTRUCTURE = Rule(
    RuleName(Layer.AZURE, "built-in", "infrastructure", "infrastructure"),
    allow=True,
    sure=(),
    doubtful=(
        Doubtful(
            Box(transports=TCP, applications=WEB, names=Spans((names_ending_in(".core.windows.net"),))),
            "Azure's built-in infrastructure collection allows some storage names and does not list them",
        ),
    ),
    sources=ADDRESSES,
    body={},
)
"""What Azure lets pass after all application rules and before the default denial (Microsoft Learn, infrastructure-fqdns)."""
