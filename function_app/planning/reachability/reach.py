"""One question and its answer: may these sources reach that destination, which rule decides, and what is left open.

A destination by name has no address here. Network rules for few addresses would decide otherwise only if DNS answered with
one of them: the answer stands and says so. Where they are many, the answer is undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Network
from urllib.parse import urlsplit

from function_app.planning.reachability.judging import Part, Verdict, judge
from function_app.planning.reachability.policy import Policy
from function_app.planning.reachability.rules import RuleName
from function_app.planning.reachability.spans import Spans, count, one_name
from function_app.planning.reachability.traffic import (
    ADDRESSES,
    NO_NAME,
    PORTS,
    Application,
    Box,
    Transport,
    addresses,
    ranges_of,
)

FEW_ADDRESSES = 1 << 16
"""So many addresses may a name have to avoid without an answer becoming undecided."""
_SCHEMES: dict[str, tuple[int | None, Transport, Application]] = {
    "http": (80, Transport.TCP, Application.HTTP),
    "https": (443, Transport.TCP, Application.HTTPS),
    "mssql": (1433, Transport.TCP, Application.MSSQL),
    "tcp": (None, Transport.TCP, Application.OTHER),
    "udp": (None, Transport.UDP, Application.OTHER),
}


class Says(StrEnum):
    """An answer; DIFFERS means that some of the sources or destinations may and others may not."""

    ALLOW = "allow"
    DENY = "deny"
    DIFFERS = "differs"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Destination:
    """What is asked about. `box` has every source; `by_name` means that only DNS knows the address."""

    text: str
    host: str
    box: Box
    by_name: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """`rule` decides, None for the default denial; `because` says what is open or differs, `unless` what DNS could change."""

    says: Says
    rule: RuleName | None
    because: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    @property
    def decided_by(self) -> str:
        """The deciding rule in words."""
        return str(self.rule) if self.rule is not None else "no rule matches: the firewall denies by default"


def destination_of(text: str) -> Destination:
    """`https://www.example.com`, `tcp://198.51.100.20:443`, or an address or range for everything sent there; ValueError else."""
    if "://" not in text:
        try:
            network = IPv4Network(text)
        except ValueError:
            raise ValueError("it is neither a URL nor an address or range without host bits") from None
        return Destination(text, text, Box(destinations=addresses((network,)), names=NO_NAME), by_name=False)
    url = urlsplit(text)
    if url.scheme not in _SCHEMES or not url.hostname:
        raise ValueError(f"it begins with none of {', '.join(f'{scheme}://' for scheme in _SCHEMES)}")
    usual, transport, application = _SCHEMES[url.scheme]
    port = url.port or usual
    if port is None:
        raise ValueError(f"{url.scheme}:// needs a port: {url.scheme}://{url.hostname}:PORT")
    try:
        where, by_name = addresses((IPv4Network(url.hostname),)), False
    except ValueError:
        where, by_name = ADDRESSES, True
    # What is no HTTP, HTTPS or MSSQL shows no name to the firewall.
    seen = url.hostname if by_name and application is not Application.OTHER else ""
    box = Box(
        transports=_only(transport),
        destinations=where,
        ports=_only(port),
        applications=_only(application),
        names=Spans((one_name(seen),)),
    )
    return Destination(text, url.hostname, box, by_name)


def _only(number: int) -> Spans[int]:
    return Spans(((int(number), int(number) + 1),))


def ask(policy: Policy, sources: Spans[int], destination: Destination) -> Answer:
    """May these sources, all of them, reach the destination."""
    parts = judge(policy, replace(destination.box, sources=sources))
    main = [part for part in parts if not (destination.by_name and _is_rare(part))]
    verdicts = {part.verdict for part in main}
    if Verdict.UNDECIDED in verdicts:
        open_parts = [part for part in main if part.verdict is Verdict.UNDECIDED]
        first = open_parts[0].rule
        because = dict.fromkeys(doubt for part in open_parts for doubt in part.doubts)
        return Answer(Says.UNDECIDED, first.name if first is not None else None, tuple(because))
    if len(verdicts) > 1:
        return _differing(main, destination)
    says = Says(verdicts.pop().value) if verdicts else Says.DENY
    named = next((part.rule.name for part in main if part.rule is not None), None)
    return Answer(says, named, unless=tuple(_exceptions(parts, says, destination)))


def _is_rare(part: Part) -> bool:
    return count(part.box.destinations) <= FEW_ADDRESSES


def _differing(parts: list[Part], destination: Destination) -> Answer:
    """Some pass and some do not: by where they go, or by where they come from."""
    passing = [part for part in parts if part.verdict is Verdict.ALLOW]
    rule = passing[0].rule
    named = rule.name if rule is not None else None
    stopped = [part for part in parts if part.verdict is Verdict.DENY]
    apart = not any(one.box.destinations & other.box.destinations for one in passing for other in stopped)
    if destination.by_name and apart:
        return Answer(
            Says.UNDECIDED, named, (f"it depends on which address {destination.host} has: {named} allows some",)
        )
    return Answer(Says.DIFFERS, named, (f"{named} allows part of it: {_narrower(passing, stopped)}",))


def _narrower(passing: list[Part], stopped: list[Part]) -> str:
    """What tells the connections that pass from those that do not: their sources, their destinations, or what they speak."""
    for side, word in (("sources", "from"), ("destinations", "to")):
        mine, theirs = ([getattr(part.box, side) for part in parts] for parts in (passing, stopped))
        if not any(one & other for one in mine for other in theirs):
            return f"{word} {_shown(mine)}"
    spoken = dict.fromkeys(words for part in passing for words in _spoken(part.box))
    return ", ".join(list(spoken)[:5])


def _spoken(box: Box) -> Iterator[str]:
    for transport in Transport:
        if transport.value not in box.transports:
            continue
        if transport is Transport.ICMP or box.ports == PORTS:
            yield f"all of {transport.name}"
            continue
        for first, behind in box.ports.parts:
            yield f"{transport.name} {first}" if behind == first + 1 else f"{transport.name} {first}-{behind - 1}"


def _exceptions(parts: Iterable[Part], says: Says, destination: Destination) -> Iterator[str]:
    for part in parts:
        if destination.by_name and _is_rare(part) and part.verdict.value != says.value:
            does = {"allow": "allows", "deny": "denies", "undecided": "may decide otherwise about"}[part.verdict.value]
            rule = part.rule.name if part.rule is not None else "the default denial"
            yield f"{destination.host} has an address in {_shown([part.box.destinations])}, which {rule} {does}"


def _shown(sets: Iterable[Spans[int]]) -> str:
    ranges = [str(network) for one in sets for network in ranges_of(one)]
    shown = list(dict.fromkeys(text.removesuffix("/32") for text in ranges))
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
