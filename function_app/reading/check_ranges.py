"""Cross-file rules on ranges: who overlaps whom, and whether an attachment lies where its cluster's egress ranges lie.

Ranges either nest or are disjoint, so one walk over all of them in order of address, with a stack of those that are still
open, finds every overlap without comparing each with each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from ipaddress import IPv4Network
from itertools import islice

from function_app.model.errors import Problem
from function_app.reading.candidate import Attached, Candidate, usable
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path

MAX_PARTNERS = 5
"""So many overlaps are told of one range; a tree in which all are equal would have millions."""


class Use(Enum):
    """What a range is for."""

    ATTACHMENT = auto()
    EGRESS = auto()
    VNET = auto()
    OCCUPIED = auto()
    """Node, pod and service ranges."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One range that somebody uses; `owner` says who, `hub` which hub's network it is part of."""

    range: IPv4Network
    use: Use
    owner: str
    file: ParsedFile
    path: Path
    hub: str = ""


def overlaps(tree: Candidate) -> Iterator[Problem]:
    """No range overlaps another where that would misattribute or drop traffic."""
    open_claims: list[Claim] = []
    for claim in sorted(_claims(tree), key=lambda each: (int(each.range.network_address), each.range.prefixlen)):
        while open_claims and open_claims[-1].range.broadcast_address < claim.range.network_address:
            open_claims.pop()
        partners = list(islice((other for other in reversed(open_claims) if _clash(other, claim)), MAX_PARTNERS))
        occupied = {other.file.path for other in partners if other.use is Use.OCCUPIED}
        for other in partners:
            # A node subnet lies in its VNet: the narrower of the two says enough.
            if not (other.use is Use.VNET and other.file.path in occupied):
                yield _overlap(tree, other, claim)
        open_claims.append(claim)


def inside_egress_cidr(tree: Candidate) -> Iterator[Problem]:
    """An attachment's range lies in its cluster's egress CIDR; one that lies in a VNet is named by `overlaps` instead."""
    occupied = [claim.range for claim in _claims(tree) if claim.use in {Use.VNET, Use.OCCUPIED}]
    egress = {cluster.name: usable(cluster.definition.spec.egress_cidr) for cluster in tree.clusters}
    for attached in tree.attachments:
        cluster = tree.cluster_by_name.get(attached.attachment.cluster)
        own = egress.get(attached.attachment.cluster)
        mine = attached.range
        if mine is None or own is None or cluster is None or mine.subnet_of(own):
            continue
        if any(mine.overlaps(range_) for range_ in occupied):
            continue
        other = next((name for name, range_ in egress.items() if range_ and mine.subnet_of(range_)), "")
        which = f"; it lies in that of cluster `{other}`" if other else ""
        message = f"{mine} lies outside {own}, the egress CIDR of cluster `{attached.attachment.cluster}`{which}."
        hint = f"Take a free range inside {own}."
        path = (*attached.path, "cidr")
        code = "outside-egress-cidr"
        yield tree.problem(attached.tenant.file, path, code, message, hint, others=(cluster.file.path,))


def _claims(tree: Candidate) -> Iterator[Claim]:
    for hub in tree.hubs:
        for index, text in enumerate(hub.definition.spec.vnet):
            yield from _claim(
                text, Use.VNET, f"the VNet of hub `{hub.name}`", hub.file, ("spec", "vnet", index), hub.name
            )
    for cluster in tree.clusters:
        spec = cluster.definition.spec
        name = f"cluster `{cluster.name}`"
        where: Path = ("spec", "network")
        for index, text in enumerate(spec.network.vnet):
            yield from _claim(text, Use.VNET, f"the VNet of {name}", cluster.file, (*where, "vnet", index), spec.hub)
        for key, text in (
            ("nodes", spec.network.nodes),
            ("pods", spec.network.pods),
            ("services", spec.network.services),
        ):
            owner = f"the {key.removesuffix('s')} range of {name}"
            yield from _claim(text, Use.OCCUPIED, owner, cluster.file, (*where, key))
        yield from _claim(
            spec.egress_cidr, Use.EGRESS, f"the egress CIDR of {name}", cluster.file, ("spec", "egressCIDR")
        )
    for attached in tree.attachments:
        if attached.range is not None:
            yield _attachment_claim(attached, attached.range)


def _claim(text: str, use: Use, owner: str, file: ParsedFile, path: Path, hub: str = "") -> Iterator[Claim]:
    if (range_ := usable(text)) is not None:
        yield Claim(range_, use, owner, file, path, hub)


def _attachment_claim(attached: Attached, range_: IPv4Network) -> Claim:
    return Claim(range_, Use.ATTACHMENT, str(attached), attached.tenant.file, (*attached.path, "cidr"))


def _clash(one: Claim, other: Claim) -> bool:
    uses = {one.use, other.use}
    if uses in ({Use.ATTACHMENT}, {Use.EGRESS}):
        return True
    if uses == {Use.VNET}:
        # Peered VNets cannot overlap; ranges within one file are judged there.
        return one.hub == other.hub and one.file.path != other.file.path
    return not (uses <= {Use.VNET, Use.OCCUPIED} or uses == {Use.ATTACHMENT, Use.EGRESS})


def _overlap(tree: Candidate, one: Claim, other: Claim) -> Problem:
    """Told at the changed file, else at the one that can move: the attachment, then the egress CIDR."""
    rank = {Use.ATTACHMENT: 2, Use.EGRESS: 1, Use.VNET: 0, Use.OCCUPIED: 0}
    partner, told = sorted(
        (one, other),
        key=lambda claim: (tree.is_changed(claim.file), rank[claim.use], claim.file.path, _order(claim.path)),
    )
    message = (
        f"{told.range} of {told.owner} overlaps {partner.range} of {partner.owner} "
        f"({partner.file.places.value(partner.path)})."
    )
    if told.use is Use.ATTACHMENT:
        hint = "Take a range that nobody uses, inside the cluster's egress CIDR."
    elif told.use is Use.EGRESS:
        hint = "Take a range that no cluster, VNet, pod, service or other egress CIDR of any hub uses."
    else:
        hint = "Correct the one that is wrong; egress ranges lie outside every VNet, pod and service range."
    return tree.problem(told.file, told.path, "overlap", message, hint, others=(partner.file.path,))


def _order(path: Path) -> tuple[str, ...]:
    return tuple(f"{step:09}" if isinstance(step, int) else step for step in path)
