"""Commands that need no Git, cluster or Azure; bad usage; broken settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from cli.session import ROOT, SAMPLE, Session, sample_files
from typer.testing import CliRunner, Result

from function_app.cli import app
from function_app.cli.program import Program
from function_app.reading.schemas import schemas

TENANT0 = (SAMPLE / "tenants" / "tenant0.yaml").read_text()


def place_of(text: str) -> str:
    """Line and column of the first occurrence in the sample's tenant0."""
    before = TENANT0[: TENANT0.index(text)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def run(*arguments: str) -> Result:
    """A command without any settings."""
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})


def a_tree(folder: Path, **changed: str) -> Path:
    """The sample in a folder, with tenants changed or added."""
    files = sample_files() | {f"tenants/{name}.yaml": text for name, text in changed.items()}
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_the_sample_is_valid() -> None:
    """A newcomer's first command ends well."""
    result = run("validate", str(SAMPLE))
    assert f"{SAMPLE}: no problems (1 hub, 2 clusters, 2 tenants, 1 rule set)\n" == result.stdout
    assert (0, "") == (result.exit_code, result.stderr)


def test_a_team_edits_its_own_tenants_only(tmp_path: Path) -> None:
    """By two folders, without Git: whose file is changed, added or taken over, with its place; one's own is fine."""
    before = a_tree(tmp_path / "main" / "gitops")
    other = (
        TENANT0.replace("tenant0", "tenant9").replace("10.99.0.0/29", "10.99.0.32/29").replace("[default]", "[nine]")
    )
    after = a_tree(
        tmp_path / "branch" / "gitops", tenant0=TENANT0.replace("team: payments", "team: shop"), tenant9=other
    )

    def checked(teams: str) -> Result:
        return run("validate", str(after), "--author-teams", teams, "--against", str(before), "--output", "json")

    found = json.loads(checked("shop").stdout)
    assert ["tenant0.yaml", "tenant9.yaml"] == [Path(one["file"]).name for one in found]
    assert {"not-the-authors"} == {one["code"] for one in found}
    assert "tenant `tenant0` belongs to `payments`, and the author is in `shop` alone." == found[0]["message"]
    assert (1, 0) == (checked("shop").exit_code, checked("payments, shop").exit_code)
    assert "[]" == checked("payments,shop").stdout.strip()


def test_whose_tenants_they_were_must_be_known(tmp_path: Path) -> None:
    """A former folder that is not valid tells nothing, and the two options need each other."""
    after = a_tree(tmp_path / "gitops")
    broken = a_tree(tmp_path / "main", tenant0="kind: Tenant")
    result = run("validate", str(after), "--author-teams", "shop", "--against", str(broken))
    assert (1, True) == (
        result.exit_code,
        "is not valid, so whose tenants were changed cannot be told" in result.stderr,
    )
    assert "go together" in run("validate", str(after), "--author-teams", "shop").stderr


def test_all_mistakes_come_at_once_each_with_its_place(tmp_path: Path) -> None:
    """One run tells everything that is wrong, in any number of files."""
    folder = a_tree(
        tmp_path / "gitops",
        tenant0=TENANT0.replace("www.tigera.io]", "https://www.tigera.io/x]"),
        tenant9=TENANT0.replace("tenant0", "tenant9").replace("[default]", "[kube-system]"),
    )
    result = run("validate", str(folder))
    places = [line.split(": ")[0] for line in result.stdout.splitlines()]
    assert f"{folder}/tenants/tenant0.yaml:{place_of('www.tigera.io')} spec.egress.allow[0].fqdns[0]" in places
    assert f"{folder}/tenants/tenant9.yaml:{place_of('default]')} spec.attachments[0].namespaces[0]" in places
    assert 1 == result.exit_code


def test_problems_as_json_have_exactly_the_promised_keys(tmp_path: Path) -> None:
    """Editors and pipelines read these."""
    folder = a_tree(tmp_path / "gitops", tenant0=TENANT0.replace("replicas: 2", "replica: 2"))
    result = run("validate", str(folder), "--output", "json")
    (problem,) = json.loads(result.stdout)
    assert ["file", "line", "column", "path", "severity", "code", "message", "hint"] == list(problem)
    assert (f"{folder}/tenants/tenant0.yaml", place_of("replicas"), "error", 1) == (
        problem["file"],
        f"{problem['line']}:{problem['column']}",
        problem["severity"],
        result.exit_code,
    )


def test_no_problem_is_an_empty_list() -> None:
    """A script can count on a list."""
    result = run("validate", str(SAMPLE), "--output", "json")
    assert ([], 0) == (json.loads(result.stdout), result.exit_code)


def test_warnings_are_shown_and_do_not_fail(tmp_path: Path) -> None:
    """A rule that has expired is worth a word, not a red pipeline."""
    folder = a_tree(tmp_path / "gitops", tenant0=TENANT0.replace('# expires: "2027-06-30"', 'expires: "2001-06-30"'))
    result = run("validate", str(folder))
    assert 0 == result.exit_code
    line = place_of("# expires").split(":")[0]
    assert f"{folder}/tenants/tenant0.yaml:{line}:18 spec.egress.allow[0].expires: warning: " in result.stdout


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The default folder may simply not be where one stands."""
    result = run("validate", str(tmp_path / "gitopps"))
    assert f"{tmp_path}/gitopps:1:1: there is no such folder." in result.stdout
    assert 1 == result.exit_code


def test_schemas_are_shown_and_written(tmp_path: Path) -> None:
    """`--write` renews the committed files; what it writes is what it shows."""
    assert {name: json.loads(text) for name, text in schemas().items()} == json.loads(run("schema").stdout)
    result = run("schema", "--write", str(tmp_path / "new" / "schemas"))
    assert (0, f"5 schemas written to {tmp_path}/new/schemas\n") == (result.exit_code, result.stdout)
    assert schemas() == {file.name: file.read_text() for file in (tmp_path / "new" / "schemas").iterdir()}


def test_schemas_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    """What, where, why, and what to do instead."""
    (tmp_path / "file").write_text("")
    result = run("schema", "--write", str(tmp_path / "file"))
    assert 1 == result.exit_code
    assert (
        f"egressctl: {tmp_path}/file: the schemas cannot be written (File exists). Name a folder that you may write to.\n"
        == result.stderr
    )


def test_every_broken_setting_is_named_at_once(session: Session) -> None:
    """Nobody wants to correct one variable after the other."""
    result = session.run("plan", repository="", arm_endpoint="ftp://x", read_timeout_seconds="soon")
    assert 1 == result.exit_code
    for name in ("EGRESS_REPOSITORY is not set", "EGRESS_ARM_ENDPOINT is not", "EGRESS_READ_TIMEOUT_SECONDS is not"):
        assert name in result.stderr
    assert "Traceback" not in result.output


def test_settings_shows_each_with_its_value(session: Session) -> None:
    """Who debugs an installation asks this first; defaults are marked."""
    shown = session.run("settings").stdout
    assert "EGRESS_REF" in shown
    assert "main (default)" in shown
    rows = {row["name"]: row for row in session.run_json("settings")}
    assert (str(session.repository), "") == (rows["EGRESS_REPOSITORY"]["value"], rows["EGRESS_REPOSITORY"]["default"])
    assert {"name", "value", "default", "unit", "required", "secret", "meaning"} == rows["EGRESS_REF"].keys()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["validat"], "No such command 'validat'. Did you mean 'validate'? `egressctl --help` shows the usage."),
        (["plan", "--hubb", "x"], "No such option"),
        (["plan", "--output", "xml"], "'xml' is not one of 'text', 'json'"),
        (["block"], "Missing argument 'TENANT'. `egressctl block --help` shows the usage."),
        (["block", "tenant0", "--reason", "x", "--for", "5y"], "`5y` is no length of time up to 366 days. Write 30m"),
        (["block", "tenant0", "--reason", "x", "--for", "0m"], "`0m` is no length of time"),
        (["block", "tenant0", "--reason", " ", "--for", "5h"], "it is empty. Say why"),
        (["block", "Tenant 0", "--reason", "x", "--for", "5h"], "`Tenant 0` cannot be a name"),
        (["reconcile", "--waive", "removals"], "--waive CODE and --reason WHY go together."),
        (["reconcile", "--waive", "everything", "--reason", "x"], "'everything' is not one of"),
    ],
)
def test_bad_usage_is_one_clear_line_and_exit_1(arguments: list[str], words: str) -> None:
    """2 means that changes are pending: bad usage must never look like that."""
    result = run(*arguments)
    assert 1 == result.exit_code
    assert words in result.stderr
    assert "" == result.stdout
    assert "Traceback" not in result.stderr


def test_the_unexpected_is_one_line_unless_asked_for() -> None:
    """A bug of ours still ends in a sentence; `--debug` shows the place, before or behind the command."""
    broken = typer.Typer(cls=Program)

    @broken.command()
    def stumble() -> None:
        raise ZeroDivisionError("1 / 0")

    @broken.callback()
    def either() -> None:
        """A program with commands."""

    result = CliRunner().invoke(broken, ["stumble"])
    assert (1, "egressctl: unexpected ZeroDivisionError: 1 / 0. With --debug the place is shown.\n") == (
        result.exit_code,
        result.stderr,
    )
    for arguments in (["--debug", "stumble"], ["stumble", "--debug"]):
        assert "Traceback" in CliRunner().invoke(broken, arguments).stderr


def test_without_arguments_the_commands_are_listed() -> None:
    """The first thing that anybody types."""
    result = run()
    assert 0 == result.exit_code
    for name in (
        "validate",
        "plan",
        "reconcile",
        "status",
        "block",
        "unblock",
        "suspend",
        "resume",
        "forget",
        "schema",
        "settings",
    ):
        assert name in result.stdout


def test_checking_loads_neither_azure_nor_kubernetes() -> None:
    """A pre-commit hook runs `validate`: it must not take seconds and a hundred megabytes."""
    program = (
        "import sys\n"
        "from function_app.cli import main\n"
        "try:\n"
        f"    main(['validate', {str(SAMPLE)!r}])\n"
        "except SystemExit as end:\n"
        "    loaded = sorted({'azure', 'kubernetes', 'git'} & sys.modules.keys())\n"
        "    print(end.code, loaded)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "0 []" == done.stdout.splitlines()[-1]


def test_the_module_is_the_command() -> None:
    """`python -m function_app` without installing, with the default folder."""
    done = subprocess.run(
        [sys.executable, "-m", "function_app", "validate"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (0, "gitops: no problems (1 hub, 2 clusters, 2 tenants, 1 rule set)\n") == (done.returncode, done.stdout)
