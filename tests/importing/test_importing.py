"""What was made by hand is written down, and merging that changes nothing that packets feel."""

from __future__ import annotations

from typing import Any, cast

import pytest
from stories.desk import HUB, PLATFORM, Desk, describe, sample
from stories.test_adoption import by_hand

from demo.published_example import CLUSTER, RULES
from function_app.authoring.cluster_file import with_adoption
from function_app.gathering import Patience
from function_app.importing import Imported, imported
from function_app.looking import look
from simulator.model.packets import Packet, Verdict

SITE = "http://www.tigera.io"
BY_HAND_COLLECTION = cast("dict[str, Any]", cast("list[Any]", RULES["ruleCollections"])[0])
BY_HAND_RULE = cast("dict[str, Any]", BY_HAND_COLLECTION["rules"][0])


def found_on(desk: Desk) -> Imported:
    """What importing finds, with hub and clusters defined and nothing else."""
    desk.commit(sample(*PLATFORM))
    tree = desk.tree().tree
    return imported(HUB, tree.definitions, look(HUB, tree, desk.ports, Patience(workers=1)))


def merged(found: Imported) -> dict[str, str | None]:
    """The files that a person would commit."""
    files: dict[str, str | None] = {f"tenants/{name}.yaml": text for name, text in found.tenants.items()}
    for cluster in found.adopting:
        path = f"clusters/{cluster}.yaml"
        files[path] = with_adoption(sample(path)[path])
    return files


def gateway_pods(desk: Desk) -> set[tuple[str, str]]:
    """Name and uid of every gateway pod."""
    pods = desk.world.clusters[CLUSTER].api.objects("Pod")
    return {(pod["metadata"]["name"], pod["metadata"]["uid"]) for pod in pods if "-egw" in pod["metadata"]["namespace"]}


def patched(kind: str, namespace: str | None, name: str, body: dict[str, Any]) -> Desk:
    """The world made by hand, with something else in it."""
    desk = by_hand()
    desk.world.clusters[CLUSTER].api.merge_patch(kind, namespace, name, body, manager="kubectl-edit")
    desk.world.advance(60)
    return desk


def with_group(desk: Desk, name: str, priority: int, action: str, **rule: Any) -> Desk:
    """One more hand-made rule collection group with one rule."""
    kept = {"name": f"{name}-rule", **{key: value for key, value in rule.items() if value is not None}}
    body = {key: value for key, value in BY_HAND_RULE.items() if key not in rule} | kept
    collection = BY_HAND_COLLECTION | {"name": name, "action": {"type": action}, "rules": [body]}
    desk.world.hubs["hub1"].put_group(
        "tenants", name, {"properties": {"priority": priority, "ruleCollections": [collection]}}
    )
    desk.world.advance(600)
    return desk


def test_the_published_example_is_written_down_as_it_stands() -> None:
    """Block size, labels, names, grace; its rule copied and named as superseded; nothing is barred."""
    found = found_on(by_hand())

    text = found.tenants["tenant0"]
    assert ((), ("spoke1-aks",), ("by-hand/by-hand/tigera",)) == (found.barred, found.adopting, found.superseded)
    for words in (
        "cidr: 10.99.0.0/29",
        'namespaces: ["default"]',
        "replicas: 2, blockSize: 31, terminationGraceSeconds: 0",
        'adopt: {gateway: tenant0-egw/tenant0-egw, pool: tenant0-pool, labels: {"tenant": "tenant0-egw"}}',
        'fqdns: ["www.tigera.io"]',
        'protocols: ["http:80"]',
    ):
        assert words in text


def test_merging_an_import_changes_nothing_that_packets_feel() -> None:
    """Every packet before, during and after is allowed and leaves from the range; not one gateway pod is replaced."""
    desk = by_hand()
    files = merged(found_on(desk))
    pods = gateway_pods(desk)
    packets: list[Packet] = [desk.send(CLUSTER, "default", SITE)]
    desk.commit(files)

    last = desk.settle(watch=lambda: packets.append(desk.send(CLUSTER, "default", SITE)))

    assert last.converged, describe(last)
    assert {(Verdict.ALLOWED, "10.99.0.")} == {(one.verdict, str(one.source)[:8]) for one in packets}
    assert pods == gateway_pods(desk)
    assert not [note for one in desk.reports for note in one.plan.notes if "cut" in note]


def test_the_superseded_rule_may_go_once_all_is_converged() -> None:
    """Its copy in the shard carries on."""
    desk = by_hand()
    desk.commit(merged(found_on(desk)))
    desk.settle()

    desk.world.hubs["hub1"].delete_group("tenants", "by-hand")
    desk.world.advance(600)

    assert Verdict.ALLOWED == desk.send(CLUSTER, "default", SITE).verdict


def test_what_is_ours_already_is_not_imported_again() -> None:
    """A second import finds nothing."""
    desk = by_hand()
    desk.commit(merged(found_on(desk)))
    desk.settle()
    tree = desk.tree().tree

    again = imported(HUB, tree.definitions, look(HUB, tree, desk.ports, Patience(workers=1)))

    assert ({}, (), ()) == (again.tenants, again.adopting, again.barred)


@pytest.mark.parametrize(
    ("desk", "words"),
    [
        (lambda: patched("IPPool", None, "tenant0-pool", {"spec": {"natOutgoing": True}}), "natOutgoing is True"),
        (
            lambda: patched(
                "Namespace",
                None,
                "kube-system",
                {"metadata": {"annotations": {"egress.projectcalico.org/namespaceSelector": "all()"}}},
            ),
            "are reserved",
        ),
    ],
    ids=["a pool that translates", "a reserved namespace"],
)
def test_a_cluster_with_something_that_cannot_be_said_is_left_alone(desk: Any, words: str) -> None:
    """Our filter would shut it out; the reason is named."""
    found = found_on(desk())

    assert ({}, ()) == (found.tenants, found.adopting)
    assert words in " ".join(found.barred)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sourceAddresses": ["10.99.0.0/31"]}, "part of the range"),
        ({"fqdnTags": ["WindowsUpdate"], "targetFqdns": []}, "fqdnTags"),
        (
            {
                "ruleType": "NetworkRule",
                "ipProtocols": ["TCP"],
                "destinationAddresses": ["*"],
                "destinationPorts": ["443"],
                "targetFqdns": None,
                "protocols": None,
            },
            "every destination",
        ),
        (
            {
                "ruleType": "NetworkRule",
                "ipProtocols": ["Any"],
                "destinationAddresses": ["198.51.100.1"],
                "destinationPorts": ["443"],
                "targetFqdns": None,
                "protocols": None,
            },
            "any protocol",
        ),
    ],
    ids=["narrower", "tags", "everywhere", "any"],
)
def test_a_rule_that_has_no_words_here_goes_on_where_it_is(changed: dict[str, Any], words: str) -> None:
    """It is listed with the reason; the others are copied."""
    found = found_on(with_group(by_hand(), "odd", 4100, "Allow", **changed))

    assert words in " ".join(found.left)
    assert ("by-hand/by-hand/tigera",) == found.superseded


def test_a_wider_rule_is_copied_and_stays() -> None:
    """It lets others out as well, so its owner is not told to remove it."""
    found = found_on(with_group(by_hand(), "wide", 4100, "Allow", sourceAddresses=["10.99.0.0/16"]))

    assert "wide-rule" in found.tenants["tenant0"]
    assert ("by-hand/by-hand/tigera",) == found.superseded


def test_nothing_is_copied_in_front_of_somebodys_denial() -> None:
    """A copy in our shard would come before it and allow what is denied today."""
    desk = with_group(by_hand(), "deny", 3900, "Deny")
    before = desk.send(CLUSTER, "default", SITE).verdict
    found = found_on(desk)
    desk.commit(merged(found))
    desk.settle()

    assert "denies behind the place of our shards" in " ".join(found.left)
    assert "egress:" not in found.tenants["tenant0"]
    assert Verdict.ALLOWED is not before
    assert before == desk.send(CLUSTER, "default", SITE).verdict


def test_a_gateway_that_nobody_uses_is_told_and_left() -> None:
    """Nobody feels that its range is let out no more."""
    desk = patched(
        "Namespace",
        None,
        "default",
        {"metadata": {"annotations": {"egress.projectcalico.org/namespaceSelector": None}}},
    )

    found = found_on(desk)

    assert ({}, ()) == (found.tenants, found.barred)
    assert "used by no namespace" in " ".join(found.notes)
