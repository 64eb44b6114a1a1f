"""Telemetry as Application Insights' ingestion endpoint receives it, from a process of its own."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, override

import pytest

ROOT = Path(__file__).parents[2]
CANARY = "canary-5f0c1a2b"


@dataclass
class Ingestion:
    """What arrived, by the type of its envelope."""

    port: int = 0
    items: list[dict[str, Any]] = field(default_factory=list)
    out: str = ""
    errors: str = ""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The base data of all envelopes of a type."""
        return [item["data"]["baseData"] for item in self.items if item["data"]["baseType"] == kind]

    @property
    def spans(self) -> list[dict[str, Any]]:
        """Envelopes of spans."""
        return [item for item in self.items if item["data"]["baseType"] == "RemoteDependencyData"]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log events, parsed as a query does."""
        return [json.loads(one["message"]) for one in self.of("MessageData")]


@contextmanager
def ingestion() -> Iterator[Ingestion]:
    """Breeze's route (POST /v2.1/track: envelopes, gzipped), which says how many it took."""
    taken = Ingestion()

    class Track(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        @override
        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found = json.loads(body)
            taken.items += found
            answer = json.dumps({"itemsReceived": len(found), "itemsAccepted": len(found), "errors": []}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    with ThreadingHTTPServer(("127.0.0.1", 0), Track) as server:
        taken.port = server.server_port
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield taken
        server.shutdown()


@pytest.fixture(scope="module")
def told() -> Iterator[Ingestion]:
    """All that came out of one process: telemetry, stdout, stderr."""
    with ingestion() as taken:
        key = "11111111-2222-3333-4444-555555555555"
        connection = f"InstrumentationKey={key};IngestionEndpoint=http://127.0.0.1:{taken.port}/"
        done = subprocess.run(
            [sys.executable, str(Path(__file__).parent / "telemetry_process.py"), connection],
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{':'.join(sys.path)}", "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        taken.out, taken.errors = done.stdout, done.stderr
        assert 0 == done.returncode, done.stderr[-3000:]
        yield taken


def test_a_trace_a_pass_with_what_it_did_below_it(told: Ingestion) -> None:
    """Observing, each target, planning and each write stand below their pass, across threads."""
    spans = told.of("RemoteDependencyData")
    ids = {span["id"]: span for span in spans}
    above = {
        item["data"]["baseData"]["id"]: ids.get(item["tags"].get("ai.operation.parentId", ""), {}).get("name")
        for item in told.spans
    }
    names = {(span["name"], above[span["id"]]) for span in spans}

    assert {
        ("pass", None),
        ("observe", "pass"),
        ("observe.target", "observe"),
        ("plan", "pass"),
        ("write", "pass"),
    } == names
    write = next(span for span in spans if span["name"] == "write")
    assert {"target", "resource", "verb", "outcome"} <= write["properties"].keys()


def test_metrics_arrive_with_what_they_are_about(told: Ingestion) -> None:
    """Passes, changes, drift, pending age, the way from commit to routed."""
    metrics = {point["name"]: (point, one["properties"]) for one in told.of("MetricData") for point in one["metrics"]}

    assert {
        "egress.passes",
        "egress.changes",
        "egress.drift",
        "egress.pending.age",
        "egress.commit_to_routed",
    } <= metrics.keys()
    assert "hub1" == metrics["egress.passes"][1]["hub"]
    assert {"hub": "hub1", "target": "cluster/spoke1-aks"}.items() <= metrics["egress.drift"][1].items()
    lag = metrics["egress.commit_to_routed"][0]
    assert (1, True) == (lag["count"], 60 < lag["value"] < 1800)


def test_log_events_arrive_as_one_line_each_and_find_their_trace(told: Ingestion) -> None:
    """A query parses the message; events of a pass are joined with its trace, and bear hub, commit and pass."""
    events = told.events

    recorded = [event for event in events if event["event"] == "ledger.recorded"]
    assert [1, 2] == sorted({event["seq"] for event in recorded})
    passes = [event for event in events if event["event"] == "pass.finished"]
    assert all({"hub", "commit", "pass_id", "converged", "writes"} <= event.keys() for event in passes)
    assert len(passes) == len({event["pass_id"] for event in passes})
    traced = {item["tags"]["ai.operation.id"] for item in told.items if "pass.finished" in str(item)}
    assert traced == {item["tags"]["ai.operation.id"] for item in told.spans}


def test_nothing_secret_came_out_anywhere(told: Ingestion) -> None:
    """Neither in telemetry, nor in logs, reports, history, statuses or notices; what broke is found by type and place."""
    everything = {"telemetry": json.dumps(told.items), "stdout": told.out, "stderr": told.errors}

    assert [] == [where for where, text in everything.items() if CANARY in text]
    broken = next(event for event in told.events if event["event"] == "request.failed")
    assert "ValueError" == broken["exception"]
    assert "telemetry_process.py" in broken["frames"][-1]
    calls = [point for one in told.of("MetricData") for point in one["metrics"] if point["name"] == "egress.calls"]
    assert 1 == len(calls)
    assert any(event["event"] == "source.unreadable" for event in told.events)
    assert any(event.get("message", "").startswith("write RuleCollectionGroup") for event in told.events)
    assert {"failure", "success"} <= {one["state"] for one in json.loads(told.out)["statuses"]}
    assert {"drift", "refused"} == {one["kind"] for one in json.loads(told.out)["notices"]}
