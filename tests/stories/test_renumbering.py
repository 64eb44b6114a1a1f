"""A tenant changes its range under traffic, and ranges pass from one holder to the next only when nothing of the first is left."""

from __future__ import annotations

from stories.desk import Desk, sample

from function_app.model.ledger import Holding, RecordKind, fold
from function_app.model.plan import RefusalCode, WaitsFor
from simulator.model.packets import Packet, Verdict


def renumbered(cidr: str) -> dict[str, str | None]:
    """Tenant0 on another range."""
    text = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"]
    assert "10.99.0.0/29" in text
    return {"tenants/tenant0.yaml": text.replace("10.99.0.0/29", cidr)}


def test_renumbering_drops_and_misattributes_nothing(settled: Desk) -> None:
    """A connection every five seconds throughout: each is allowed, each under tenant0, first from the old range, then the new."""
    packets: list[Packet] = []
    settled.commit(renumbered("10.99.0.16/29"))

    settled.settle(watch=lambda: packets.append(settled.send("spoke1-aks", "default", "http://www.tigera.io")))

    sources = [str(packet.source) for packet in packets]
    assert {Verdict.ALLOWED} == {packet.verdict for packet in packets}
    assert {"tenant0"} == {packet.range_tenant for packet in packets}
    assert sources[0] in {f"10.99.0.{n}" for n in range(8)}
    assert sources[-1] in {f"10.99.0.{n}" for n in range(16, 24)}


def test_a_namespace_leaves_the_old_range_in_the_ledger_when_it_enters_the_new_one(settled: Desk) -> None:
    """Whoever asks who stood behind an address at some time finds one answer, never two and never a gap."""
    settled.commit(renumbered("10.99.0.16/29"))

    settled.settle()

    moves = [
        (record.kind, str(record.range), record.namespaces, record.at)
        for record in settled.ledger.records
        if record.tenant == "tenant0" and record.kind in (RecordKind.ROUTE, RecordKind.UNROUTE)
    ]
    switched = moves[-1][3]
    assert [
        (RecordKind.ROUTE, "10.99.0.16/29", ("default",), switched),
        (RecordKind.UNROUTE, "10.99.0.0/29", ("default",), switched),
    ] == moves[1:]


def test_the_old_generation_drains_and_is_freed(settled: Desk) -> None:
    """It leaves ten minutes after the switch, and nothing of it is left on any target."""
    settled.commit(renumbered("10.99.0.16/29"))

    settled.settle()

    kinds = [(record.kind, str(record.range)) for record in settled.ledger.records if record.tenant == "tenant0"]
    switched = next(
        one.at for one in settled.ledger.records if one.kind is RecordKind.ROUTE and str(one.range) == "10.99.0.16/29"
    )
    left = next(one.at for one in settled.ledger.records if one.kind is RecordKind.LEAVE)
    assert (RecordKind.FREED, "10.99.0.0/29") in kinds
    assert 600 <= (left - switched).total_seconds()
    assert not [
        pool
        for pool in settled.world.clusters["spoke1-aks"].api.objects("IPPool")
        if pool["spec"]["cidr"] == "10.99.0.0/29"
    ]


def test_a_freed_range_is_not_given_to_another_tenant_before_its_quarantine_ends(settled: Desk) -> None:
    """A newcomer on the freed range waits; a day later it is given out."""
    settled.commit(renumbered("10.99.0.16/29"))
    settled.settle()
    newcomer = sample("tenants/tenant0.yaml")["tenants/tenant0.yaml"].replace("name: tenant0", "name: tenant2")
    settled.commit({"tenants/tenant2.yaml": newcomer.replace("[default]", "[other]")})

    settled.run_pass()
    early = settled.attachment("tenant2", "spoke1-aks")
    settled.world.advance(24 * 3600)
    settled.run_pass()
    late = settled.attachment("tenant2", "spoke1-aks")

    assert WaitsFor.QUARANTINE in early.waiting_for
    assert WaitsFor.QUARANTINE not in late.waiting_for


def test_a_tenant_may_take_its_own_former_range_back_at_once(settled: Desk) -> None:
    """Its own quarantine does not bind the tenant itself."""
    settled.commit(renumbered("10.99.0.16/29"))
    settled.settle()
    settled.commit(renumbered("10.99.0.0/29"))

    last = settled.settle()

    assert last.converged
    assert "10.99.0.0/29" == settled.attachment("tenant0", "spoke1-aks").cidr


def test_a_swap_is_held_with_words_and_everything_stays(settled: Desk) -> None:
    """Two tenants that trade ranges in one commit both stay where they are."""
    tenant1 = sample("tenants/tenant1.yaml")["tenants/tenant1.yaml"]
    settled.commit(
        {**renumbered("10.99.0.8/29"), "tenants/tenant1.yaml": tenant1.replace("10.99.0.8/29", "10.99.0.0/29")}
    )

    report = settled.settle()

    assert {RefusalCode.DEFINITION_HELD} == {one.code for one in report.plan.refused}
    assert {"tenants/tenant0.yaml", "tenants/tenant1.yaml"} == {one.file.removeprefix("gitops/") for one in report.held}
    assert {Holding.HELD} == {one.holding for one in fold(settled.ledger.records).generations.values()}
    assert 0 == report.writes
