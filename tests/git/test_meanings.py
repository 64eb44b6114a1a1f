"""What files meant is kept for a later process: it saves reading and parsing, and never changes a tree."""

from __future__ import annotations

import pytest
from git_histories import TODAY, RememberedRepository, a_platform, a_tenant, folded
from hypothesis import given, settings
from hypothesis import strategies as st
from test_effective_properties import RANGES, histories

from function_app.model.names import Commit
from function_app.model.tree import Tree
from function_app.reading import meanings
from function_app.reading.effective import effective_tree
from function_app.reading.meanings import Meanings

PLATFORM = {path: content.encode() for path, content in a_platform().items()}


def kept_after(repository: RememberedRepository, commit: Commit) -> str:
    """What a process that read this commit leaves behind."""
    known = Meanings()
    effective_tree(repository, commit, checkpoint=None, today=TODAY, known=known)
    text = known.text()
    assert text is not None
    return text


def read_with(repository: RememberedRepository, text: str | None, commit: Commit) -> Tree:
    """The tree as a fresh process reads it that found this text."""
    return effective_tree(repository, commit, checkpoint=None, today=TODAY, known=Meanings(text))[0]


@pytest.fixture
def repository() -> RememberedRepository:
    """A platform with one tenant."""
    remembered = RememberedRepository()
    remembered.commit({**PLATFORM, "tenants/t0.yaml": a_tenant("t0", RANGES[0]).encode()})
    return remembered


@settings(max_examples=60)
@given(histories(), st.data())
def test_with_what_any_earlier_process_kept_the_tree_is_the_same(
    repository: RememberedRepository, data: st.DataObject
) -> None:
    """Definitions, what is held and every problem with its place: nothing differs, whichever commit was read last before."""
    text = kept_after(repository, data.draw(st.sampled_from(repository.line)).commit)
    newest = repository.line[-1].commit
    assert read_with(repository, text, newest) == folded(repository, newest)


def test_a_fresh_process_reads_no_file_that_was_clean(repository: RememberedRepository) -> None:
    """Of a tree without a problem it reads nothing; a broken file is read again, for its problems are told with their places."""
    newest = repository.line[-1].commit
    text = kept_after(repository, newest)
    repository.reads = 0
    read_with(repository, text, newest)
    assert repository.reads == 0
    broken = repository.commit({**repository.trees[-1], "tenants/t1.yaml": b"kind: [broken"})
    text = kept_after(repository, broken)
    repository.reads = 0
    assert read_with(repository, text, broken).held[0].problems
    assert repository.reads > 0


def test_a_clash_points_into_a_file_that_was_not_read_until_then(repository: RememberedRepository) -> None:
    """Where the other's range stands is found when somebody asks."""
    text = kept_after(repository, repository.line[-1].commit)
    clash = repository.commit({**repository.trees[-1], "tenants/t1.yaml": a_tenant("t1", RANGES[0]).encode()})
    tree = read_with(repository, text, clash)
    [message] = [problem.message for problem in tree.problems if problem.code == "overlap"]
    lines = a_tenant("t0", RANGES[0]).splitlines()
    line = next(number for number, words in enumerate(lines, 1) if RANGES[0] in words)
    assert f"gitops/tenants/t0.yaml:{line}:" in message


@pytest.mark.parametrize("damage", ["another range", "cut short", "another digest", "empty"])
def test_a_damaged_text_is_not_looked_at(repository: RememberedRepository, damage: str) -> None:
    """Also where what it says could be a definition: the files are read, and the tree is that of Git."""
    newest = repository.line[-1].commit
    text = kept_after(repository, newest)
    damaged = {
        "another range": text.replace(RANGES[0], RANGES[3]),
        "cut short": text[:-1],
        "another digest": text.replace(text[:4], "0000", 1),
        "empty": "",
    }[damage]
    assert damaged != text
    repository.reads = 0
    assert read_with(repository, damaged, newest) == folded(repository, newest)
    assert repository.reads == 2 * len(repository.trees[-1])


def test_what_other_rules_made_is_read_again(repository: RememberedRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release may find a problem where the one before found none."""
    newest = repository.line[-1].commit
    text = kept_after(repository, newest)
    monkeypatch.setattr(meanings, "rules_digest", lambda: "other rules")
    repository.reads = 0
    read_with(repository, text, newest)
    assert repository.reads == len(repository.trees[-1])


def test_a_text_is_told_once(repository: RememberedRepository) -> None:
    """While no file changes there is nothing to be written; a changed one is told with all others."""
    newest = repository.line[-1].commit
    known = Meanings(kept_after(repository, newest))
    effective_tree(repository, newest, checkpoint=None, today=TODAY, known=known)
    assert known.text() is None
    edited = repository.commit({**repository.trees[-1], "tenants/t0.yaml": a_tenant("t0", RANGES[3]).encode()})
    effective_tree(repository, edited, checkpoint=None, today=TODAY, known=known)
    text = known.text()
    assert text is not None
    assert known.text() is None
    expected = folded(repository, edited)
    repository.reads = 0
    assert read_with(repository, text, edited) == expected
    # Its version before the edit is part of the line that is folded, and known to nobody any more.
    assert repository.reads == 1
