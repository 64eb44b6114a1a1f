"""Which commit may be in force, on real repositories: rewound branches, signatures, and the processes that come and go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from git_histories import Upstream, a_platform, a_repository, a_tenant

from function_app.adapters.clocks import SystemClock
from function_app.adapters.git_program import GitProgram
from function_app.adapters.git_repository import GitRepository
from function_app.adapters.git_signatures import Signers
from function_app.adapters.state_files import CheckpointFile
from function_app.model.errors import SourceError
from function_app.model.names import Commit
from function_app.ports import BlobEntry
from function_app.reconcile import Source
from function_app.sourcing import Kept, Sourcing

BLUE, GREEN = a_tenant("blue", "10.99.1.0/28"), a_tenant("green", "10.99.1.16/28")


@dataclass
class Permissions:
    """`Waivers` in memory."""

    given: set[Commit] = field(default_factory=set)

    def permits(self, commit: Commit) -> bool:
        """Whether somebody permits it."""
        return commit in self.given

    def used(self, commit: Commit) -> None:
        """Once."""
        self.given.discard(commit)


@dataclass
class Installation:
    """What outlives processes: the kept texts and what was permitted."""

    folder: Path
    upstream: Upstream
    permissions: Permissions = field(default_factory=Permissions)

    @contextmanager
    def process(self, disk: str = "disk", signers: Signers | None = None, ref: str = "main") -> Iterator[Sourcing]:
        """A process on a machine with this disk."""
        copy = GitRepository(str(self.upstream.folder), self.folder / disk / "cache", signers=signers)
        with closing(copy):
            yield Sourcing(
                lambda _: copy,
                lambda: Kept(
                    CheckpointFile(self.folder / "checkpoint.json"),
                    CheckpointFile(self.folder / "in-force.json"),
                    CheckpointFile(self.folder / disk / "meanings.json"),
                ),
                self.permissions,
                SystemClock,
                location=str(self.upstream.folder),
                ref=ref,
                root="gitops",
            )


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A repository with blue and then green."""
    upstream = a_repository(tmp_path / "upstream")
    upstream.commit({**a_platform(), "tenants/blue.yaml": BLUE})
    return Installation(tmp_path, upstream)


def tenants(source: Source) -> list[str]:
    """Who is in force."""
    return sorted(source.tree.definitions.tenants)


def rewound(installation: Installation) -> tuple[Commit, Commit]:
    """Green was merged and seen; then somebody force-pushes the branch back and adds something else."""
    first = installation.upstream.head()
    second = installation.upstream.commit({"tenants/green.yaml": GREEN})
    with installation.process() as process:
        assert ["blue", "green"] == tenants(process.source())
    installation.upstream.git("reset", "--quiet", "--hard", first)
    other = installation.upstream.commit({"readme.txt": "another history"})
    return second, other


def test_a_rewound_branch_changes_nothing_until_somebody_permits_it(installation: Installation) -> None:
    """What was in force stays, also in a new process; the reason says both ways out."""
    second, other = rewound(installation)
    for _ in range(2):
        with installation.process() as process:
            source = process.source()
        assert (second, other, ["blue", "green"]) == (source.tree.commit, source.seen, tenants(source))
        assert f"{other[:12]} does not follow {second[:12]}" in source.problem
        assert "--waive rewound" in source.problem


def test_a_process_that_need_not_fetch_goes_on_with_what_it_fetched(installation: Installation) -> None:
    """Until something else is in force by another process; one that has fetched nothing yet fetches all the same."""
    with installation.process() as process, installation.process("another disk") as another:
        first = process.source(fetch=False)
        installation.upstream.commit({"tenants/green.yaml": GREEN})
        at_hand = process.source(fetch=False)
        elsewhere = another.source()
        caught_up = process.source(fetch=False)

    assert (["blue"], ["blue"]) == (tenants(first), tenants(at_hand))
    assert ["blue", "green"] == tenants(elsewhere) == tenants(caught_up)
    assert elsewhere.seen == caught_up.seen


def test_trouble_with_the_last_fetch_is_looked_into_each_time(installation: Installation) -> None:
    """A rewound branch is refused by every pass, also by those that need not fetch; one that cannot be reached is tried again."""
    with installation.process() as process:
        process.source()
        rewound(installation)
        process.source()
        assert "does not follow" in process.source(fetch=False).problem

    away = installation.upstream.folder.with_name("away")
    installation.upstream.folder.rename(away)
    with installation.process() as process:
        process.source()
        assert process.source(fetch=False).problem


def test_without_a_commit_git_is_asked_for_no_more_than_the_newest_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each question is a process, and most passes find no commit; a ref that got lost is put back all the same."""
    asked: list[str] = []
    really = GitProgram.run

    def noted(program: GitProgram, *arguments: str, **more: Any) -> bytes:
        asked.append(arguments[0])
        return really(program, *arguments, **more)

    with installation.process() as process:
        process.source()
        monkeypatch.setattr(GitProgram, "run", noted)
        process.source()
        assert ["fetch", "rev-parse"] == asked
        ref = installation.folder / "disk" / "cache" / "refs" / "egress-gitops" / "in-force"
        kept = ref.read_text(encoding="ascii")
        ref.unlink()
        process.source()
        assert kept == ref.read_text(encoding="ascii")


def test_a_new_disk_finds_what_was_in_force_before_the_rewind(installation: Installation) -> None:
    """No branch leads to it any more, but the host still has it: passes go on with it, and the way out is said."""
    second, other = rewound(installation)

    for _ in range(2):
        with installation.process("a new disk") as process:
            source = process.source()
        assert (second, other, ["blue", "green"]) == (source.tree.commit, source.seen, tenants(source))
        assert "--waive rewound" in source.problem


def test_a_waiver_lets_it_come_into_force_once(installation: Installation) -> None:
    """For the commit it names; the next rewind, to whatever commit, is refused again."""
    second, other = rewound(installation)
    installation.permissions.given.add(second)
    with installation.process() as process:
        assert ["blue", "green"] == tenants(process.source())
        installation.permissions.given = {other}
        source = process.source()
        assert (other, ["blue"], "") == (source.tree.commit, tenants(source), source.problem)
        assert not installation.permissions.given
        installation.upstream.git("reset", "--quiet", "--hard", second)
        assert ["blue"] == tenants(process.source())


def test_what_nobody_has_any_more_is_not_replaced_in_silence(installation: Installation) -> None:
    """The host has thrown away what the force-push dropped, and the disk is new: nothing is in force until somebody decides."""
    _, other = rewound(installation)
    installation.upstream.git("reflog", "expire", "--expire=now", "--all")
    installation.upstream.git("gc", "--quiet", "--prune=now")
    with installation.process("new-disk") as process:
        with pytest.raises(SourceError, match="so nothing is in force"):
            process.source()
        assert other == process.newest()
        installation.permissions.given.add(other)
        assert ["blue"] == tenants(process.source())


def test_a_merge_that_was_made_elsewhere_is_no_rewind(installation: Installation) -> None:
    """Somebody merged our branch into theirs and pushed that: the commit in force is part of its history."""
    upstream = installation.upstream
    first = upstream.head()
    upstream.commit({"tenants/green.yaml": GREEN})
    with installation.process() as process:
        process.source()
        upstream.git("checkout", "--quiet", "-B", "theirs", first)
        upstream.commit({"readme.txt": "theirs"})
        upstream.git("merge", "--quiet", "--no-edit", "main")
        merged = upstream.head()
        upstream.git("checkout", "--quiet", "-B", "main", merged)
        source = process.source()
    assert (merged, "") == (source.tree.commit, source.problem)


def test_another_branch_was_somebodys_decision(installation: Installation) -> None:
    """The setting names another branch than before: that is no rewind, and a look at another ref is none either."""
    second, _ = rewound(installation)
    installation.upstream.git("branch", "release", f"{second}~1")
    with installation.process() as process:
        assert ["blue"] == tenants(process.source("release"))
    with installation.process(ref="release") as process:
        source = process.source()
    assert (["blue"], "") == (tenants(source), source.problem)


def test_whoever_has_fetched_less_does_not_see_a_rewind(installation: Installation) -> None:
    """Another process has brought a newer commit into force, and this one cannot fetch: it goes on with what it has."""
    with installation.process("old") as old, installation.process("new") as new:
        old.source()
        installation.upstream.commit({"tenants/green.yaml": GREEN})
        new.source()
        away = installation.upstream.folder.with_name("away")
        installation.upstream.folder.rename(away)
        source = old.source()
        assert "rewound" not in source.problem
        assert ["blue"] == tenants(source)
        away.rename(installation.upstream.folder)
        assert ["blue", "green"] == tenants(old.source())


@dataclass(frozen=True, slots=True)
class Key:
    """An ssh key that signs commits. `line` is its line in an allowed_signers file."""

    file: Path

    @property
    def line(self) -> str:
        """Who may sign with it."""
        return f"ada@example.com {self.file.with_suffix('.pub').read_text()}"

    def sign(self, upstream: Upstream) -> Commit:
        """Sign the newest commit."""
        upstream.git(
            "-c",
            "gpg.format=ssh",
            "-c",
            f"user.signingKey={self.file}",
            "commit",
            "--quiet",
            "--amend",
            "-S",
            "--no-edit",
        )
        return upstream.head()


def a_key(folder: Path, name: str) -> Key:
    """A new one."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    return Key(folder / name)


def test_a_commit_without_a_good_signature_is_passed_over(installation: Installation, tmp_path: Path) -> None:
    """Unsigned, then signed by a stranger, then by somebody who may: the newest good one is in force, and it is said why."""
    upstream, ada, stranger = installation.upstream, a_key(tmp_path, "ada"), a_key(tmp_path, "stranger")
    first = ada.sign(upstream)
    with installation.process(signers=Signers(ada.line)) as process:
        assert "" == process.source().problem
        unsigned = upstream.commit({"tenants/green.yaml": GREEN})
        source = process.source()
        assert (first, unsigned, ["blue"]) == (source.tree.commit, source.seen, tenants(source))
        assert "is not signed" in source.problem
        stranger.sign(upstream)
        source = process.source()
        assert (first, ["blue"]) == (source.tree.commit, tenants(source))
        assert "of nobody who may sign" in source.problem
        good = ada.sign(upstream)
        source = process.source()
        assert (good, ["blue", "green"], "") == (source.tree.commit, tenants(source), source.problem)
        upstream.commit({"tenants/blue.yaml": a_tenant("blue", "10.99.1.32/28")})
        upstream.commit({"tenants/red.yaml": GREEN})
        assert good == process.source().tree.commit


def test_signatures_by_pgp_count_when_the_key_ring_has_the_key(installation: Installation, tmp_path: Path) -> None:
    """The ring that the settings give, whatever this machine's own ring holds."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "Ada <ada@example.com>", "ed25519", "sign", "never"], check=True)
    ring = subprocess.run([*gpg, "--armor", "--export"], check=True, capture_output=True, text=True).stdout
    wrapper = tmp_path / "gpg"
    wrapper.write_text(f'#!/bin/sh\nexec gpg --homedir {home} "$@"\n')
    wrapper.chmod(0o755)
    upstream = installation.upstream
    upstream.git("-c", f"gpg.program={wrapper}", "commit", "--quiet", "--amend", "-S", "--no-edit")
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)

    with installation.process(signers=Signers(keys=ring)) as process:
        assert ("", ["blue"]) == (process.source().problem, tenants(process.source()))
    (tmp_path / "in-force.json").unlink()
    other = Signers(a_key(tmp_path, "ada").line)
    with installation.process(signers=other) as process, pytest.raises(SourceError, match="of nobody who may sign"):
        process.source()


def test_nothing_is_in_force_where_nothing_was_ever_signed(installation: Installation, tmp_path: Path) -> None:
    """Rather nothing than what nobody vouches for."""
    with (
        installation.process(signers=Signers(a_key(tmp_path, "ada").line)) as process,
        pytest.raises(SourceError, match="Nothing is in force"),
    ):
        process.source()


def test_keys_that_are_none_are_named(installation: Installation) -> None:
    """The setting, not its content."""
    with installation.process(signers=Signers(keys="canary")) as process, pytest.raises(SourceError) as caught:
        process.source()
    assert "EGRESS_GIT_SIGNER_KEYS" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_former_commit_has_its_own_tree(installation: Installation) -> None:
    """What is not taken up needs it: blue alone stood there. The newest tree, and where its fold left off, are as before."""
    first = installation.upstream.head()
    installation.upstream.commit({"tenants/green.yaml": GREEN})
    with installation.process() as process:
        source = process.source()
        kept = (installation.folder / "checkpoint.json").read_text()
        former = source.former(first)
        assert (first, {"blue"}) == (former.commit, set(former.definitions.tenants))
        assert source.former(first) is former
        assert process.source().tree is source.tree
    assert kept == (installation.folder / "checkpoint.json").read_text()


def test_a_former_commit_that_is_gone_is_said_to_be(installation: Installation) -> None:
    """Nothing is guessed of it."""
    with installation.process() as process, pytest.raises(SourceError, match="is gone from the repository"):
        process.source().former(Commit("d" * 40))


def test_a_former_tree_is_folded_from_where_the_newest_began(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long history only the commit that was in force until now is read again."""
    for number in range(5):
        installation.upstream.commit({"readme.txt": f"edition {number}"})
    looked: list[Commit] = []
    entries = GitRepository.entries
    with installation.process() as process:
        before = process.source().tree.commit
        installation.upstream.commit({"tenants/green.yaml": GREEN})
        source = process.source()

        def watched(self: GitRepository, commit: Commit) -> Sequence[BlobEntry]:
            looked.append(commit)
            return entries(self, commit)

        monkeypatch.setattr(GitRepository, "entries", watched)
        former = source.former(before)
    assert {"blue"} == set(former.definitions.tenants)
    assert [before] == looked
