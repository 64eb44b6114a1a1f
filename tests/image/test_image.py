"""The image, as far as it can be held to without a container engine: what it copies, and that this and its pins are enough to run.

What only an engine, or Microsoft's host, can show is in docs/not-proven.md.
"""

from __future__ import annotations

import compileall
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from real_parts import installed
from service.test_worker import CPU_SECONDS, PEAK_MIB

from real.cache import MissingProgram, cache, digest, kept
from serve.workers import WORKER_SETTINGS

ROOT = Path(__file__).parents[2]
SITE = "/home/site/wwwroot"
REQUIREMENTS = "requirements.txt"
WORKER = "azure-functions-runtime"
"""What the host brings and requirements.txt does not name."""


def instructions() -> list[list[str]]:
    """The Dockerfile's instructions as words, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [shlex.split(line) for line in joined.splitlines() if line.strip()]


def copied() -> list[tuple[Path, str]]:
    """Sources and where they go."""
    return [
        (ROOT / source, target)
        for word, *arguments in instructions()
        if word == "COPY"
        for *sources, target in [arguments]
        for source in sources
    ]


def variables() -> dict[str, str]:
    """What ENV sets."""
    pairs = [pair for word, *arguments in instructions() if word == "ENV" for pair in arguments]
    return dict(pair.split("=", 1) for pair in pairs)


def test_what_is_copied_exists_and_is_let_in() -> None:
    """And nothing is let into the build that is not copied: no secret of a desk, no test, no definition."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {line.removeprefix("!") for line in rules if line.startswith("!")}

    assert all(source.exists() for source, _ in copied())
    assert "*" == rules[0]
    assert {source.name for source, _ in copied()} == let_in


def test_the_deployed_zip_carries_the_same() -> None:
    """Whoever deploys without the image leaves out, by rules that git reads alike, what the image does not copy."""
    listing = ["git", "ls-files", "--cached"]
    tracked, left_out = (
        set(subprocess.run([*listing, *more], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())
        for more in ((), ("--ignored", "--exclude-from", ".funcignore"))
    )
    kept = {path.partition("/")[0] for path in tracked - left_out}

    assert {"function_app", "host.json", "main.py", "requirements.txt"} == kept


def test_it_runs_as_nobody_in_particular_on_a_port_that_nobody_minds() -> None:
    """A user that is made, above 1023, not root; the base image's own port is root's."""
    words = instructions()
    (user,) = [arguments[0] for word, *arguments in words if word == "USER"]
    (exposed,) = [arguments[0] for word, *arguments in words if word == "EXPOSE"]
    made = next(arguments for word, *arguments in words if word == "RUN" and "useradd" in arguments)

    number = made[made.index("--uid") + 1]
    assert f"{number}:{number}" == user
    assert int(number) > 1023
    assert int(exposed) > 1023
    assert f"http://+:{exposed}" == variables()["ASPNETCORE_URLS"]
    assert words.index(["USER", user]) > max(place for place, (word, *_) in enumerate(words) if word == "RUN")


def test_hadolint_has_nothing_to_say() -> None:
    """What it is told to pass over stands in the Dockerfile with its reason."""
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stdout + done.stderr)


def test_the_base_is_microsofts_for_our_python() -> None:
    """The same Python that pyproject.toml asks for, and that the tests run on."""
    (base,) = [arguments[0] for word, *arguments in instructions() if word == "FROM"]
    assert re.fullmatch(r"mcr\.microsoft\.com/azure-functions/python:4-python3\.13", base)
    assert (3, 13) == sys.version_info[:2]
    assert 'requires-python = ">=3.13"' in (ROOT / "pyproject.toml").read_text()


def test_the_local_settings_say_what_the_image_says() -> None:
    """The script's name, without which the host finds no function and says nothing, and how many functions run at once."""
    local: dict[str, str] = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    assert {name: variables()[name] for name in WORKER_SETTINGS} == WORKER_SETTINGS
    assert {name: local[name] for name in WORKER_SETTINGS} == WORKER_SETTINGS
    assert SITE == variables()["AzureWebJobsScriptRoot"]


def install(folder: Path) -> None:
    """What the image's own pip installs, by the same options; raises MissingProgram."""
    (line,) = [arguments for word, *arguments in instructions() if word == "RUN" and "pip" in arguments]
    options = [word for word in line[: line.index("&&")] if word.startswith("--") and word != "--no-cache-dir"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *options, REQUIREMENTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgram(
            f"pip cannot install {REQUIREMENTS}, its index is needed once: {done.stderr.strip()[-200:]}"
        )


@pytest.fixture(scope="session")
def packages() -> Path:
    """The pins installed into an empty folder, once for each content of requirements.txt; a minute or two."""
    place = cache("image", digest([ROOT / REQUIREMENTS]), "packages")
    return installed(lambda: kept(place, install, None, ""))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Path:
    """A folder as the image has it: what is copied, compiled; beside it the pins, and what the host brings."""
    folder = tmp_path_factory.mktemp("image")
    for source, target in copied():
        place = folder / target.lstrip("/")
        if target.endswith("/"):
            place = place / source.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)
    assert compileall.compile_dir(folder / SITE.lstrip("/"), quiet=1)
    (folder / "packages").symlink_to(packages)
    for file in distribution(WORKER).files or ():
        place = folder / "worker" / str(file)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(str(file.locate()))
    return folder


def started(image: Path, **settings: str) -> subprocess.Popen[str]:
    """Microsoft's worker library in a process that sees the image's folder and nothing of this checkout."""
    return subprocess.Popen(
        [sys.executable, "-S", "-W", "ignore", str(ROOT / "serve" / "worker.py"), str(image / SITE.lstrip("/"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=image,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{image / 'packages'}:{image / 'worker'}",
            **{name: value for name, value in variables().items() if not name.startswith("EGRESS_")},
            **settings,
        },
    )


def test_what_the_image_holds_is_enough_to_be_loaded_and_to_answer(image: Path) -> None:
    """Indexed whole by the real worker library, with the pins alone and as cheaply as a cold start has to be; health answers."""
    worker = started(image, EGRESS_REPOSITORY="https://example.com/egress.git")
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        first = worker.stdout.readline()
        assert first, worker.stderr.read() if worker.stderr else ""
        index = json.loads(first)
        request: dict[str, Any] = {"method": "GET", "headers": {}, "body": "", "route": {}, "query": {}}
        worker.stdin.write(json.dumps({"id": 1, "function": "health", "http": request}) + "\n")
        worker.stdin.flush()
        answer = json.loads(worker.stdout.readline())
    finally:
        worker.kill()
        worker.communicate()

    assert "passes" in index["functions"]
    assert index["cpu_seconds"] <= CPU_SECONDS
    assert index["peak_mib"] <= PEAK_MIB
    assert 200 == answer["status"]


@pytest.mark.parametrize(
    "module",
    [
        "function_app.telemetry as t; t.configure_telemetry('InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint=https://127.0.0.1')",
        "function_app.adapters.git_repository",
        "function_app.adapters.git_tokens, jwt",
        "function_app.adapters.storage_parts",
        "function_app.adapters.kubernetes_cluster",
        "function_app.adapters.azure_arm, azure.mgmt.network",
        "function_app.cli",
    ],
)
def test_everything_that_is_imported_late_is_there_too(image: Path, module: str) -> None:
    """What only a pass imports is missed by nobody until the first push: every late import works with the pins alone."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{image / SITE.lstrip('/')}:{image / 'packages'}"}
    done = subprocess.run(
        [sys.executable, "-S", "-W", "ignore", "-c", f"import {module}"],
        env=environment,
        cwd=image,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
