"""GET /api/plan over several hubs: one answer, which waits for late targets once and not once a hub."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Barrier, Event, current_thread
from typing import Any

import pytest
from service.service_desk import ServiceDesk
from stories.desk import sample

from function_app.gathering import Patience
from function_app.model.names import HubName
from function_app.model.resources import Body
from function_app.model.tree import Tree
from function_app.ports import HubPorts
from function_app.service.questions import plan

LONG = 20.0
"""Seconds after which a test that hangs is given up."""


@dataclass
class Hubs(ServiceDesk):
    """A service that tells which hub is read by which thread, and reads none before so many have begun."""

    begun: Barrier = field(default_factory=lambda: Barrier(1))
    read: list[tuple[str, str]] = field(default_factory=list)

    def ports(self, hub: HubName, tree: Tree) -> HubPorts:
        """What the reading of a hub begins with."""
        self.read.append((hub, current_thread().name))
        self.begun.wait(LONG)
        return super().ports(hub, tree)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hubs]:
    """Two hubs whose firewalls are silent for readers with threads."""
    found, answering = Hubs.with_platform(), Event()
    assert isinstance(found, Hubs)
    (text,) = sample("hubs/hub1.yaml").values()
    for old, new in (("hub1", "hub2"), ("10.0.", "10.200."), (": hub-", ": second-hub-"), (": tenants", ": others")):
        assert old in text
        text = text.replace(old, new)
    found.desk.commit({"hubs/hub2.yaml": text})
    firewall = found.desk.ports.firewall
    policy = firewall.policy

    def silent() -> Body:
        if found.patience.workers > 1:
            answering.wait(LONG)
        return policy()

    monkeypatch.setattr(firewall, "policy", silent)
    yield found
    answering.set()


def answered(service: Hubs, *, review: bool) -> list[tuple[str, bool]]:
    """The hubs of an answer in its order, and whether their firewalls had not answered."""
    asked = {"ref": service.desk.repository.propose(sample("tenants/tenant0.yaml"))} if review else {}
    body: Any = plan(asked, service).body
    told = (
        [(one["hub"], one["live"]["notes"]) for one in body["hubs"]]
        if review
        else [(one["hub"], one["notes"]) for one in body]
    )
    return [(hub, any(f"firewall/{hub} has not answered yet" in note for note in notes)) for hub, notes in told]


@pytest.mark.parametrize("review", [True, False], ids=["review", "plan"])
def test_silent_targets_of_two_hubs_are_waited_for_at_once(service: Hubs, *, review: bool) -> None:
    """Neither is waited for before the other one is: both limits run together, and the answer names the hubs in order."""
    service.patience, service.begun = Patience(grace=0.0, limit=0.5), Barrier(2)

    assert [("hub1", True), ("hub2", True)] == answered(service, review=review)


@pytest.mark.parametrize("review", [True, False], ids=["review", "plan"])
def test_who_reads_in_order_reads_one_hub_after_the_other(service: Hubs, *, review: bool) -> None:
    """In the calling thread."""
    assert [("hub1", False), ("hub2", False)] == answered(service, review=review)
    assert [(hub, current_thread().name) for hub in ("hub1", "hub2")] == service.read
