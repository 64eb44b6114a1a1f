"""`python -m simulator` as a person starts it."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from simulator.__main__ import main


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The simulator in a process of its own, time standing still."""
    command = [sys.executable, "-m", "simulator", "--speed", "0", "--settings-dir", str(tmp_path / "settings")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def greeting(program: subprocess.Popen[str]) -> str:
    """What it prints before it serves, to the last example."""
    assert program.stdout is not None
    lines: list[str] = []
    for line in program.stdout:
        lines.append(line)
        if "/_control/packet" in line:
            break
    return "".join(lines)


def test_it_prints_settings_that_work_and_ends_on_ctrl_c(program: subprocess.Popen[str]) -> None:
    """Copy the lines, talk to it, press Ctrl-C."""
    text = greeting(program)
    settings = dict(re.findall(r"^export (\w+)=(\S+)$", text, re.MULTILINE))
    context = ssl.create_default_context(cafile=settings["EGRESS_CA_FILE"])
    with urlopen(settings["EGRESS_TIME_SOURCE"], context=context, timeout=10) as answer:  # noqa: S310 - an https URL of ours
        assert json.load(answer) == {"now": "2026-11-23T08:00:00+00:00"}
        assert answer.headers["Date"] == "Mon, 23 Nov 2026 08:00:00 GMT"
    assert Path(settings["EGRESS_KUBECONFIG"]).stat().st_mode & 0o077 == 0
    program.send_signal(signal.SIGINT)
    out, errors = program.communicate(timeout=20)
    assert (program.returncode, out, errors) == (0, "", "")


def test_an_impossible_world_is_refused_with_all_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, nothing served."""
    world = (Path("simulator") / "worlds" / "walkthrough.yaml").read_text(encoding="utf-8")
    file = tmp_path / "world.yaml"
    file.write_text(world.replace("10.1.0.4", "10.9.0.4").replace("hub: hub1", "hub: hub7"), encoding="utf-8")
    assert main(["--world", str(file)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.partition(":")[0] for line in printed.err.splitlines()] == [
        "this world cannot exist",
        "- clusters.spoke1-aks.hub",
        "- clusters.spoke2-aks.hub",
        "- clusters.spoke1-aks.nodes[0].address",
    ]


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 with the way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert f"127.0.0.1:{port}: Address already in use; choose another --port" in capsys.readouterr().err


def test_a_settings_folder_that_cannot_be_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is in the way."""
    (tmp_path / "file").touch()
    assert main(["--settings-dir", str(tmp_path / "file" / "settings")]) == 1
    assert str(tmp_path / "file") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [("speed", "-1"), ("speed", "fast"), ("speed", "nan"), ("speed", "1e9"), ("port", "70000"), ("port", "http")],
)
def test_a_wrong_argument_is_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with what to give instead."""
    with pytest.raises(SystemExit) as ended:
        main([f"--{option}={value}"])
    assert ended.value.code == 2
    assert f"is no {option}" in capsys.readouterr().err
