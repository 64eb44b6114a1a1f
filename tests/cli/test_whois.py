"""`egressctl whois`: from the ledger alone, with Git and Azure down."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Network

import pytest
from cli.session import Session

from function_app.adapters.ledger_file import LedgerFile
from function_app.model.ledger import Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName

RESERVED = Record(
    seq=1,
    epoch=1,
    at=datetime(2026, 11, 1, tzinfo=UTC),
    kind=RecordKind.RESERVE,
    tenant=TenantName("tenant0"),
    cluster=ClusterName("spoke1-aks"),
    generation=GenerationId("0a0b0c0d"),
    range=IPv4Network("10.99.0.0/29"),
    namespaces=(),
    commit=Commit("c" * 40),
    author="jo@example.com",
)
ROUTED = replace(
    RESERVED,
    seq=2,
    at=datetime(2026, 11, 2, tzinfo=UTC),
    kind=RecordKind.ROUTE,
    namespaces=(NamespaceName("default"),),
)


@pytest.fixture
def kept(session: Session) -> Session:
    """A hub with a ledger, and no repository any more."""
    folder = session.folder / "state" / "hubs" / "hub1"
    folder.mkdir(parents=True)
    LedgerFile(folder).append([RESERVED, ROUTED])
    session.repository.rename(session.folder / "gone")
    return session


def test_a_person_is_told_tenant_namespaces_commit_and_author(kept: Session) -> None:
    """Now."""
    told = kept.run("whois", "10.99.0.3")

    assert 0 == told.exit_code
    for word in ("tenant0", "spoke1-aks", "default", "c" * 7, "jo@example.com", "held"):
        assert word in told.stdout


def test_a_machine_is_told_the_same_at_a_time(kept: Session) -> None:
    """The day before it was routed, no namespace stood behind it; before it was reserved, nobody."""
    between = kept.run_json("whois", "10.99.0.3", "--at", "2026-11-01T12:00:00Z")
    before = kept.run_json("whois", "10.99.0.3", "--at", "2026-10-01")

    assert [("tenant0", [])] == [(row["tenant"], row["namespaces"]) for row in between["held_by"]]
    assert [] == before["held_by"]


def test_nobody_is_said_in_words(kept: Session) -> None:
    """An address that was never given out."""
    assert "nobody held 10.99.9.9 at " in kept.run("whois", "10.99.9.9").stdout


def test_a_damaged_ledger_is_no_absence(kept: Session) -> None:
    """It is a failure, in JSON too."""
    ledger = next((kept.folder / "state" / "hubs" / "hub1").glob("ledger*"))
    ledger.write_text("{" + ledger.read_text())

    told = kept.run("whois", "10.99.0.3", "--output", "json")

    assert 1 == told.exit_code
    assert json.loads(told.stdout)["problems"]


@pytest.mark.parametrize("arguments", [("10.99.0",), ("10.99.0.3", "--at", "soon"), ("10.99.0.3", "--hub", "nowhere")])
def test_what_cannot_be_meant_is_said(kept: Session, arguments: tuple[str, ...]) -> None:
    """No address, no time, no such hub."""
    assert 1 == kept.run("whois", *arguments).exit_code


def test_the_future_is_refused_in_words(kept: Session) -> None:
    """Nobody knows who will hold an address."""
    told = kept.run("whois", "10.99.0.3", "--at", "2999-01-01")

    assert 1 == told.exit_code
    assert "lies in the future" in told.stderr
