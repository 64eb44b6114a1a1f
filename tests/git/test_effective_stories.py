"""The effective tree, told as histories of real repositories."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from git_histories import TODAY, Upstream, a_cluster, a_hub, a_platform, a_repository, a_ruleset, a_tenant, tree_of

from function_app.adapters.git_repository import GitRepository
from function_app.model.tree import Held, Tree
from function_app.reading.effective import effective_tree

BLUE = a_tenant("blue", "10.99.1.0/28")
GREEN = a_tenant("green", "10.99.1.16/28")
RED = a_tenant("red", "10.99.1.32/28")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    """A repository with a hub, a cluster and the tenant blue."""
    made = a_repository(tmp_path / "upstream")
    made.commit({**a_platform(), "tenants/blue.yaml": BLUE})
    return made


def tenants(tree: Tree) -> dict[str, str]:
    """Each tenant in force with its range."""
    return {name: tenant.spec.attachments[0].cidr for name, tenant in tree.definitions.tenants.items()}


def held(tree: Tree) -> list[str]:
    """The files that are held back."""
    return [each.file for each in tree.held]


def the_held(tree: Tree) -> Held:
    """The only file that is held back."""
    (only,) = tree.held
    return only


def test_a_valid_tree_is_in_force(upstream: Upstream, tmp_path: Path) -> None:
    """Everything valid takes effect, with the commit and author that wrote it."""
    first = upstream.head()
    second = upstream.commit({"tenants/green.yaml": GREEN})
    tree = tree_of(upstream, tmp_path / "cache")
    assert tree.commit == second
    assert tenants(tree) == {"blue": "10.99.1.0/28", "green": "10.99.1.16/28"}
    assert set(tree.definitions.hubs) == {"hub1"}
    assert (tree.held, tree.problems, tree.doubt) == ((), (), ())
    assert tree.provenance["tenants/blue.yaml"].commit == first
    assert tree.provenance["tenants/green.yaml"].commit == second
    assert tree.provenance["tenants/green.yaml"].author == "Ada <ada@example.com>"


def test_a_broken_file_keeps_its_former_version_while_others_take_effect(upstream: Upstream, tmp_path: Path) -> None:
    """One commit breaks blue and adds green: blue holds, green goes through, nothing counts as removed."""
    first = upstream.head()
    second = upstream.commit({"tenants/blue.yaml": "kind: [broken", "tenants/green.yaml": GREEN})
    tree = tree_of(upstream, tmp_path / "cache")
    assert tenants(tree) == {"blue": "10.99.1.0/28", "green": "10.99.1.16/28"}
    only = the_held(tree)
    assert (only.file, only.since, only.previous_in_force) == ("tenants/blue.yaml", second, True)
    assert only.problems[0].place.file == "gitops/tenants/blue.yaml"
    assert only.problems[0] in tree.problems
    assert tree.provenance["tenants/blue.yaml"].commit == first
    assert tree.doubt == ()
    assert tree.departed == {}


def test_a_repaired_file_takes_effect(upstream: Upstream, tmp_path: Path) -> None:
    """Broken, then repaired with an edit: the edit is in force and nothing is held."""
    upstream.commit({"tenants/blue.yaml": "kind: [broken"})
    third = upstream.commit({"tenants/blue.yaml": BLUE.replace("www.example.com", "api.example.com")})
    tree = tree_of(upstream, tmp_path / "cache")
    (blue,) = tree.definitions.tenants.values()
    assert blue.spec.egress.allow[0].fqdns == ("api.example.com",)
    assert tree.held == ()
    assert tree.provenance["tenants/blue.yaml"].commit == third


def test_a_held_file_that_is_reverted_was_never_changed(upstream: Upstream, tmp_path: Path) -> None:
    """Broken, then put back as it was: it bears the commit that wrote it first."""
    first = upstream.head()
    upstream.commit({"tenants/blue.yaml": "kind: [broken"})
    upstream.commit({"tenants/blue.yaml": BLUE})
    tree = tree_of(upstream, tmp_path / "cache")
    assert tree.held == ()
    assert tree.provenance["tenants/blue.yaml"].commit == first


def test_a_held_file_keeps_the_commit_that_wrote_it(upstream: Upstream, tmp_path: Path) -> None:
    """Later commits to other files do not move the time since when a file is held."""
    second = upstream.commit({"tenants/blue.yaml": "kind: [broken"})
    upstream.commit({"tenants/green.yaml": GREEN})
    assert the_held(tree_of(upstream, tmp_path / "cache")).since == second


def test_a_new_file_that_breaks_a_rule_is_left_out(upstream: Upstream, tmp_path: Path) -> None:
    """A range that overlaps an unchanged tenant's: the new tenant is left out, both are named."""
    upstream.commit({"tenants/green.yaml": a_tenant("green", "10.99.1.0/28")})
    tree = tree_of(upstream, tmp_path / "cache")
    assert tenants(tree) == {"blue": "10.99.1.0/28"}
    only = the_held(tree)
    assert (only.file, only.previous_in_force) == ("tenants/green.yaml", False)
    assert set(only.problems[0].files) == {"gitops/tenants/green.yaml", "gitops/tenants/blue.yaml"}


def test_two_changed_files_in_conflict_with_each_other_are_both_held(upstream: Upstream, tmp_path: Path) -> None:
    """Nobody is there first: both are held, and a third in the same commit takes effect."""
    files = {f"tenants/{name}.yaml": a_tenant(name, "10.99.1.64/28") for name in ("green", "red")}
    upstream.commit({**files, "tenants/white.yaml": a_tenant("white", "10.99.1.128/28")})
    tree = tree_of(upstream, tmp_path / "cache")
    assert held(tree) == ["tenants/green.yaml", "tenants/red.yaml"]
    assert set(tenants(tree)) == {"blue", "white"}


def test_what_clashes_with_an_unchanged_file_does_not_pull_others_along(upstream: Upstream, tmp_path: Path) -> None:
    """Green takes blue's namespace and red's range; once green is held, nothing speaks against red."""
    green = a_tenant("green", "10.99.1.32/28", namespace="blue-apps")
    upstream.commit({"tenants/green.yaml": green, "tenants/red.yaml": RED})
    tree = tree_of(upstream, tmp_path / "cache")
    assert held(tree) == ["tenants/green.yaml"]
    assert set(tenants(tree)) == {"blue", "red"}


def test_holding_one_file_holds_what_rests_on_it(upstream: Upstream, tmp_path: Path) -> None:
    """A tenant on a new cluster whose file is broken is held as well."""
    upstream.commit(
        {
            "clusters/spoke2.yaml": "kind: [broken",
            "tenants/green.yaml": a_tenant("green", "10.99.2.0/28", cluster="spoke2"),
        }
    )
    tree = tree_of(upstream, tmp_path / "cache")
    assert held(tree) == ["clusters/spoke2.yaml", "tenants/green.yaml"]
    assert set(tenants(tree)) == {"blue"}


def test_a_held_tenant_takes_effect_when_its_cluster_arrives(upstream: Upstream, tmp_path: Path) -> None:
    """The missing cluster comes in a later commit; the tenant's file bears the commit that wrote it."""
    second = upstream.commit({"tenants/green.yaml": a_tenant("green", "10.99.2.0/28", cluster="spoke2")})
    assert held(tree_of(upstream, tmp_path / "cache")) == ["tenants/green.yaml"]
    upstream.commit({"clusters/spoke2.yaml": a_cluster("spoke2", number=2)})
    tree = tree_of(upstream, tmp_path / "cache")
    assert tree.held == ()
    assert set(tenants(tree)) == {"blue", "green"}
    assert tree.provenance["tenants/green.yaml"].commit == second


def test_a_cluster_that_is_still_used_stays(upstream: Upstream, tmp_path: Path) -> None:
    """Deleting a cluster under a tenant is held: the former version stays in force."""
    upstream.commit(delete=["clusters/spoke1.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tree.definitions.clusters) == {"spoke1"}
    only = the_held(tree)
    assert (only.file, only.previous_in_force) == ("clusters/spoke1.yaml", True)
    assert "gitops/tenants/blue.yaml" in only.problems[0].files


def test_a_rule_set_that_is_still_included_stays(upstream: Upstream, tmp_path: Path) -> None:
    """Deleting a rule set that a tenant includes is held; once nobody includes it, it goes without another commit to it."""
    upstream.commit(
        {
            "rulesets/baseline.yaml": a_ruleset(),
            "tenants/blue.yaml": a_tenant("blue", "10.99.1.0/28", include="baseline"),
        }
    )
    upstream.commit(delete=["rulesets/baseline.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (held(tree), set(tree.definitions.rulesets)) == (["rulesets/baseline.yaml"], {"baseline"})
    upstream.commit({"tenants/blue.yaml": BLUE})
    tree = tree_of(upstream, tmp_path / "cache")
    assert (held(tree), set(tree.definitions.rulesets)) == ([], set())


def test_a_cluster_goes_with_its_last_tenant(upstream: Upstream, tmp_path: Path) -> None:
    """Tenant and cluster deleted in one commit: no rule is broken."""
    upstream.commit(
        {
            "tenants/green.yaml": a_tenant("green", "10.99.2.0/28", cluster="spoke2"),
            "clusters/spoke2.yaml": a_cluster("spoke2", number=2),
        }
    )
    upstream.commit(delete=["clusters/spoke2.yaml", "tenants/green.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert tree.held == ()
    assert set(tree.definitions.clusters) == {"spoke1"}
    assert set(tree.departed) == {"green"}


def test_a_deleted_tenant_is_departed_with_its_last_valid_definition(upstream: Upstream, tmp_path: Path) -> None:
    """Broken last, then deleted: the definition that was in force is kept for what remains to be done."""
    upstream.commit({"tenants/green.yaml": GREEN})
    upstream.commit({"tenants/green.yaml": "kind: [broken"})
    upstream.commit(delete=["tenants/green.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert tree.departed["green"].spec.attachments[0].cidr == "10.99.1.16/28"  # type: ignore[index]
    assert (tree.held, tree.doubt) == ((), ())


def test_a_tenant_that_comes_back_is_no_longer_departed(upstream: Upstream, tmp_path: Path) -> None:
    """Deleted and added again."""
    upstream.commit({"tenants/green.yaml": GREEN})
    upstream.commit(delete=["tenants/green.yaml"])
    upstream.commit({"tenants/green.yaml": GREEN})
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), set(tree.departed)) == ({"blue", "green"}, set())


def test_a_renamed_tenant_file_removes_nobody(upstream: Upstream, tmp_path: Path) -> None:
    """blue.yaml becomes azure.yaml and still says blue: the new file is held, the old one stays, removals stop."""
    upstream.commit({"tenants/azure.yaml": BLUE}, delete=["tenants/blue.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert tenants(tree) == {"blue": "10.99.1.0/28"}
    assert held(tree) == ["tenants/azure.yaml", "tenants/blue.yaml"]
    assert len(tree.doubt) == 1
    assert "`blue`" in tree.doubt[0]
    assert "gitops/tenants/azure.yaml" in tree.doubt[0]


@pytest.mark.parametrize("path", ["tenants/old/blue.yaml", "tenants/blue.yml", "clusters/blue.yaml"])
def test_a_tenant_file_that_is_moved_out_of_place_removes_nobody(upstream: Upstream, tmp_path: Path, path: str) -> None:
    """The file is found where no tenant is expected."""
    upstream.commit({path: BLUE}, delete=["tenants/blue.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert tree.departed == {}
    assert len(tree.doubt) == 1


def test_a_second_file_for_a_tenant_outlives_the_first_one_s_deletion_as_a_doubt(
    upstream: Upstream, tmp_path: Path
) -> None:
    """The second file is held; deleting the first one removes nobody while the second claims the name."""
    upstream.commit({"tenants/azure.yaml": BLUE})
    tree = tree_of(upstream, tmp_path / "cache")
    assert (held(tree), tree.doubt) == (["tenants/azure.yaml"], ())
    upstream.commit(delete=["tenants/blue.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), len(tree.doubt)) == ({"blue"}, 1)
    upstream.commit({"tenants/azure.yaml": a_tenant("azure", "10.99.1.64/28")})
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), set(tree.departed), tree.doubt) == ({"azure"}, {"blue"}, ())


def test_a_deletion_beside_an_unrelated_broken_file_takes_effect(upstream: Upstream, tmp_path: Path) -> None:
    """A broken file that does not speak of the deleted tenant raises no doubt about it."""
    upstream.commit({"tenants/green.yaml": GREEN})
    upstream.commit({"tenants/blue.yaml": "kind: [broken"}, delete=["tenants/green.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), set(tree.departed), tree.doubt) == ({"blue"}, {"green"}, ())


@pytest.mark.parametrize(
    "content",
    [
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        b"name: blue\n" * 30_000,
        BLUE.encode("utf-16"),
    ],
    ids=["lfs", "oversize", "utf-16"],
)
def test_a_deletion_beside_a_file_that_nobody_can_read_is_in_doubt(
    upstream: Upstream, tmp_path: Path, content: bytes
) -> None:
    """The unreadable file may be the tenant's new one."""
    upstream.commit({"tenants/azure.yaml": content}, delete=["tenants/blue.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), len(tree.doubt)) == ({"blue"}, 1)


def test_all_tenant_files_gone_is_for_limits_to_judge(upstream: Upstream, tmp_path: Path) -> None:
    """The hub is still there, so the tenants have been deleted on purpose or by mistake: planning counts them."""
    upstream.commit(delete=["tenants/blue.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (tenants(tree), set(tree.departed), tree.doubt) == ({}, {"blue"}, ())


def test_a_lost_folder_removes_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """The definitions folder is gone: everything stays in force, removals stop, the words say why."""
    (upstream.folder / "README.md").write_text("moved")
    upstream.git("rm", "-r", "--quiet", "gitops")
    upstream.commit_all()
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), set(tree.definitions.hubs)) == ({"blue"}, {"hub1"})
    assert "gitops holds no hub any more" in tree.doubt[0]
    assert len(tree.held) == 3


def test_no_hub_left_removes_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """Hub, cluster and tenants deleted together are taken for lost."""
    upstream.commit({"rulesets/baseline.yaml": a_ruleset()})
    upstream.commit(delete=["hubs/hub1.yaml", "clusters/spoke1.yaml", "tenants/blue.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), len(tree.doubt)) == ({"blue"}, 1)


def test_a_lost_folder_that_comes_back_leaves_no_trace(upstream: Upstream, tmp_path: Path) -> None:
    """Gone and restored: as if nothing had been."""
    before = tree_of(upstream, tmp_path / "cache")
    upstream.git("rm", "-r", "--quiet", "gitops")
    upstream.commit_all()
    upstream.git("revert", "--no-edit", "HEAD")
    after = tree_of(upstream, tmp_path / "cache")
    assert (after.definitions, after.provenance, after.held) == (before.definitions, before.provenance, ())
    assert after.doubt == ()


def test_a_link_in_a_file_s_place_is_never_followed(upstream: Upstream, tmp_path: Path) -> None:
    """A link to a valid definition is refused; the former file holds."""
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(a_tenant("blue", "10.99.1.240/28"))
    target = upstream.folder / "gitops/tenants/blue.yaml"
    target.unlink()
    target.symlink_to(elsewhere)
    upstream.commit_all()
    tree = tree_of(upstream, tmp_path / "cache")
    assert tenants(tree) == {"blue": "10.99.1.0/28"}
    assert the_held(tree).problems[0].code == "not-a-plain-file"
    assert "symbolic link" in the_held(tree).problems[0].message


def test_a_link_whose_target_text_is_a_definition_is_refused(upstream: Upstream, tmp_path: Path) -> None:
    """A link's blob is its target's name: even one that has a definition for a name, and the blob in force, is no file."""
    blob = upstream.git("rev-parse", "HEAD:gitops/tenants/blue.yaml")
    upstream.git("update-index", "--add", "--cacheinfo", f"120000,{blob},gitops/tenants/blue.yaml")
    upstream.git("commit", "--quiet", "--message", "A link")
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert the_held(tree).problems[0].code == "not-a-plain-file"


@pytest.mark.parametrize("folder", ["gitops/tenants", "gitops"])
def test_a_folder_replaced_by_a_link_removes_nothing(upstream: Upstream, tmp_path: Path, folder: str) -> None:
    """The same files lie behind the link; it is refused, and what was in force stays."""
    (upstream.folder / "real").mkdir()
    (upstream.folder / folder).rename(upstream.folder / "real/definitions")
    (upstream.folder / folder).symlink_to(upstream.folder / "real/definitions")
    upstream.commit_all()
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert tree.departed == {}
    assert len(tree.doubt) == 1
    assert any(problem.code == "not-a-plain-file" for problem in tree.problems)


def test_a_submodule_is_refused(upstream: Upstream, tmp_path: Path) -> None:
    """A commit of another repository in the tenants folder is named and not entered."""
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},gitops/tenants/extra")
    upstream.git("commit", "--quiet", "--message", "A submodule")
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert "submodule" in the_held(tree).problems[0].message


def test_a_large_file_is_refused_by_its_size(upstream: Upstream, tmp_path: Path) -> None:
    """A file of many megabytes is named with its size."""
    upstream.commit({"tenants/green.yaml": b"# padding\n" * 5_000_000})
    only = the_held(tree_of(upstream, tmp_path / "cache"))
    assert only.file == "tenants/green.yaml"
    assert "50000000 bytes" in only.problems[0].message


def test_a_hundred_thousand_files_are_bounded(upstream: Upstream, tmp_path: Path) -> None:
    """The commit is passed over as a whole, and the next one without them goes on; nobody is removed meanwhile."""
    blob = upstream.git("hash-object", "-w", "--stdin", stdin=GREEN.encode())
    index = "".join(f"100644 {blob}\tgitops/tenants/t{number}.yaml\n" for number in range(100_000))
    upstream.git("update-index", "--index-info", stdin=index.encode())
    upstream.git("commit", "--quiet", "--message", "Many files")
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert [problem.code for problem in tree.problems] == ["too-many-files"]
    assert len(tree.doubt) == 1
    upstream.git("read-tree", "HEAD~1")
    upstream.commit({"tenants/green.yaml": GREEN})
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tenants(tree)), tree.held, tree.doubt) == ({"blue", "green"}, (), ())


def test_a_tree_that_spells_out_billions_of_files_is_bounded(upstream: Upstream, tmp_path: Path) -> None:
    """Ten folders within ten folders within ten folders, all one object: listed up to a bound and passed over."""
    blob = upstream.git("hash-object", "-w", "--stdin", stdin=b"x")
    child, kind = blob, "100644 blob"
    for _ in range(10):
        lines = "".join(f"{kind} {child}\t{number}\n" for number in range(10))
        child, kind = upstream.git("mktree", stdin=lines.encode()), "040000 tree"
    former = upstream.git("ls-tree", "HEAD:gitops")
    gitops = upstream.git("mktree", stdin=f"{former}\n040000 tree {child}\tbomb\n".encode())
    root = upstream.git("mktree", stdin=f"040000 tree {gitops}\tgitops\n".encode())
    commit = upstream.git("commit-tree", root, "-p", "HEAD", "-m", "A bomb")
    upstream.git("update-ref", "refs/heads/main", commit)
    tree = tree_of(upstream, tmp_path / "cache")
    assert set(tenants(tree)) == {"blue"}
    assert [problem.code for problem in tree.problems] == ["too-many-files"]


def test_a_readme_is_no_definition_and_no_problem(upstream: Upstream, tmp_path: Path) -> None:
    """Files that are no definitions by intent are passed by."""
    upstream.commit({"README.md": "# Tenants", "tenants/.gitkeep": ""})
    tree = tree_of(upstream, tmp_path / "cache")
    assert (tree.held, tree.problems) == ((), ())


def test_only_the_first_parent_line_counts(upstream: Upstream, tmp_path: Path) -> None:
    """What was broken and repaired on a branch never happened on main."""
    upstream.git("checkout", "--quiet", "-b", "work")
    upstream.commit({"tenants/green.yaml": "kind: [broken"})
    upstream.commit({"tenants/green.yaml": GREEN})
    upstream.git("checkout", "--quiet", "main")
    upstream.git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    tree = tree_of(upstream, tmp_path / "cache")
    assert tree.provenance["tenants/green.yaml"].commit == upstream.head()


def test_a_warning_is_told_and_holds_nothing(upstream: Upstream, tmp_path: Path) -> None:
    """A rule that ended yesterday is reported with the newest commit, whichever file that commit changed."""
    upstream.commit(
        {
            "tenants/blue.yaml": BLUE.replace(
                "[www.example.com]", f'[www.example.com], expires: "{TODAY.replace(day=1)}"'
            )
        }
    )
    upstream.commit({"tenants/green.yaml": GREEN})
    tree = tree_of(upstream, tmp_path / "cache")
    assert [problem.code for problem in tree.problems] == ["expired"]
    assert tree.held == ()


def test_a_swap_of_ranges_is_held_for_good(upstream: Upstream, tmp_path: Path) -> None:
    """Two tenants cannot change ranges with each other, not even one commit later."""
    upstream.commit({"tenants/green.yaml": GREEN})
    upstream.commit(
        {
            "tenants/blue.yaml": a_tenant("blue", "10.99.1.16/28"),
            "tenants/green.yaml": a_tenant("green", "10.99.1.0/28"),
        }
    )
    upstream.commit({"rulesets/baseline.yaml": a_ruleset()})
    tree = tree_of(upstream, tmp_path / "cache")
    assert tenants(tree) == {"blue": "10.99.1.0/28", "green": "10.99.1.16/28"}
    assert held(tree) == ["tenants/blue.yaml", "tenants/green.yaml"]


def test_a_second_hub_is_its_own(upstream: Upstream, tmp_path: Path) -> None:
    """One of two hubs may go while the other is there."""
    upstream.commit({"hubs/hub2.yaml": a_hub("hub2")})
    upstream.commit(delete=["hubs/hub2.yaml"])
    tree = tree_of(upstream, tmp_path / "cache")
    assert (set(tree.definitions.hubs), tree.held, tree.doubt) == ({"hub1"}, (), ())


def test_new_tenants_beyond_a_limit_are_held_and_the_hub_is_not(upstream: Upstream, tmp_path: Path) -> None:
    """A hub arrives with room for one tenant and with two of them: both wait, the hub and its cluster are in force."""
    hub = a_hub("hub2").rstrip() + "\n  limits: {ruleCollections: 4}\n"
    upstream.commit(
        {
            "hubs/hub2.yaml": hub,
            "clusters/spoke2.yaml": a_cluster("spoke2", number=2, hub="hub2"),
            "tenants/green.yaml": a_tenant("green", "10.99.2.0/28", cluster="spoke2"),
            "tenants/red.yaml": a_tenant("red", "10.99.2.16/28", cluster="spoke2"),
        }
    )
    tree = tree_of(upstream, tmp_path / "cache")
    assert held(tree) == ["tenants/green.yaml", "tenants/red.yaml"]
    assert (set(tree.definitions.hubs), set(tree.definitions.clusters)) == ({"hub1", "hub2"}, {"spoke1", "spoke2"})


def test_a_checkpoint_of_another_folder_is_ignored(upstream: Upstream, tmp_path: Path) -> None:
    """The definitions folder is set anew: what was in force in the former one says nothing about this one."""
    (upstream.folder / "other/hubs").mkdir(parents=True)
    (upstream.folder / "other/hubs/hub9.yaml").write_text(a_hub("hub9"))
    upstream.commit_all()
    head = upstream.commit({"README.md": "x"})
    trees = []
    checkpoint = None
    for root in ("gitops", "other"):
        with closing(GitRepository(str(upstream.folder), tmp_path / "cache", definitions_folder=root)) as repository:
            repository.fetch()
            tree, checkpoint = effective_tree(repository, head, checkpoint=checkpoint, today=TODAY, root=root)
            trees.append((set(tree.definitions.hubs), tree.held, set(tree.departed)))
    assert trees == [({"hub1"}, (), set()), ({"hub9"}, (), set())]
