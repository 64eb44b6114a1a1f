"""Server-side apply and field ownership."""

from __future__ import annotations

from typing import Any

from kubernetes_builders import (
    MANAGER,
    PERSON,
    a_clock,
    a_cluster,
    a_namespace,
    a_pool,
    calico,
    fields_of,
    put_up,
    refused,
)


def test_an_apply_owns_its_leaves_and_defaults_belong_to_nobody() -> None:
    """What was sent is owned; `assignmentMode`, which the schema defaults, is not."""
    cluster = a_cluster(a_clock())
    stored = put_up(cluster, a_pool())
    owned: dict[str, Any] = {
        "f:blockSize": {},
        "f:cidr": {},
        "f:natOutgoing": {},
        "f:nodeSelector": {},
        "f:vxlanMode": {},
    }
    assert fields_of(stored, MANAGER) == {"f:spec": owned}
    assert stored["spec"]["assignmentMode"] == "Automatic"


def test_the_same_apply_again_changes_nothing() -> None:
    """Neither resourceVersion nor the entry's time moves, however much later."""
    clock = a_clock()
    cluster = a_cluster(clock)
    put_up(cluster, a_pool())
    before = cluster.api.get("IPPool", None, "tenant0-pool")
    clock.advance(60)
    assert put_up(cluster, a_pool()) == before
    assert cluster.api.get("IPPool", None, "tenant0-pool") is before


def test_what_a_later_apply_leaves_out_goes() -> None:
    """Fields, labels and annotations of an earlier apply vanish when nobody else owns them; an emptied map goes too."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_namespace("team", labels={"a": "1"}, annotations={"one": "1", "two": "2"}))
    stored = put_up(cluster, a_namespace("team", annotations={"one": "1"}))
    assert stored["metadata"]["labels"] == {"kubernetes.io/metadata.name": "team"}
    assert stored["metadata"]["annotations"] == {"one": "1"}
    assert "annotations" not in put_up(cluster, a_namespace("team"))["metadata"]


def test_what_somebody_else_owns_too_stays() -> None:
    """Two appliers of one value share it; the value outlives the first one's interest."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_namespace("team", labels={"a": "1", "b": "1"}))
    put_up(cluster, a_namespace("team", labels={"a": "1"}), manager="flux")
    stored = put_up(cluster, a_namespace("team", labels={"b": "1"}))
    assert (stored["metadata"]["labels"]["a"], stored["metadata"]["labels"]["b"]) == ("1", "1")
    assert fields_of(stored, MANAGER) == {"f:metadata": {"f:labels": {"f:b": {}}}}
    assert fields_of(stored, "flux") == {"f:metadata": {"f:labels": {"f:a": {}}}}


def test_another_value_conflicts_until_forced() -> None:
    """409 names owner and path and changes nothing; force takes the field, and the loser owns it no longer."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_namespace("team", labels={"a": "1", "b": "1"}))
    before = cluster.api.get("Namespace", None, "team")
    with refused(409, "Conflict") as caught:
        put_up(cluster, a_namespace("team", labels={"a": "2"}), manager="flux")
    assert caught.value.message == f'Apply failed with 1 conflict: conflict with "{MANAGER}": .metadata.labels.a'
    assert cluster.api.get("Namespace", None, "team") is before
    stored = put_up(cluster, a_namespace("team", labels={"a": "2"}), manager="flux", force=True)
    assert stored["metadata"]["labels"]["a"] == "2"
    assert fields_of(stored, MANAGER) == {"f:metadata": {"f:labels": {"f:b": {}}}}


def test_several_conflicts_are_told_together() -> None:
    """Every field in dispute is listed under its owner."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_pool())
    with refused(409, "Conflict") as caught:
        put_up(cluster, a_pool(nodeSelector="all()", vxlanMode="Always"), manager="flux")
    assert caught.value.message == (
        f'Apply failed with 2 conflicts: conflicts with "{MANAGER}":\n- .spec.nodeSelector\n- .spec.vxlanMode'
    )


def test_an_update_takes_what_it_changes() -> None:
    """A person's merge patch takes the changed value from the applier, who gets a conflict at the next apply."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_pool())
    patched = cluster.api.merge_patch("IPPool", None, "tenant0-pool", {"spec": {"natOutgoing": True}}, manager=PERSON)
    assert fields_of(patched, PERSON, "Update") == {"f:spec": {"f:natOutgoing": {}}}
    assert "f:natOutgoing" not in fields_of(patched, MANAGER)["f:spec"]
    with refused(409, "Conflict"):
        put_up(cluster, a_pool())
    restored = put_up(cluster, a_pool(), force=True)
    assert restored["spec"]["natOutgoing"] is False
    assert fields_of(restored, PERSON, "Update") is None


def test_an_update_with_equal_values_takes_nothing() -> None:
    """A PUT of what is there is no write at all."""
    cluster = a_cluster(a_clock())
    before = put_up(cluster, a_pool())
    before = cluster.api.get("IPPool", None, "tenant0-pool")
    assert cluster.api.replace("IPPool", None, "tenant0-pool", before, manager=PERSON) is before


def test_lists_without_a_list_type_are_whole_values() -> None:
    """A filter's rules have one owner; two appliers of different lists conflict on the list."""
    cluster = a_cluster(a_clock())
    put_up(cluster, calico("BGPFilter", "export-egress-ips", {"exportV4": [{"action": "Reject"}]}))
    with refused(409, "Conflict") as caught:
        put_up(cluster, calico("BGPFilter", "export-egress-ips", {"exportV4": []}), manager="flux")
    assert caught.value.details["causes"][0]["field"] == ".spec.exportV4"


def test_allowed_uses_is_a_set() -> None:
    """Two appliers each own their member, and the last owner's leaving removes it."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_pool(allowedUses=["Workload"]))
    joined = put_up(cluster, calico("IPPool", "tenant0-pool", {"allowedUses": ["Tunnel"]}), manager="flux")
    assert joined["spec"]["allowedUses"] == ["Workload", "Tunnel"]
    assert fields_of(joined, "flux") == {"f:spec": {"f:allowedUses": {'v:"Tunnel"': {}}}}
    assert put_up(cluster, a_pool())["spec"]["allowedUses"] == ["Tunnel"]


def test_a_removed_field_belongs_to_nobody() -> None:
    """A null in a merge patch removes the key and its ownership; the next apply brings both back without force."""
    cluster = a_cluster(a_clock())
    put_up(cluster, a_namespace("team", annotations={"one": "1"}))
    patched = cluster.api.merge_patch(
        "Namespace", None, "team", {"metadata": {"annotations": {"one": None}}}, manager=PERSON
    )
    assert fields_of(patched, MANAGER) is None
    assert put_up(cluster, a_namespace("team", annotations={"one": "1"}))["metadata"]["annotations"] == {"one": "1"}


def test_generation_counts_changes_of_the_spec_alone() -> None:
    """Labels and status leave it, a spec field moves it."""
    cluster = a_cluster(a_clock())
    created = put_up(cluster, a_pool())
    labelled = cluster.api.merge_patch(
        "IPPool", None, "tenant0-pool", {"metadata": {"labels": {"a": "1"}}}, manager=PERSON
    )
    changed = put_up(cluster, a_pool(nodeSelector="all()"))
    generations = [obj["metadata"]["generation"] for obj in (created, labelled, changed)]
    assert generations == [1, 1, 2]


def test_a_dry_run_shows_and_stores_nothing() -> None:
    """The answer is what would have been stored."""
    cluster = a_cluster(a_clock())
    revision = cluster.api.revision
    shown = cluster.api.apply("IPPool", None, "tenant0-pool", a_pool(), manager=MANAGER, dry_run=True)
    assert shown["spec"]["assignmentMode"] == "Automatic"
    assert cluster.api.revision == revision


def test_an_unknown_field_makes_no_typed_patch() -> None:
    """Apply answers 500 without a reason; a create drops the field, and refuses it when asked to be strict."""
    cluster = a_cluster(a_clock())
    with refused(500, "") as caught:
        put_up(cluster, a_pool(nope=1))
    assert caught.value.message.endswith(".spec.nope: field not declared in schema")
    with refused(400, "BadRequest"):
        cluster.api.create("IPPool", None, a_pool(nope=1), manager=PERSON, field_validation="Strict")
    assert "nope" not in cluster.api.create("IPPool", None, a_pool(nope=1), manager=PERSON)["spec"]
