"""What the service answered for branches is kept as it was answered, on files and in storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from state_builders import NOON
from state_faces import HUB, OTHER_HUB, Files, Storage, at_once

from function_app.adapters.shown_plans import MOST_ANSWERS, ShownBlobs, ShownFiles
from function_app.model.approval import Meaning, Shown
from function_app.model.errors import StateError
from function_app.model.names import Commit, HubName, TenantName
from function_app.ports import ShownPlans

HEAD = Commit("a" * 40)
REACH = (
    (
        ((0, 8),),
        (
            (
                ((0, 1),),
                (
                    (
                        ((0, 1 << 32),),
                        (
                            (
                                ((443, 444),),
                                ((((1, 2),), (((("elpmaxe.", "elpmaxe.\0"),), (True, (False, "a tag"))),)),),
                            ),
                        ),
                    ),
                ),
            ),
        ),
    ),
)


def an_answer(digest: str = "d1", minute: int = 0) -> Shown:
    """One, for one tenant."""
    meaning = Meaning({"bypass": [], "attachments": {"a": {"replicas": 2}}}, (("", ()),), (("", REACH),), digest)
    return Shown(HEAD, NOON + timedelta(minutes=minute), NOON.date(), {TenantName("blue"): meaning})


@pytest.fixture(params=["files", "storage"])
def keeper(request: pytest.FixtureRequest) -> Callable[[], ShownPlans]:
    """Opens the store anew, as another process does."""
    face: Files | Storage = request.getfixturevalue(request.param)
    if isinstance(face, Storage):
        parts = face.parts
        return lambda: ShownBlobs(parts.container)
    folder: Path = request.getfixturevalue("tmp_path") / "desk"
    return lambda: ShownFiles(folder)


def test_an_answer_is_read_as_it_was_given(keeper: Callable[[], ShownPlans]) -> None:
    """By any process, for its hub and commit alone; the form of what may be reached is the same to the last tuple."""
    keeper().add(HUB, an_answer())

    assert (an_answer(),) == keeper().of(HUB, HEAD)
    (meaning,) = keeper().of(HUB, HEAD)[0].tenants.values()
    assert (("", REACH),) == meaning.reach
    assert () == keeper().of(OTHER_HUB, HEAD)
    assert () == keeper().of(HUB, Commit("b" * 40))


def test_the_first_time_of_an_answer_counts(keeper: Callable[[], ShownPlans]) -> None:
    """Asked again with the same answer nothing is added; another answer, and the first one again, are."""
    for digest, minute in (("d1", 0), ("d1", 1), ("d2", 2), ("d2", 3), ("d1", 4)):
        keeper().add(HUB, an_answer(digest, minute))

    assert [0, 2, 4] == [(one.at - NOON).seconds // 60 for one in keeper().of(HUB, HEAD)]


def test_many_who_ask_at_once_lose_nothing(keeper: Callable[[], ShownPlans]) -> None:
    """Five different answers, each of them kept."""
    at_once(*((lambda number=number: keeper().add(HUB, an_answer(f"d{number}"))) for number in range(5)))

    kept = [next(iter(one.tenants.values())).digest for one in keeper().of(HUB, HEAD)]
    assert [f"d{number}" for number in range(5)] == sorted(kept)


def test_the_newest_answers_are_kept(keeper: Callable[[], ShownPlans]) -> None:
    """A document has a bound."""
    for number in range(MOST_ANSWERS + 3):
        keeper().add(HUB, an_answer(f"d{number}", number))

    kept = keeper().of(HUB, HEAD)
    assert (MOST_ANSWERS, 3) == (len(kept), (kept[0].at - NOON).seconds // 60)


def test_no_name_leads_elsewhere(keeper: Callable[[], ShownPlans]) -> None:
    """Neither a hub's nor a commit's."""
    with pytest.raises(StateError):
        keeper().add(HubName("../x"), an_answer())
    with pytest.raises(StateError):
        keeper().of(HUB, Commit("../state"))
    with pytest.raises(StateError):
        keeper().add(HUB, replace(an_answer(), head=Commit("")))


def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path) -> None:
    """It is no empty answer, and what to do stands in the message."""
    store = ShownFiles(tmp_path)
    store.add(HUB, an_answer())
    (path,) = tmp_path.rglob(f"{HEAD}.json")
    path.write_text('{"schema": 1, "answers": [{}]}')
    with pytest.raises(StateError, match="have the plan shown and approved again"):
        store.of(HUB, HEAD)
    path.write_text('{"schema": 2, "answers": []}')
    with pytest.raises(StateError, match="another release"):
        store.of(HUB, HEAD)
