"""Records, state and decisions survive JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from state_builders import a_record

from function_app.adapters.state_codec import (
    StateText,
    decode_decisions,
    decode_records,
    encode_decisions,
    encode_records,
    epoch_in,
)
from function_app.model.errors import StateError
from function_app.model.ledger import Record
from function_app.model.state import Decision, HubState, ShardMemory, Wait

moments = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
texts = st.text(max_size=8)
bodies = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
networks = st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
shards = st.builds(
    ShardMemory,
    in_force=st.none() | st.dictionaries(texts, bodies, max_size=3),
    failures=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    backoff_until=st.none() | moments,
)
states = st.builds(
    HubState,
    shards=st.dictionaries(texts, shards, max_size=2),
    placement=st.dictionaries(texts, st.tuples(texts, st.integers(0, 500)), max_size=3),
    pointed=st.frozensets(st.tuples(texts, texts, texts), max_size=3),
    rendered=st.dictionaries(texts, st.tuples(texts, texts), max_size=3),
    operations=st.dictionaries(texts, texts, max_size=2),
    waits=st.dictionaries(texts, st.builds(Wait, texts, texts, moments), max_size=2),
    clusters=st.dictionaries(texts, texts, max_size=2),
    last_good_commit=st.none() | texts,
    ledger_rebuilt_at=st.none() | moments,
)


def through_json[T](value: T) -> T:
    """Written and read again."""
    read: T = json.loads(json.dumps(value))
    return read


@settings(max_examples=60)
@given(st.lists(st.builds(Record, at=moments, labels=st.dictionaries(texts, texts, max_size=2)), max_size=3))
def test_records_survive(records: list[Record]) -> None:
    """Whatever a ledger record says is read back."""
    assert decode_records(through_json(encode_records(records))) == tuple(records)


@settings(max_examples=60)
@given(states)
def test_state_survives(state: HubState) -> None:
    """Whatever a pass remembers is read back."""
    stored = StateText().encoded(state, 7)
    assert (state, 7) == (StateText().decoded(stored, "it"), epoch_in(stored, "it"))


@settings(max_examples=30)
@given(states, states)
def test_state_told_by_its_bytes_is_the_state_that_is_stored(one: HubState, two: HubState) -> None:
    """One object that writes and reads in any order never takes one state for another."""
    text = StateText()
    stored = [text.encoded(each, epoch) for epoch, each in enumerate((one, two, two, one))]
    assert [one, two, two, one] == [text.decoded(each, "it") for each in stored]
    assert [0, 1, 2, 3] == [epoch_in(each, "it") for each in stored]


@settings(max_examples=40)
@given(st.lists(st.builds(Decision, at=moments, expires=st.none() | moments), max_size=3))
def test_decisions_survive(decisions: list[Decision]) -> None:
    """Whatever somebody decided is read back."""
    assert decode_decisions(through_json(encode_decisions(decisions))) == tuple(decisions)


def test_fields_of_a_neighbouring_release_are_passed_over() -> None:
    """A field that we do not know is no reason to lose the record; one that we need and miss is."""
    (values,) = encode_records([a_record(1)])
    assert decode_records([{**values, "novelty": 1}]) == (a_record(1),)
    del values["range"]
    with pytest.raises(StateError, match="range"):
        decode_records([values])
