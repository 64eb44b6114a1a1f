"""Real branches of a real repository: a branch that is behind, conflicts, a fork's checkout, and the commands that compare them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from cli.session import ROOT, Session, git, sample_files
from review_builders import a_tenant, edited
from web_services import json_answers, web_service

from search.rule_collections import rule_collection

TENANT0 = "tenants/tenant0.yaml"
WEB = {"tenants/web.yaml": a_tenant("web", "10.99.0.32/29", "www.example.org")}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """The sample at `main`, and a branch `change` with one more tenant."""
    session = Session(tmp_path)
    session.repository.mkdir()
    git(session.repository, "init", "--quiet", "--initial-branch=main")
    session.commit(sample_files())
    git(session.repository, "switch", "--quiet", "--create", "change")
    session.commit(WEB)
    return session


def test_a_new_tenant_is_pending_and_the_comment_is_printed(session: Session) -> None:
    """Exit 2 for changes that may be merged; nothing of Azure is asked and nothing is written into the state."""
    result = session.run("plan", "--base", "main", "--head", "change")
    assert 2 == result.exit_code, result.output
    assert result.stdout.startswith(
        "<!-- egress-gitops: review of this pull request -->\n### Egress: 1 tenant changed on hub1"
    )
    assert "may now reach `www.example.org` on `HTTPS 443` from `10.99.0.32/29` on `spoke1-aks`" in result.stdout
    assert not (session.folder / "state" / "hubs").exists()


def test_json_has_the_comment_and_all_that_is_in_it(session: Session) -> None:
    """For pipelines that decide by themselves."""
    found = session.run_json("plan", "--base", "main", "--head", "change")
    assert (False, [], True) == (found["refused"], found["refusals"], found["comment"].startswith("<!-- egress-gitops"))
    (tenant,) = found["hubs"][0]["tenants"]
    assert ("web", "egress-000/web-app/web") == (tenant["tenant"], tenant["gains"][0]["rule"])


def test_a_refused_change_exits_with_one(session: Session) -> None:
    """The job fails, and the first line says why."""
    session.commit({TENANT0: edited(TENANT0, egress={"allow": [{"name": "all", "fqdns": ["example.com"]}]})})
    result = session.run("plan", "--base", "main", "--head", "change")
    assert 1 == result.exit_code
    assert "tenant0 to `https://example.com`: its own file expects deny" in result.stdout


def test_a_branch_that_is_behind_takes_nothing_back(session: Session) -> None:
    """What the base branch got since is no removal by the branch, and what both have is no gain of it."""
    git(session.repository, "switch", "--quiet", "main")
    session.commit({"tenants/late.yaml": a_tenant("late", "10.99.0.48/29", "late.example.org")})
    found = session.run_json("plan", "--base", "main", "--head", "change")
    assert ["web"] == [one["tenant"] for one in found["hubs"][0]["tenants"]]


def test_a_range_that_the_base_branch_gave_out_since_is_refused(session: Session) -> None:
    """Two branches take one range: whoever is merged second hears it before the merge."""
    git(session.repository, "switch", "--quiet", "main")
    session.commit({"tenants/late.yaml": a_tenant("late", "10.99.0.32/29", "late.example.org")})
    found = session.run_json("plan", "--base", "main", "--head", "change")
    assert found["refused"]
    assert any("late" in reason for reason in found["refusals"])


def test_a_file_that_both_changed_is_a_conflict_to_be_told(session: Session) -> None:
    """The branch's version is judged, with a warning; a file that both changed alike is none."""
    session.commit(
        {TENANT0: edited(TENANT0, onRemoval="block"), "tenants/same.yaml": a_tenant("same", "10.99.0.64/29")}
    )
    git(session.repository, "switch", "--quiet", "main")
    session.commit({TENANT0: edited(TENANT0, onRemoval="node"), "tenants/same.yaml": a_tenant("same", "10.99.0.64/29")})
    found = session.run_json("plan", "--base", "main", "--head", "change")
    assert [f"gitops/{TENANT0}"] == found["conflicts"]
    assert "was changed on the base branch as well" in found["comment"]


def test_a_pipelines_checkout_of_a_forks_pull_request_is_read(session: Session) -> None:
    """No branch of its own, a detached merge commit, the base as origin/main: what actions/checkout leaves."""
    git(session.repository, "switch", "--quiet", "--detach", "main")
    git(session.repository, "merge", "--quiet", "--no-ff", "--message", "merge", "change")
    git(session.repository, "update-ref", "refs/pull/7/merge", "HEAD")
    checkout = session.folder / "checkout"
    checkout.mkdir()
    git(checkout, "init", "--quiet")
    git(checkout, "remote", "add", "origin", str(session.repository))
    git(
        checkout,
        "fetch",
        "--quiet",
        "origin",
        "main:refs/remotes/origin/main",
        "refs/pull/7/merge:refs/remotes/pull/7/merge",
    )
    git(checkout, "checkout", "--quiet", "--detach", "refs/remotes/pull/7/merge")
    head = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    found = json.loads(
        session.run("plan", "--repo", str(checkout), "--base", "origin/main", "--head", head, "--output", "json").stdout
    )
    assert ["web"] == [one["tenant"] for one in found["hubs"][0]["tenants"]]


def test_histories_that_share_nothing_are_refused_with_what_to_fetch(session: Session) -> None:
    """An orphan branch, or a checkout that is too shallow."""
    git(session.repository, "switch", "--quiet", "--orphan", "other")
    session.commit({**sample_files(), **WEB})
    result = session.run("plan", "--base", "main", "--head", "other")
    assert 1 == result.exit_code
    assert "fetch-depth: 0" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--base", "main"), "go with --head"),
        (("--live",), "go with --head"),
        (("--head", "change", "--hub", "hub1"), "leave --ref and --hub out"),
        (("--head", "nowhere"), "has no branch or tag `nowhere`"),
        (("--head", "--upload-pack=x"), "`--upload-pack=x`"),
    ],
)
def test_bad_usage_is_one_clear_line(session: Session, arguments: tuple[str, ...], told: str) -> None:
    """What does not go together, and refs that do not exist or could be taken for an option."""
    result = session.run("plan", *arguments)
    assert 1 == result.exit_code
    assert told in result.stderr


def test_live_says_what_could_not_be_read(session: Session) -> None:
    """With every target down the comment still comes, and says that the base policy was not read."""
    found = session.run_json("plan", "--base", "main", "--head", "change", "--live")
    assert found["live"]
    assert any("could not be read" in note for note in found["hubs"][0]["live"]["notes"])
    assert any("base policy, which was not read" in one for one in found["hubs"][0]["warnings"])


def test_reach_tells_before_and_after_and_who_else(session: Session) -> None:
    """The rule that decides, on both sides of a branch."""
    session.commit(
        {TENANT0: edited(TENANT0, egress={"allow": [{"name": "org", "fqdns": ["*.example.org"]}]}, expect=[])}
    )
    url = "https://www.example.org"
    (row,) = session.run_json("reach", "--from", "tenant0", "--to", url, "--base", "main", "--ref", "change")
    assert ("deny", None) == (row["before"]["says"], row["before"]["rule"])
    assert ("allow", "egress-000/tenant0-app/org") == (row["after"]["says"], row["after"]["rule"])
    assert ["web"] == row["others"]
    result = session.run("reach", "--from", "tenant0", "--to", url, "--base", "main", "--ref", "change")
    assert "  before deny       no rule matches: the firewall denies by default" in result.stdout
    assert "  others who may: web (of 3 tenants)" in result.stdout


def test_reach_refuses_what_it_cannot_ask_about(session: Session) -> None:
    """An unknown tenant, a name without a scheme."""
    assert (
        "no hub has an attachment of tenant nobody"
        in session.run("reach", "--from", "nobody", "--to", "10.0.0.1").stderr
    )
    assert "Write https://www.example.com" in session.run("reach", "--from", "tenant0", "--to", "example.com").stderr


def test_audit_names_what_never_decides(session: Session) -> None:
    """The sample has no findings; a rule beneath a wider one has."""
    git(session.repository, "switch", "--quiet", "main")
    assert "hub1: 0 findings" in session.run("audit").stdout
    rules = [{"name": "wide", "fqdns": ["*.tigera.io"]}, {"name": "one", "fqdns": ["www.tigera.io"]}]
    session.commit({TENANT0: edited(TENANT0, egress={"allow": rules})})
    (hub,) = session.run_json("audit")
    assert [("shadowed", "egress-000/tenant0-app/one")] == [(one["kind"], one["rule"]) for one in hub["findings"]]


def a_base_policy(folder: Path, form: str) -> Path:
    """A base policy that lets everybody reach 198.51.100.77, as each way of exporting one writes it."""
    rule = {
        "ruleType": "NetworkRule",
        "name": "ntp",
        "ipProtocols": ["UDP"],
        "sourceAddresses": ["*"],
        "destinationAddresses": ["198.51.100.77"],
        "destinationPorts": ["123"],
    }
    collection = rule_collection("shared", "Allow", rule)
    inside = {"priority": 200, "ruleCollections": [collection]}
    kind = "Microsoft.Network/firewallPolicies/ruleCollectionGroups"
    name = "[concat(parameters('policy'), '/platform-base')]"
    written = {
        "cli": [{"name": "platform-base", "id": "/x", **inside}],
        "arm": {"value": [{"name": "platform-base", "properties": inside}]},
        "template": {
            "resources": [
                {"type": "Microsoft.Network/firewallPolicies"},
                {"type": kind, "name": name, "properties": inside},
            ]
        },
    }[form]
    path = folder / f"{form}.json"
    path.write_text(json.dumps(written))
    return path


@pytest.mark.parametrize("form", ["cli", "arm", "template"])
def test_an_exported_base_policy_stands_in_for_access(session: Session, tmp_path: Path, form: str) -> None:
    """Reach names its rule, audit and plan take it into account, and nobody is asked anything."""
    path = str(a_base_policy(tmp_path, form))
    asked = ("reach", "--from", "tenant0", "--to", "udp://198.51.100.77:123")
    (without,), (row,) = session.run_json(*asked), session.run_json(*asked, "--base-policy", path)
    assert ("deny", "allow") == (without["after"]["says"], row["after"]["says"])
    assert "base policy, platform-base/shared/ntp" == row["after"]["rule"]
    (hub,) = session.run_json("audit", "--base-policy", path)
    assert ("unnamed", "base policy, platform-base/shared/ntp") in {
        (one["kind"], one["rule"]) for one in hub["findings"]
    }
    comment = session.run("plan", "--base", "main", "--head", "change", "--base-policy", path).stdout
    assert "base policy, which was not read" not in comment
    assert "with what is on the targets" not in comment


def test_a_file_that_is_no_base_policy_says_how_to_export_one(session: Session, tmp_path: Path) -> None:
    """Missing, no JSON, another list, an unfilled template; and not together with --live."""
    path = tmp_path / "base.json"

    def told(*more: str) -> str:
        return session.run("audit", "--base-policy", str(path), *more).stderr

    assert "cannot be read" in told()
    for text, words in (
        ("nonsense", "is no JSON"),
        ("[]", "holds no rule collection group"),
        ('[{"name": "x"}]', "group x has no `priority`"),
        (
            '[{"name": "x", "priority": 1, "ruleCollections": [{"name": "[parameters(1)]"}]}]',
            "which is not filled in here",
        ),
    ):
        path.write_text(text)
        assert words in told(), text
        assert "az network firewall policy rule-collection-group list" in told()
    assert "leave --base-policy out" in told("--live")


@pytest.mark.parametrize(
    ("teams", "refused"),
    [("web,platform", False), ("shop", True), ("", True), ("payments", True), ("payments,web", True)],
)
def test_a_team_changes_its_own_tenants(session: Session, teams: str, *, refused: bool) -> None:
    """A new tenant is its owner's; a file whose owner is rewritten in passing belongs to the one before."""
    if "payments" in teams:
        taken = edited(TENANT0, owner={"team": "web", "contact": "web@example.com"})
        git(session.repository, "switch", "--quiet", "main")
        session.commit({TENANT0: edited(TENANT0, owner={"team": "treasury", "contact": "t@example.com"})})
        git(session.repository, "switch", "--quiet", "change")
        git(session.repository, "rebase", "--quiet", "main")
        session.commit({TENANT0: taken})
    result = session.run("plan", "--base", "main", "--head", "change", "--author-teams", teams)
    assert (1 if refused else 2) == result.exit_code, result.stdout
    assert refused == ("let its own team make the change" in result.stdout)


def test_the_pipelines_script_writes_the_comment_and_tells_the_verdict(session: Session) -> None:
    """Exit 0 for what may be merged and 1 for what may not, with a comment in both cases; also when nothing can be compared."""
    script = ROOT / "examples" / "review" / "review.sh"

    def run(head: str) -> tuple[int, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", str(script), "main", head], cwd=session.repository, env={**os.environ, "PATH": path}, check=False
        )
        return done.returncode, (session.repository / "comment.md").read_text()

    code, comment = run("change")
    assert (0, True) == (code, comment.startswith("<!-- egress-gitops: review"))
    session.commit({TENANT0: edited(TENANT0, egress={"allow": [{"name": "all", "fqdns": ["example.com"]}]})})
    code, comment = run("change")
    assert (1, True) == (code, "must not be merged as it is" in comment)
    code, comment = run("nowhere")
    assert (1, True) == (code, "could not compare main and nowhere" in comment)


def test_the_script_that_asks_the_service_posts_what_it_answered(tmp_path: Path) -> None:
    """With the job's token and the branch's name; it fails for what must not be merged, and when the branch has moved on."""
    script, answer = (
        ROOT / "examples" / "review" / "review-service.sh",
        {"head": "h1", "refused": False, "comment": "shown"},
    )
    with web_service(tmp_path / "service", json_answers(lambda *_: (200, answer))) as service:

        def run(head: str) -> int:
            environment = {**os.environ, "TOKEN": "a-token", "CURL_CA_BUNDLE": str(service.ca_file)}
            arguments = ["bash", str(script), service.url, "feature/one & two", head]
            done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, check=False)
            return done.returncode

        assert (0, "shown") == (run("h1"), (tmp_path / "comment.md").read_text().strip())
        assert 0 != run("h2")
        answer["refused"] = True
        assert 0 != run("h1")
        method, path, headers, _ = service.requests[0]
    assert ("GET", {"ref": ["feature/one & two"]}) == (method, parse_qs(urlsplit(path).query))
    assert "Bearer a-token" == headers["authorization"]


@pytest.mark.parametrize("name", ["github-actions.yml", "azure-pipelines.yml", "gitlab-ci.yml"])
def test_pipelines_fetch_all_of_history_and_take_the_program_from_elsewhere(name: str) -> None:
    """Whole history, no credentials left in the checkout, no event that hands a fork's code a token."""
    text = (ROOT / "examples" / "review" / name).read_text()
    assert isinstance(yaml.safe_load(text), dict)
    assert re.search(r"fetch-depth: 0|fetchDepth: 0|GIT_DEPTH: \"0\"", text)
    assert "pull_request_target:" not in text
    assert "review.sh" in text
    assert text.count("uses: actions/checkout@") == text.count("persist-credentials: false")
