"""plan and reconcile with the real adapters: exit codes, JSON, and what cannot be reached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import yaml
from cli.session import HUB1, NOBODY_LISTENS, Session, git

PLAN_KEYS = {"plan_id", "hub", "commit", "changes", "refused", "notes", "deferrals"}


def test_a_plan_says_what_could_not_be_read(session: Session) -> None:
    """With every target down there is nothing to change and no reason to be content: 2, not 0."""
    result = session.run("plan")
    assert 2 == result.exit_code
    assert "hub1: nothing to change, 4 unreadable" == result.stdout.splitlines()[-1]
    assert "  firewall/hub1: read the firewall policy on firewall/hub1: the connection was refused." in result.stdout
    assert not (session.folder / "state" / "hubs").exists()


def test_json_is_a_list_for_all_hubs_and_an_object_for_one(session: Session) -> None:
    """Exit code and JSON say the same."""
    (plan,) = session.run_json("plan")
    assert PLAN_KEYS == plan.keys()
    assert plan == session.run_json("plan", "--hub", "hub1")
    second = HUB1.replace("name: hub1", "name: hub2").replace("policy: tenants", "policy: more")
    session.commit({"hubs/hub2.yaml": second.replace("name: hub-rs", "name: more-rs")})
    assert ["hub1", "hub2"] == [one["hub"] for one in session.run_json("reconcile")]


def test_stdout_is_json_and_logs_go_to_stderr(session: Session) -> None:
    """`egressctl reconcile --output json | jq` works; each line of stderr is an event with hub, commit and plan."""
    done = subprocess.run(
        [sys.executable, "-m", "function_app", "reconcile", "--output", "json"],
        env={**os.environ, **session.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    (report,) = json.loads(done.stdout)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert 2 == done.returncode
    assert ["pass.started", "plan.made", *["target.unavailable"] * 4, "pass.finished"] == [
        event["event"] for event in events
    ]
    assert {("hub1", report["commit"])} == {(event["hub"], event["commit"]) for event in events}
    assert {report["plan_id"]} == {event["plan_id"] for event in events[1:]}
    assert "static-token" not in done.stdout + done.stderr


def test_the_log_level_is_obeyed(session: Session) -> None:
    """WARNING leaves only what is wrong."""
    events = [json.loads(line)["event"] for line in session.run("reconcile", log_level="warning").stderr.splitlines()]
    assert ["target.unavailable"] * 4 == events


def test_an_exec_kubeconfig_makes_one_target_unreadable(session: Session) -> None:
    """The pass goes on, the target is refused with its reason and the way out, and no program is started."""
    touched = session.folder / "touched"
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(touched)]}}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": NOBODY_LISTENS}}],
        "users": [{"name": "bad", "user": user}, {"name": "good", "user": {"token": "t"}}],
        "contexts": [
            {"name": "spoke1-aks", "context": {"cluster": "c", "user": "bad"}},
            {"name": "spoke2-aks", "context": {"cluster": "c", "user": "good"}},
        ],
    }
    kubeconfig = session.folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(config))
    result = session.run("reconcile", "--output", "json", kubeconfig=str(kubeconfig))
    (report,) = json.loads(result.stdout)
    assert 1 == result.exit_code
    assert [("target-rejected", "cluster/spoke1-aks")] == [(one["code"], one["subject"]) for one in report["refused"]]
    assert "exec is refused: it would start a program on this machine" in report["refused"][0]["message"]
    assert {
        "cluster/spoke1-aks": True,
        "cluster/spoke2-aks": False,
        "firewall/hub1": False,
        "route-server/hub1": False,
    } == {one["target"]: one["permanent"] for one in report["unreadable"]}
    assert not touched.exists()


def test_an_unreadable_kubeconfig_is_told_per_cluster(session: Session) -> None:
    """A wrong path is the commonest mistake; the message names path and variable."""
    (report,) = session.run_json("reconcile", kubeconfig="/nowhere/kubeconfig")
    messages = [one["message"] for one in report["unreadable"] if one["target"].startswith("cluster/")]
    assert 2 == len(messages)
    assert all("/nowhere/kubeconfig" in message and "EGRESS_KUBECONFIG" in message for message in messages)


def test_a_repository_that_cannot_be_reached_leaves_the_last_good_commit_in_force(session: Session) -> None:
    """And says so, to people and in the JSON."""
    session.run("reconcile")
    shutil.move(session.repository, session.folder / "gone")
    result = session.run("reconcile", "--output", "json")
    (report,) = json.loads(result.stdout)
    assert "stays in force: The repository" in result.stderr
    assert "cannot be fetched" in report["source_problem"]
    assert ["tenant0@spoke1-aks", "tenant1@spoke1-aks", "tenant1@spoke2-aks"] == [
        f"{one['tenant']}@{one['cluster']}" for one in report["attachments"]
    ]


def test_a_repository_that_was_never_reached_is_an_error(session: Session) -> None:
    """There is nothing that could be in force."""
    result = session.run("plan", "--repo", str(session.folder / "nowhere"))
    assert 1 == result.exit_code
    assert result.stderr.startswith("egressctl: The repository ")
    assert "Traceback" not in result.stderr


def test_a_ref_or_hub_that_does_not_exist_is_an_error(session: Session) -> None:
    """Each says what there is, or what to do."""
    ref, hub = session.run("plan", "--ref", "mian"), session.run("plan", "--hub", "hub7")
    assert (1, 1) == (ref.exit_code, hub.exit_code)
    assert "has no branch or tag `mian`" in ref.stderr
    assert "defines no hub hub7. It defines hub1." in hub.stderr


def test_a_rewound_branch_is_followed_once_somebody_permits_it(session: Session) -> None:
    """Refused in words that name both ways out; with --waive it is in force, and the waiver is used up."""
    session.run("reconcile")
    session.commit({"tenants/tenant0.yaml": None})
    session.run("plan")
    git(session.repository, "reset", "--quiet", "--hard", "HEAD~1")

    assert "the branch was rewound" in session.run("plan").stderr
    permitted = session.run("reconcile", "--hub", "hub1", "--waive", "rewound", "--reason", "bad merge")
    assert "rewound waived once for commit" in permitted.stderr
    assert "was rewound" not in permitted.stderr
    assert () == session.state.decisions()
    assert "was rewound" not in session.run("plan").stderr


def test_another_repository_does_not_replace_the_copy_of_the_first(session: Session) -> None:
    """`--repo` looks at a fork; the one in force must stay usable while its host is down."""
    session.run("reconcile")
    fork = session.folder / "fork"
    shutil.copytree(session.repository, fork)
    shutil.move(session.repository, session.folder / "gone")
    assert 2 == session.run("plan", "--repo", str(fork)).exit_code
    assert "stays in force" in session.run("plan").stderr


def test_a_folder_without_definitions_is_an_error(session: Session) -> None:
    """Not an empty plan that ends well."""
    result = session.run("plan", definitions_folder="elsewhere")
    assert 1 == result.exit_code
    assert "brings no hub into force. Is EGRESS_DEFINITIONS_FOLDER (elsewhere) right?" in result.stderr


def test_a_held_file_is_refused_with_its_problems(session: Session) -> None:
    """The others' changes go on; people see file, line and what to write instead."""
    session.run("reconcile")
    broken = (
        (session.repository / "gitops" / "tenants" / "tenant0.yaml").read_text().replace("replicas: 2", "replica: 2")
    )
    session.commit({"tenants/tenant0.yaml": broken})
    result = session.run("plan")
    assert 1 == result.exit_code
    assert "  tenants/tenant0.yaml since " in result.stdout
    line = broken[: broken.index("replica:")].count("\n") + 1
    assert f"gitops/tenants/tenant0.yaml:{line}:" in result.stdout
    (report,) = session.run_json("reconcile")
    assert [("tenants/tenant0.yaml", True)] == [(one["file"], one["previous_in_force"]) for one in report["held"]]


def test_there_must_be_something_to_waive(session: Session) -> None:
    """A waiver is for one refusal of the present plan; no blank cheques are kept."""
    result = session.run("reconcile", "--waive", "removals", "--reason", "agreed with the owner")
    assert 1 == result.exit_code
    assert "nothing to waive: the plan of hub1 is not refused for removals, but for nothing." in result.stderr
    assert () == session.state.decisions()


def test_a_waiver_for_an_unapproved_plan_names_the_plan(session: Session) -> None:
    """The digest goes with that code and no other, and it must be one that waits."""
    alone = session.run("reconcile", "--hub", "hub1", "--waive", "unapproved", "--reason", "urgent")
    other = session.run("reconcile", "--hub", "hub1", "--waive", "removals", "--plan", "0" * 16, "--reason", "urgent")
    nobody = session.run(
        "reconcile", "--hub", "hub1", "--waive", "unapproved", "--plan", "0" * 16, "--reason", "urgent"
    )

    assert "--waive unapproved and --plan DIGEST go together" in alone.stderr
    assert "--waive unapproved and --plan DIGEST go together" in other.stderr
    assert f"no tenant of hub1 waits for an approval of plan {'0' * 16}" in nobody.stderr
    assert [1, 1, 1] == [each.exit_code for each in (alone, other, nobody)]
