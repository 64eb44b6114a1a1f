"""The effective tree over random histories: what must hold whatever people commit."""

from __future__ import annotations

from git_histories import TODAY, RememberedRepository, a_cluster, a_hub, a_platform, a_ruleset, a_tenant, folded
from hypothesis import given, settings
from hypothesis import strategies as st

from function_app.model.errors import Severity
from function_app.reading.check import check
from function_app.reading.checkpoint import Checkpoint, from_json
from function_app.reading.effective import effective_tree
from function_app.reading.meanings import Meanings
from function_app.reading.newest import ParsedFiles, is_broken

RANGES = ("10.99.1.0/28", "10.99.1.16/28", "10.99.1.8/29", "10.99.2.0/28")
BROKEN = b"kind: [broken"


def tenant_files(name: str) -> st.SearchStrategy[bytes]:
    """Valid ones, such as clash with others, misnamed and broken ones."""
    valid = st.builds(
        a_tenant,
        st.sampled_from([name, name, name, "t0"]),
        st.sampled_from(RANGES),
        cluster=st.sampled_from(["spoke1", "spoke1", "spoke2"]),
        include=st.sampled_from(["", "", "baseline"]),
        namespace=st.sampled_from(["", "", "shared"]),
    )
    return valid.map(str.encode) | st.just(BROKEN)


PLATFORM = {path: content.encode() for path, content in a_platform().items()}
EDITS: dict[str, st.SearchStrategy[bytes]] = {
    **{f"tenants/t{number}.yaml": tenant_files(f"t{number}") for number in range(4)},
    "clusters/spoke2.yaml": st.sampled_from([a_cluster("spoke2", number=2).encode(), BROKEN]),
    "clusters/spoke1.yaml": st.sampled_from([PLATFORM["clusters/spoke1.yaml"], BROKEN]),
    "hubs/hub1.yaml": st.sampled_from([a_hub().encode(), BROKEN]),
    "rulesets/baseline.yaml": st.sampled_from([a_ruleset().encode(), BROKEN]),
}


@st.composite
def histories(draw: st.DrawFn) -> RememberedRepository:
    """A few commits, each changing or deleting a few files."""
    repository = RememberedRepository()
    tree = dict(PLATFORM)
    repository.commit(tree)
    for _ in range(draw(st.integers(1, 5))):
        for path in draw(st.lists(st.sampled_from(sorted(EDITS)), min_size=1, max_size=4, unique=True)):
            if path in tree and draw(st.integers(0, 3)) == 0:
                del tree[path]
            else:
                tree[path] = draw(EDITS[path])
        repository.commit(tree)
    return repository


@settings(max_examples=60)
@given(histories(), st.data())
def test_any_checkpoint_gives_what_none_gives(repository: RememberedRepository, data: st.DataObject) -> None:
    """From any earlier commit's checkpoint, through JSON, the result is that of the whole line."""
    line = repository.line
    earlier = data.draw(st.sampled_from(line)).commit
    _, checkpoint = effective_tree(repository, earlier, checkpoint=None, today=TODAY)
    newest = line[-1].commit
    resumed = effective_tree(repository, newest, checkpoint=from_json(checkpoint.to_json()), today=TODAY)
    assert resumed == effective_tree(repository, newest, checkpoint=None, today=TODAY)


@settings(max_examples=60)
@given(histories())
def test_what_is_in_force_is_always_valid(repository: RememberedRepository) -> None:
    """Every version in force is valid alone, and together they break no rule."""
    newest = repository.line[-1].commit
    _, checkpoint = effective_tree(repository, newest, checkpoint=None, today=TODAY)
    repository.trees.append(repository.trees[-1])
    _, checkpoint = effective_tree(repository, repository.line[-1].commit, checkpoint=checkpoint, today=TODAY)
    reader = ParsedFiles(repository, "gitops")
    files = {path: reader.blob(path, ref.blob) for path, ref in checkpoint.files.items()}
    assert [path for path, file in files.items() if is_broken(file)] == []
    found = check(files, changed=None, previous={}, today=TODAY)
    assert [problem for problem in found if problem.severity is Severity.ERROR] == []


@settings(max_examples=60)
@given(histories(), st.sampled_from(["tenants/x.yaml", "clusters/x.yaml", "rulesets/x.yaml"]))
def test_a_broken_file_never_alters_what_others_do(repository: RememberedRepository, path: str) -> None:
    """The same history with one more, broken file in every commit gives the same definitions."""
    beside = RememberedRepository([{**tree, path: BROKEN} for tree in repository.trees])
    newest = repository.line[-1].commit
    without, with_it = folded(repository, newest), folded(beside, newest)
    assert with_it.definitions == without.definitions
    assert with_it.departed == without.departed
    assert [held.file for held in with_it.held if held.file != path] == [held.file for held in without.held]


@settings(max_examples=60)
@given(histories())
def test_a_tenant_leaves_only_when_its_file_is_gone(repository: RememberedRepository) -> None:
    """Whoever was in force before the newest commit and has a file in it is in force after it."""
    *_, before, after = repository.line
    still = folded(repository, after.commit).definitions.tenants.keys()
    was = folded(repository, before.commit).definitions.tenants.keys()
    assert {name for name in was if f"tenants/{name}.yaml" in repository.trees[-1]} <= still


@settings(max_examples=40)
@given(histories())
def test_every_newest_version_is_in_force_or_held(repository: RememberedRepository) -> None:
    """Nothing is overlooked: what differs from the commit is listed with the reason."""
    tree = folded(repository, repository.line[-1].commit)
    for held in tree.held:
        assert any(problem.severity is Severity.ERROR for problem in held.problems)
    files = repository.trees[-1].keys()
    assert files ^ tree.provenance.keys() <= {held.file for held in tree.held}


def test_a_checkpoint_of_another_line_is_ignored() -> None:
    """After a force-push the old checkpoint names a commit that is not on the line."""
    repository = RememberedRepository()
    newest = repository.commit(PLATFORM)
    foreign = Checkpoint(commit=newest.replace("0", "f"), files={}, departed={}, held={})  # type: ignore[arg-type]
    expected = effective_tree(repository, newest, checkpoint=None, today=TODAY)
    assert effective_tree(repository, newest, checkpoint=foreign, today=TODAY) == expected


def test_a_rewind_behind_the_checkpoint_starts_again() -> None:
    """The branch went back to the commit before the one that the checkpoint stands at."""
    repository = RememberedRepository()
    first = repository.commit(PLATFORM)
    repository.commit({**PLATFORM, "tenants/t0.yaml": a_tenant("t0", RANGES[0]).encode()})
    third = repository.commit(PLATFORM)
    _, checkpoint = effective_tree(repository, third, checkpoint=None, today=TODAY)
    assert folded(repository, first, checkpoint) == folded(repository, first)
    second = repository.line[1].commit
    assert folded(repository, second, checkpoint) == folded(repository, second)


def test_damaged_and_foreign_checkpoints_are_none() -> None:
    """Broken JSON, another schema, other rules, another shape: all the same as no checkpoint."""
    good = Checkpoint().to_json()
    assert from_json(good) == Checkpoint()
    bad = [
        "",
        "[]",
        "null",
        good[:-1],
        good.replace('"schema": 1', '"schema": 2'),
        good.replace('"rules": "', '"rules": "0'),
    ]
    bad.append(good.replace('"files": {}', '"files": 3'))
    assert [from_json(text) for text in bad] == [None] * 7


def test_unchanged_files_are_read_once() -> None:
    """A hundred commits to one file read that file's versions and no other again; a second reading reads nothing."""
    repository = RememberedRepository()
    others = {f"rulesets/r{number}.yaml": a_ruleset(f"r{number}").encode() for number in range(20)}
    for number in range(100):
        edited = a_tenant("t0", RANGES[0], fqdn=f"www{number}.example.com").encode()
        newest = repository.commit({**PLATFORM, **others, "tenants/t0.yaml": edited})
    known = Meanings()
    _, checkpoint = effective_tree(repository, newest, checkpoint=None, today=TODAY, known=known)
    assert repository.reads == len(PLATFORM) + len(others) + 100
    repository.reads = 0
    edited = a_tenant("t0", RANGES[0], fqdn="last.example.com").encode()
    newest = repository.commit({**PLATFORM, **others, "tenants/t0.yaml": edited})
    effective_tree(repository, newest, checkpoint=checkpoint, today=TODAY, known=known)
    assert repository.reads <= 2
