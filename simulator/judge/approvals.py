"""On a hub that applies what was approved: nothing that a tenant gains without somebody else's approval of what was shown.

What counts is asked of the pull requests as people made them, not of what the Git host answers. A tenant's gains are told apart by
URL, range and namespace: how gateways are made is left out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from function_app.model.ledger import Record, RecordKind
from function_app.model.names import Commit
from simulator.judge.asking import Asked
from simulator.judge.cluster_writes import Finding
from simulator.judge.records import REBUILT
from simulator.judge.violations import Invariant
from simulator.model.world import World

Gain = tuple[str, ...]
"""`("url", URL, last day)`, `("range", cluster, CIDR)` or `("namespace", cluster, name)`."""


@dataclass(frozen=True, slots=True)
class Version:
    """One pushed state of a pull request. `asked` is the tree after merging it, `denied` what others denied as it was shown."""

    head: Commit
    asked: Asked
    denied: frozenset[str]
    shown_at: datetime | None


@dataclass
class Given:
    """Somebody's approval of one version."""

    by: str
    version: Version
    at: datetime
    withdrawn: bool = False


@dataclass
class Pull:
    """A merged pull request, whose newest version is `newest`."""

    number: int
    author: str
    newest: Version
    given: list[Given] = field(default_factory=list)


def denied_by_others(world: World, hub: str) -> frozenset[str]:
    """Names that rules of other people's groups deny to everybody."""
    policy = world.hubs[hub].policies.policy(world.hubs[hub].document.firewall.policy)
    return frozenset(
        str(name)
        for key, group in policy.groups.items()
        if not key.startswith("egress-")
        for collection in group.shown.get("ruleCollections") or ()
        if collection["action"]["type"] == "Deny"
        for rule in collection["rules"]
        for name in rule.get("targetFqdns") or ()
    )


class ApprovalJudge:
    """`pulls` are merged pull requests by the commit they came in as; None for a hub that applies whatever is merged."""

    def __init__(self, world: World, hub: str, urls: Sequence[str]) -> None:
        self.pulls: Mapping[Commit, Sequence[Pull]] | None = None
        self.denied_when_read = frozenset[str]()
        """What others denied when the groups of the tenants' policy were listed last."""
        self._world = world
        self._hub = hub
        self._urls = tuple(urls)
        self._had: dict[str, frozenset[Gain]] = {}

    def listed(self, policy: str) -> None:
        """The groups of a policy were listed, for a pass or for a review; the answer may be long in coming."""
        if self.pulls is not None and policy == self._world.hubs[self._hub].document.firewall.policy:
            self.denied_when_read = denied_by_others(self._world, self._hub)

    def begin(self, asked: Asked) -> None:
        """A pass begins: from now on it may take up what is approved."""
        if self.pulls is None:
            return
        for tenant in map(str, asked.tree.definitions.tenants):
            self._had[tenant] = self._had.get(tenant, frozenset()) | self._approved(asked, tenant)

    def taken_up(self, asked: Asked) -> None:
        """All of this tree is in force: what it does not ask for needs an approval again."""
        for tenant, had in self._had.items():
            kept = self._asks(asked, tenant)
            # The rules of a tenant that leaves go after its gateways.
            leaves = tenant not in map(str, asked.tree.definitions.tenants)
            reach = (gain if leaves else self._within(asked, tenant, gain) for gain in had if gain[0] == "url")
            self._had[tenant] = had & kept | {gain for gain in reach if gain is not None}

    def trust(self, asked: Asked) -> None:
        """A person lets in everything that is merged."""
        for tenant in map(str, asked.tree.definitions.tenants):
            self._had[tenant] = self._had.get(tenant, frozenset()) | self._asks(asked, tenant)

    def wrote(self, properties: Mapping[str, Any], asked: Asked, on: date) -> Iterator[Finding]:
        """A shard of ours as it will be in force, from a pass that began on that day."""
        if self.pulls is None:
            return
        for tenant, url in self._let_pass(properties):
            if not asked.allows(tenant, url, on) and tenant in map(str, asked.tree.definitions.tenants):
                yield Invariant.APPROVED, f"{tenant} is still allowed {url}, which Git has taken away"
            yield from self._gained(tenant, ("url", url, on.isoformat()), asked)

    def appended(self, record: Record, asked: Asked) -> Iterator[Finding]:
        """A record that gives a range or a namespace."""
        if self.pulls is None or record.author == REBUILT:
            return
        tenant, cluster = str(record.tenant), str(record.cluster)
        if record.kind is RecordKind.RESERVE:
            yield from self._gained(tenant, ("range", cluster, str(record.range)), asked)
        if record.kind is RecordKind.ROUTE:
            for name in record.namespaces:
                yield from self._gained(tenant, ("namespace", cluster, str(name)), asked)

    def _gained(self, tenant: str, gain: Gain, asked: Asked) -> Iterator[Finding]:
        if not _covered(gain, self._had.get(tenant, frozenset())) and not _covered(gain, self._approved(asked, tenant)):
            yield Invariant.APPROVED, f"{tenant} gains {' '.join(gain)}, which nobody else has approved as it was shown"

    def _approved(self, asked: Asked, tenant: str) -> frozenset[Gain]:
        """By the pull requests that brought what the tenant is in this tree."""
        files = {f"tenants/{tenant}.yaml"}
        commits = {
            one.commit
            for path, one in asked.tree.provenance.items()
            if path in files or path.startswith(("rulesets/", "clusters/"))
        }
        found: set[Gain] = set()
        for pull in (one for commit in commits for one in (self.pulls or {}).get(commit, ())):
            for given in pull.given:
                if _counts(given, pull):
                    found |= self._shown(given.version, tenant)
        return frozenset(found)

    def _shown(self, version: Version, tenant: str) -> frozenset[Gain]:
        """Without names that others deny or allow otherwise than when it was shown."""
        moved = version.denied ^ denied_by_others(self._world, self._hub)
        return frozenset(
            gain
            for gain in self._asks(version.asked, tenant)
            if gain[0] != "url" or urlsplit(gain[1]).hostname not in moved
        )

    def _asks(self, asked: Asked, tenant: str) -> frozenset[Gain]:
        days = {url: asked.until(tenant, url) for url in self._urls}
        found: set[Gain] = {("url", url, last.isoformat()) for url, last in days.items() if last is not None}
        for cluster in self._world.clusters:
            wanted = asked.range_of(tenant, cluster)
            if wanted is not None:
                found.add(("range", cluster, str(wanted)))
                found |= {("namespace", cluster, name) for name in asked.namespaces_of(tenant, cluster)}
        return frozenset(found)

    @staticmethod
    def _within(asked: Asked, tenant: str, gain: Gain) -> Gain | None:
        """What this tree leaves of a URL that the tenant had: until the earlier of both days, or nothing."""
        kind, url, until = gain
        last = asked.until(tenant, url)
        return (kind, url, min(until, last.isoformat())) if last is not None else None

    def _let_pass(self, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for collection in properties.get("ruleCollections") or ():
            tenant = str(collection["name"]).removesuffix("-app").removesuffix("-net")
            if collection["action"]["type"] == "Allow":
                for url in self._urls:
                    if any(_lets_pass(rule, url) for rule in collection["rules"]):
                        yield tenant, url


def _covered(gain: Gain, given: frozenset[Gain]) -> bool:
    """It was given as it is, or a URL until that day or longer."""
    return gain in given or (gain[0] == "url" and any(gain[:2] == one[:2] and gain[2] <= one[2] for one in given))


def _counts(given: Given, pull: Pull) -> bool:
    shown = given.version.shown_at
    return given.by != pull.author and not given.withdrawn and shown is not None and shown < given.at


def _lets_pass(rule: Mapping[str, Any], url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "tcp":
        return any(host == str(one).partition("/")[0] for one in rule.get("destinationAddresses") or ())
    return any(fnmatchcase(host, str(name)) for name in rule.get("targetFqdns") or ())
