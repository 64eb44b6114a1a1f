"""The compiled ledger answers as the join is written down, and as whois does."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network

import pytest
from attributing.ledger_stories import LIFE, at, index, record
from hypothesis import given
from hypothesis import strategies as st

from function_app.attributing.index import AddressIndex
from function_app.model.attribution import who_held
from function_app.model.ledger import Holding, Record
from function_app.model.spans import spans


@pytest.mark.parametrize(
    ("address", "hours", "columns"),
    [
        ("10.99.0.1", -1, ("", "", "", "", "", "before-ledger")),
        ("10.99.0.1", 0, ("tenant0", "spoke1-aks", "", "c1", "0a", "held")),
        ("10.99.0.1", 1, ("tenant0", "spoke1-aks", "default", "c2", "0a", "held")),
        ("10.99.0.1", 3.9, ("tenant0", "spoke1-aks", "default, shop", "c3", "0a", "held")),
        ("10.99.0.1", 4, ("tenant0", "spoke1-aks", "", "c3", "0a", "held")),
        ("10.99.0.17", 2, ("", "", "", "", "", "unknown")),
        ("10.99.0.17", 4, ("tenant0", "spoke1-aks", "default, shop", "c5", "0b", "held")),
        ("10.99.0.1", 5.5, ("tenant0", "spoke1-aks", "", "c3", "0a", "leaving")),
        ("10.99.0.1", 20, ("tenant0", "spoke1-aks", "", "c3", "0a", "quarantined")),
        ("10.99.0.1", 30, ("", "", "", "", "", "free")),
        ("10.99.0.1", 41, ("tenant1", "spoke1-aks", "other", "c11", "0c", "held")),
        ("10.99.0.5", 41, ("", "", "", "", "", "free")),
        ("10.99.0.1", 51.5, ("tenant1", "spoke1-aks", "other", "c11", "0c", "quarantined")),
        ("10.99.0.1", 52, ("tenant1", "spoke1-aks", "", "c14", "0d", "held")),
        ("10.1.0.7", 10, ("", "spoke1-aks", "", "", "", "node")),
        ("192.0.2.1", 10, ("", "", "", "", "", "unknown")),
        ("fe80::1", 10, ("", "", "", "", "", "no-address")),
        ("10.99.0.1:443", 10, ("", "", "", "", "", "no-address")),
    ],
)
def test_each_kind_of_moment_has_its_columns(address: str, hours: float, columns: tuple[str, ...]) -> None:
    """At the very second of a record it holds already, and no longer at that of the next."""
    assert columns == index().who(address, at(hours).isoformat()).columns


def test_seconds_apart_are_told_apart_in_both_directions() -> None:
    """A remembered answer is not used at its borders, and times in other zones or without one are read."""
    one = index()
    border = at(4)

    told = [
        one.who("10.99.0.1", text).columns[2]
        for text in (
            (border - timedelta(microseconds=1)).isoformat().replace("+00:00", "Z"),
            "2026-01-01T04:00:00Z",
            "2026-01-01T03:59:59.9999999Z",
            "2026-01-01T06:30:00+02:00",
            "2026-01-01T05:59:59+02:00",
            "2026-01-01 03:00:00",
        )
    ]

    assert ["default, shop", "", "default, shop", "", "default, shop", "default, shop"] == told


def test_what_is_no_time_is_no_answer() -> None:
    """Whoever reads lines counts it."""
    with pytest.raises(ValueError, match="isoformat"):
        index().who("10.99.0.1", "yesterday")


@given(
    address=st.integers(0, 31).map(lambda last: f"10.99.0.{last}"),
    minutes=st.lists(st.integers(-60, 60 * 60), min_size=1, max_size=6),
    cut=st.integers(0, len(LIFE)),
)
def test_it_says_what_whois_says(address: str, minutes: list[int], cut: int) -> None:
    """For every prefix of the ledger, every address and time, in whatever order it is asked."""
    records: tuple[Record, ...] = LIFE[:cut]
    compiled = AddressIndex(spans(records), {}, at(0) if records else None)
    for minute in minutes:
        moment = at(minute / 60)
        held = who_held(records, IPv4Network(IPv4Address(address)), moment)
        expected = held[0] if held and held[0].holding is not Holding.ENDED else None

        told = compiled.who(address, moment.isoformat().replace("+00:00", "Z"))

        assert (expected.tenant if expected else "") == told.tenant
        assert (", ".join(expected.namespaces) if expected else "") == told.columns[2]
        assert (expected.commit if expected else "") == told.columns[3]


def test_memory_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan from every address does not fill the memory."""
    monkeypatch.setattr("function_app.attributing.index._MOST_REMEMBERED", 10)
    one = index()

    for last in range(200):
        one.who(f"192.0.2.{last}", "2026-01-01T05:00:00Z")

    assert len(one._pieces) <= 10
    assert len(one._last) <= 10


def test_a_generation_nobody_reserved_holds_nothing() -> None:
    """A damaged tale is not completed."""
    assert [] == list(spans([record(1, "route", 0)]))
