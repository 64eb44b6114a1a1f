"""How changes come into Git, and pull requests on a hub that applies what was approved: what people do before merging.

There every commit comes in as a pull request of `ada`. What happens to it before the merge is the manner of the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from function_app.gathering import Patience
from function_app.model.errors import EgressError
from function_app.model.names import HubName
from function_app.model.tree import Tree
from function_app.ports import HubPorts
from function_app.reviewing import Compared, compared, read_surroundings, review
from function_app.service.showing import plans_shown
from search.actions import Group, deed
from search.desk import IN_ORDER
from search.git_host import APPROVED, BY_AUTHOR, OVERTAKEN, TAKEN_BACK, TOO_EARLY, UNSEEN, GitHost
from search.history import History
from search.rule_collections import rule_collection
from search.worlds import HUB, SITES
from simulator.judge.approvals import Given, Pull, Version
from simulator.judge.asking import Asked
from simulator.model.errors import ArmError
from simulator.model.faults import Crash

AUTHOR, REVIEWER = "ada", "sec"
DENIED = "a name is denied to everybody"
A_LOOK = timedelta(seconds=1)
"""What was shown is approved later than that, if hardly."""


@dataclass(frozen=True)
class _Targets:
    """The history's own targets, for the review."""

    history: History

    @property
    def patience(self) -> Patience:
        """One after the other."""
        return IN_ORDER

    def ports(self, _hub: HubName, _tree: Tree) -> HubPorts:
        """There is one hub."""
        return self.history.desk.ports


def merge(history: History, changes: Mapping[str, str | None]) -> None:
    """Merge, where a Git host is by way of a pull request, and remember what Git holds now."""
    if history.host is None:
        history.desk.commit(dict(changes))
    else:
        _by_pull_request(history, history.host, changes)
    history.merged()


def _by_pull_request(history: History, host: GitHost, changes: Mapping[str, str | None]) -> None:
    """Propose, let happen what happens these days, and merge."""
    given, less = list[Given](), dict(_less(history, changes)) if host.manner == TOO_EARLY else dict(changes)
    newest = _version(history, host, less, shown=host.manner != UNSEEN)
    if host.manner == TOO_EARLY:
        given += _approved(history, newest)
    if less != changes:
        newest = _version(history, host, changes)
    if host.manner in (APPROVED, BY_AUTHOR, UNSEEN, TAKEN_BACK, OVERTAKEN):
        given += _approved(history, newest, AUTHOR if host.manner == BY_AUTHOR else REVIEWER)
    if host.manner == OVERTAKEN:
        deny(history, SITES[1])
    history.desk.commit(dict(changes))
    number = 1 + sum(map(len, host.pulls.values()))
    pull = Pull(number, AUTHOR, newest, given)
    host.pulls.setdefault(history.desk.repository.resolve("main"), []).append(pull)
    if host.manner == TAKEN_BACK:
        take_back(history)


def _version(history: History, host: GitHost, changes: Mapping[str, str | None], *, shown: bool = True) -> Version:
    """A pushed version of a pull request, and whether the service could show what it means.

    What others denied is what they did when the firewall was read: a target that does not answer lets a review take a while.
    """
    desk = history.desk
    base, head = desk.repository.resolve("main"), desk.repository.propose(dict(changes))
    found = compared(desk.repository, base, head, today=desk.world.clock.now().date(), root="")
    noted = shown and _noted(history, host, found)
    denied = history.judge.approvals.denied_when_read
    return Version(head, Asked(found.head), denied, desk.world.clock.now() if noted else None)


def _noted(history: History, host: GitHost, found: Compared) -> bool:
    """Whether the service noted what it answered, as `service.showing.answer` does: as of when its targets were read."""
    noted = False
    try:
        around = read_surroundings(found, _Targets(history))
        now = history.desk.world.clock.now()
        made = review(found, now.date(), around, noted=True)
        for hub, one in plans_shown(made, found, around, now).items():
            host.shown.add(hub, one)
            noted = True
    except (EgressError, Crash) as problem:
        history.tell(f"the review comes to nothing: {problem}")
    return noted


def _approved(history: History, version: Version, by: str = REVIEWER) -> Iterator[Given]:
    yield Given(by, version, history.desk.world.clock.now() + A_LOOK)


def _less(history: History, changes: Mapping[str, str | None]) -> Iterator[tuple[str, str | None]]:
    """The same, with one name for each tenant at most."""
    files = {f"tenants/{name}.yaml": file for name, file in history.files.items()}
    for path, text in changes.items():
        file = files.get(path)
        smaller = (
            replace(file, sites=file.sites[:1], service=False) if file is not None and text == file.text() else None
        )
        yield path, smaller.text() if smaller is not None else text


@deed(Group.DECISION, "from now on pull requests are {0}")
def reviewed_so(history: History, manner: str) -> None:
    """Until that changes."""
    if history.host is not None:
        history.host.manner = manner


@deed(Group.DECISION, "somebody approves the newest {0} of all that was merged")
def approve_late(history: History, most: int) -> None:
    """As it was shown before."""
    if history.host is not None:
        pulls = sorted((one for each in history.host.pulls.values() for one in each), key=lambda one: -one.number)
        for pull in pulls[:most]:
            pull.given += _approved(history, pull.newest)


@deed(Group.DECISION, "the approvals of the newest pull request are taken back")
def take_back(history: History) -> None:
    """All of them."""
    pull = history.host.newest() if history.host is not None else None
    for one in pull.given if pull is not None else ():
        one.withdrawn = True


@deed(Group.TROUBLE, "the Git host is down: {0}")
def host_down(history: History, down: bool) -> None:
    """Or answers again."""
    if history.host is not None:
        history.host.down = down


@deed(Group.FIREWALL, "somebody denies {0} to everybody")
def deny(history: History, site: str) -> None:
    """In a group in front of all tenants'."""
    rule = {
        "ruleType": "ApplicationRule",
        "name": "denied",
        "sourceAddresses": ["*"],
        "targetFqdns": [site],
        "protocols": [{"protocolType": "Https", "port": 443}],
    }
    collection = rule_collection("denied", "Deny", rule)
    body = {"properties": {"priority": 500, "ruleCollections": [collection]}}
    try:
        history.desk.world.hubs[HUB].put_group("tenants", "denies", body)
    except ArmError as problem:
        history.tell(f"the portal says {problem}")
    history.meddle(lasting=DENIED)


@deed(Group.FIREWALL, "nobody denies anything to everybody any more")
def allow_again(history: History) -> None:
    """The group in front goes."""
    try:
        history.desk.world.hubs[HUB].delete_group("tenants", "denies")
    except ArmError as problem:
        history.tell(f"the portal says {problem}")
        return
    history.lasting.discard(DENIED)
    history.meddle()
