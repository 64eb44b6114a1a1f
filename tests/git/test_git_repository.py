"""The Git adapter on real repositories: what git may be given, and how the local copy lives."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from git_histories import Upstream, a_platform, a_repository, a_tenant, fetched

from function_app.adapters.git_repository import GitRepository
from function_app.model.errors import SourceError
from function_app.model.names import Commit

BLUE = a_tenant("blue", "10.99.1.0/28")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """A repository with a hub, a cluster and a tenant."""
    made = a_repository(tmp_path / "upstream")
    made.commit({**a_platform(), "tenants/blue.yaml": BLUE})
    return made


@pytest.fixture
def repository(upstream: Upstream, tmp_path: Path) -> Iterator[GitRepository]:
    """Our copy of it, fetched once."""
    with closing(fetched(upstream, tmp_path / "cache")) as copy:
        yield copy


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-upload-pack=touch /tmp/pwned",
        "--upload-pack=touch /tmp/pwned",
        "ext::sh -c touch% /tmp/pwned",
        "EXT::sh -c touch",
        "fd::17",
        "file::/tmp/x",
        "::x",
        "ext://sh",
        "git://example.com/x",
        "http://example.com/x",
        "https://example.com/x\n--upload-pack=x",
        "https://example.com/\x00x",
        "https:///x",
        "https://[::1/x",
        "ssh://-oProxyCommand=touch/x",
        "ssh://-lroot@example.com/x",
        "ssh://example.com/-x",
        "-oProxyCommand=x@example.com:x",
        "user@-oProxyCommand=x:x",
        "user@example.com:-x",
        "relative/path",
        "../x",
    ],
)
def test_urls_that_could_be_more_than_urls_are_refused(tmp_path: Path, url: str) -> None:
    """Options, programs, other protocols and control characters never reach git."""
    with pytest.raises(SourceError, match="https://HOST/PATH"):
        GitRepository(url, tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path, scheme: str) -> None:
    """The message says where credentials belong."""
    with pytest.raises(SourceError, match="EGRESS_GIT_ACCESS") as caught:
        GitRepository(f"{scheme}://ada:canary@example.com/x?token=canary", tmp_path / "cache")
    assert "canary" not in str(caught.value)
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/team/x.git",
        "https://org@dev.azure.com/org/project/_git/x",
        "ssh://git@example.com:2222/x",
        "git@example.com:team/x.git",
        "file:///srv/x",
        "/srv/with space/x",
    ],
)
def test_the_usual_forms_are_taken(tmp_path: Path, url: str) -> None:
    """Nothing is fetched yet."""
    assert GitRepository(url, tmp_path / "cache") is not None


@pytest.mark.parametrize("folder", ["-x", "/gitops", "../gitops", "a/../b", "git\nops"])
def test_folders_outside_the_repository_are_refused(tmp_path: Path, folder: str) -> None:
    """The definitions folder is a path inside."""
    with pytest.raises(SourceError, match="definitions folder"):
        GitRepository("/srv/x", tmp_path / "cache", definitions_folder=folder)


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-x",
        "--upload-pack=x",
        "@",
        "a..b",
        "a b",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[",
        "a\\b",
        "a@{1}",
        "a//b",
        "/a",
        "a/",
        "a.",
        "a.lock",
        ".a",
        "a/.b",
        "a\nb",
        "a\x7f",
        "main\u2028x",
    ],
)
def test_malformed_refs_are_refused(repository: GitRepository, ref: str) -> None:
    """What git-check-ref-format refuses, we refuse, and whatever could be an option."""
    with pytest.raises(SourceError, match="not well-formed"):
        repository.resolve(ref)


def test_refs_resolve_to_commits(upstream: Upstream, repository: GitRepository) -> None:
    """Branches, annotated tags, full names and commits; a branch comes before a tag of the same name."""
    first = upstream.head()
    upstream.git("tag", "--annotate", "-m", "A release", "v1")
    upstream.git("tag", "feature/x", first)
    upstream.git("checkout", "--quiet", "-b", "feature/x")
    second = upstream.commit({"tenants/green.yaml": a_tenant("green", "10.99.1.16/28")})
    repository.fetch()
    refs = ("main", "v1", "refs/tags/v1", "feature/x", "refs/tags/feature/x", first)
    assert [repository.resolve(ref) for ref in refs] == [first, first, first, second, first, first]


@pytest.mark.parametrize("ref", ["absent", "HEAD", "1" * 40, "refs/heads/absent"])
def test_a_ref_that_does_not_exist_is_named(repository: GitRepository, ref: str) -> None:
    """The message says which and what to do."""
    with pytest.raises(SourceError, match=f"no (commit|branch or tag) `{ref}`"):
        repository.resolve(ref)


def test_a_blob_is_no_commit(upstream: Upstream, repository: GitRepository) -> None:
    """Forty hex digits of something else do not resolve, and are not read as a tree."""
    blob = upstream.git("rev-parse", "HEAD:gitops/tenants/blue.yaml")
    with pytest.raises(SourceError, match="no commit"):
        repository.resolve(blob)
    with pytest.raises(SourceError, match="is a commit, not a file"):
        repository.read(upstream.head())


@pytest.mark.parametrize("name", ["--all", "HEAD", "main", "1" * 39])
def test_only_full_ids_are_read(repository: GitRepository, name: str) -> None:
    """Whatever is no object id never reaches git."""
    for call in (repository.entries, repository.read, lambda text: repository.first_parents(text, None)):
        with pytest.raises(SourceError, match="40 hex digits"):
            call(Commit(name))


def test_entries_are_relative_to_the_folder(upstream: Upstream, repository: GitRepository) -> None:
    """Path, mode, blob and size of each file; files outside the folder are not listed."""
    (upstream.folder / "README.md").write_text("x")
    (upstream.folder / "gitops/run").write_text("#!")
    (upstream.folder / "gitops/run").chmod(0o755)
    (upstream.folder / "gitops/link").symlink_to("run")
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},gitops/module")
    upstream.git("add", "--all", "README.md", "gitops/run", "gitops/link")
    upstream.git("commit", "--quiet", "--message", "Kinds of entries")
    repository.fetch()
    entries = {entry.path: entry for entry in repository.entries(upstream.head())}
    assert {path: oct(entry.mode) for path, entry in entries.items()} == {
        "clusters/spoke1.yaml": "0o100644",
        "hubs/hub1.yaml": "0o100644",
        "link": "0o120000",
        "module": "0o160000",
        "run": "0o100755",
        "tenants/blue.yaml": "0o100644",
    }
    blue = entries["tenants/blue.yaml"]
    assert (repository.read(blue.blob), blue.size) == (BLUE.encode(), len(BLUE))


def test_a_folder_that_does_not_exist_is_empty(upstream: Upstream, tmp_path: Path) -> None:
    """No definitions yet; another folder's name is another listing."""
    with closing(GitRepository(str(upstream.folder), tmp_path / "cache", definitions_folder="other")) as repository:
        repository.fetch()
        assert repository.entries(upstream.head()) == ()


def test_the_root_may_be_the_definitions_folder(upstream: Upstream, tmp_path: Path) -> None:
    """An empty folder name lists the whole repository."""
    with closing(GitRepository(str(upstream.folder), tmp_path / "cache", definitions_folder="")) as repository:
        repository.fetch()
        assert next(entry.path for entry in repository.entries(upstream.head())) == "gitops/clusters/spoke1.yaml"


def test_a_nested_folder_is_found(upstream: Upstream, tmp_path: Path) -> None:
    """The definitions folder may lie deeper."""
    folder = "gitops/tenants"
    with closing(GitRepository(str(upstream.folder), tmp_path / "cache", definitions_folder=folder)) as repository:
        repository.fetch()
        assert [entry.path for entry in repository.entries(upstream.head())] == ["blue.yaml"]


def test_the_line_of_first_parents(upstream: Upstream, repository: GitRepository) -> None:
    """Oldest first, ending with the commit; merged branches count as their merge."""
    first = upstream.head()
    upstream.git("checkout", "--quiet", "-b", "work")
    side = upstream.commit({"tenants/green.yaml": "x"})
    upstream.git("checkout", "--quiet", "main")
    upstream.git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    merge = upstream.head()
    last = upstream.commit({"tenants/red.yaml": "x"})
    repository.fetch()
    line = repository.first_parents(last, None)
    assert [entry.commit for entry in line] == [first, merge, last]
    assert [entry.first_parent for entry in line] == [None, first, merge]
    assert {entry.author for entry in line} == {"Ada <ada@example.com>"}
    assert line[0].at.isoformat() == "2026-11-01T12:00:00+01:00"
    assert [entry.commit for entry in repository.first_parents(last, merge)] == [last]
    assert repository.first_parents(last, last) == ()
    off_the_line = (side, Commit("1" * 40))
    assert [len(repository.first_parents(last, since)) for since in off_the_line] == [3, 3]
    assert len(repository.first_parents(first, last)) == 1


def test_a_working_repository_is_read_at_its_commits(upstream: Upstream, repository: GitRepository) -> None:
    """What lies uncommitted in the working folder does not count, neither do its hooks and settings."""
    (upstream.folder / "gitops/tenants/blue.yaml").write_text("edited")
    blue = next(entry for entry in repository.entries(upstream.head()) if entry.path == "tenants/blue.yaml")
    assert repository.read(blue.blob) == BLUE.encode()


def test_a_force_push_and_a_deleted_branch_are_followed(upstream: Upstream, repository: GitRepository) -> None:
    """Branches are where the remote says."""
    first = upstream.head()
    upstream.git("branch", "gone")
    second = upstream.commit({"tenants/green.yaml": "x"})
    repository.fetch()
    assert (repository.resolve("main"), repository.resolve("gone")) == (second, first)
    upstream.git("reset", "--quiet", "--hard", first)
    upstream.git("branch", "-D", "gone")
    repository.fetch()
    assert repository.resolve("main") == first
    with pytest.raises(SourceError, match="no branch or tag `gone`"):
        repository.resolve("gone")


def test_a_branch_in_place_of_a_folder_of_branches(upstream: Upstream, repository: GitRepository) -> None:
    """`a/b` is deleted and `a` is made: names that exclude each other do not stop the fetch."""
    upstream.git("branch", "a/b")
    repository.fetch()
    upstream.git("branch", "-D", "a/b")
    upstream.git("branch", "a")
    repository.fetch()
    assert repository.resolve("a") == upstream.head()


def test_an_unreachable_remote_leaves_the_last_copy_usable(
    upstream: Upstream, repository: GitRepository, tmp_path: Path
) -> None:
    """The repository moved away: fetch says so, everything fetched before can be read, also by a new process."""
    upstream.folder.rename(tmp_path / "away")
    with pytest.raises(SourceError, match="cannot be fetched"):
        repository.fetch()
    moved = Upstream(tmp_path / "away")
    with closing(GitRepository(str(upstream.folder), tmp_path / "cache")) as again:
        for each in (repository, again):
            assert len(each.entries(each.resolve("main"))) == 3
    moved.folder.rename(upstream.folder)
    repository.fetch()


def test_a_remote_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """A server that accepts and says nothing: the fetch ends at its time limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/x?token=canary"
        repository = GitRepository(url, tmp_path / "cache", timeout_seconds=0.5)
        started = time.monotonic()
        with pytest.raises(SourceError, match="took more than") as caught:
            repository.fetch()
    assert time.monotonic() - started < 10
    assert "canary" not in str(caught.value)


def test_a_refused_connection_repeats_no_secret(tmp_path: Path) -> None:
    """User and query of the URL are left out of what git says."""
    repository = GitRepository("https://canary@127.0.0.1:9/x?token=canary", tmp_path / "cache")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1:9/x cannot be fetched") as caught:
        repository.fetch()
    assert "canary" not in str(caught.value)


def test_a_copy_that_was_never_made_is_an_error(upstream: Upstream, tmp_path: Path) -> None:
    """Reading before the first fetch says so."""
    with closing(GitRepository(str(upstream.folder), tmp_path / "cache")) as repository:
        with pytest.raises(SourceError, match="no branch or tag"):
            repository.resolve("main")
        with pytest.raises(SourceError, match="missing or damaged"):
            repository.entries(upstream.head())


@pytest.mark.parametrize("damage", ["HEAD", "objects", "everything", "file in its place", "a lock left behind"])
def test_a_damaged_copy_is_made_again(
    upstream: Upstream, repository: GitRepository, tmp_path: Path, damage: str
) -> None:
    """Whatever happened to the cache, the next fetch puts it right."""
    cache = tmp_path / "cache"
    match damage:
        case "HEAD":
            (cache / "HEAD").write_bytes(b"\0")
        case "objects":
            shutil.rmtree(cache / "objects")
        case "everything":
            shutil.rmtree(cache)
        case "file in its place":
            shutil.rmtree(cache)
            cache.write_text("x")
        case _:
            (cache / "refs/heads").mkdir(exist_ok=True)
            (cache / "refs/heads/main.lock").write_text("")
    head = upstream.commit({"tenants/green.yaml": "x"})
    repository.fetch()
    assert repository.resolve("main") == head
    assert len(repository.entries(head)) == 4


def test_a_damaged_object_is_noticed_when_it_is_read(
    upstream: Upstream, repository: GitRepository, tmp_path: Path
) -> None:
    """Fetching does not look at old objects; reading does, and the fetch after that makes a new copy."""
    blob = upstream.git("rev-parse", "HEAD:gitops/tenants/blue.yaml")
    for stored in [*(tmp_path / "cache/objects").rglob("*.pack"), tmp_path / "cache/objects" / blob[:2] / blob[2:]]:
        if stored.exists():
            stored.chmod(0o600)
            stored.write_bytes(b"x" * 40)
    repository.fetch()
    with pytest.raises(SourceError, match="missing or damaged"):
        repository.read(blob)
    repository.fetch()
    assert repository.read(blob) == BLUE.encode()


def test_a_cache_of_another_repository_is_not_mixed_up(
    repository: GitRepository, upstream: Upstream, tmp_path: Path
) -> None:
    """The same folder for another URL: nothing of the former repository can be read afterwards."""
    other = a_repository(tmp_path / "other")
    head = other.commit({"hubs/hub1.yaml": "x"})
    with closing(fetched(other, tmp_path / "cache")) as mine:
        assert mine.resolve("main") == head
        with pytest.raises(SourceError, match="no commit"):
            mine.resolve(upstream.head())
    repository.close()


def test_settings_and_hooks_of_the_environment_do_not_act(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs us inside a git hook, or has a configuration that rewrites URLs, changes nothing."""
    rewriting = tmp_path / "config"
    rewriting.write_text(f'[url "/nonexistent/"]\n\tinsteadOf = {upstream.folder}\n')
    for name, value in {
        "GIT_CONFIG_GLOBAL": str(rewriting),
        "GIT_CONFIG_SYSTEM": str(rewriting),
        "GIT_DIR": "/nonexistent",
        "GIT_OBJECT_DIRECTORY": "/nonexistent",
        "GIT_INDEX_FILE": "/nonexistent",
        "GIT_CONFIG_PARAMETERS": f"'url./nonexistent/.insteadof={upstream.folder}'",
    }.items():
        monkeypatch.setenv(name, value)
    with closing(fetched(upstream, tmp_path / "cache")) as repository:
        assert len(repository.entries(repository.resolve("main"))) == 3


def test_a_shallow_source_is_refused_with_what_to_do(upstream: Upstream, tmp_path: Path) -> None:
    """A clone without history cannot tell what is in force."""
    upstream.commit({"tenants/green.yaml": "x"})
    shallow = tmp_path / "shallow"
    upstream.git("clone", "--quiet", "--depth=1", f"file://{upstream.folder}", str(shallow))
    with (
        closing(GitRepository(str(shallow), tmp_path / "cache")) as repository,
        pytest.raises(SourceError, match="unshallow"),
    ):
        repository.fetch()


def test_a_source_that_becomes_shallow_does_not_pass_for_unchanged(
    upstream: Upstream, repository: GitRepository, tmp_path: Path
) -> None:
    """In place of the repository stands a clone without history: the fetch fails, the last copy stays."""
    first = upstream.head()
    upstream.commit({"tenants/green.yaml": "x"})
    upstream.folder.rename(tmp_path / "away")
    upstream_url = f"file://{tmp_path / 'away'}"
    Upstream(tmp_path).git("clone", "--quiet", "--depth=1", upstream_url, str(upstream.folder))
    with pytest.raises(SourceError, match="unshallow"):
        repository.fetch()
    assert repository.resolve("main") == first


def test_without_git_the_message_says_how_to_install_it(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is missing from the PATH."""
    repository = GitRepository(str(upstream.folder), tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="apt-get install git"):
        repository.fetch()
