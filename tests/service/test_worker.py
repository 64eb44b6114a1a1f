"""The app in the worker library that Azure runs: what it finds, what it costs, and one invocation of each kind."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli.session import ROOT, Session
from service.test_callers import NAMED, principal
from webhooks.deliveries import OLD, generic, generic_push

from function_app import triggers
from function_app.adapters.storage_passes import QUEUE
from function_app.settings import CATALOGUE, Settings
from real.azurite.server import Azurite
from serve.workers import Answered, Worker

type StartWorker = Callable[[Mapping[str, str]], Worker]

CPU_SECONDS, PEAK_MIB = 2.0, 150.0
HTTP = {
    "webhook": ("api/webhook/{provider}", "POST", "ANONYMOUS"),
    "health": ("api/health", "GET", "ANONYMOUS"),
    "resync": ("api/resync", "POST", "FUNCTION"),
    "block": ("api/block", "POST", "FUNCTION"),
    "unblock": ("api/unblock", "POST", "FUNCTION"),
    "suspend": ("api/suspend", "POST", "FUNCTION"),
    "resume": ("api/resume", "POST", "FUNCTION"),
    "status": ("api/status", "GET", "FUNCTION"),
    "plan": ("api/plan", "GET", "FUNCTION"),
    "whois": ("api/whois", "GET", "FUNCTION"),
    "page": ("{root:maxlength(0)?}", "GET", "FUNCTION"),
}
TIMER = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": {}, "IsPastDue": False}
NEEDED = {"EGRESS_REPOSITORY": "https://github.com/example/egress.git"}


def routes(index: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """The HTTP functions of an index: route, method, who is let through by the host."""
    found = [(name, each) for name, bindings in index["functions"].items() for each in bindings]
    return {
        name: (each["route"], *each["methods"], each["authLevel"])
        for name, each in found
        if each["type"] == "httpTrigger"
    }


def binding(index: dict[str, Any], function: str, kind: str) -> dict[str, Any]:
    """One function's trigger."""
    found: dict[str, Any] = next(each for each in index["functions"][function] if each["type"] == kind)
    return found


def test_a_function_that_the_app_does_not_have_is_said_so(start_worker: StartWorker) -> None:
    """At once, and the worker goes on."""
    worker = start_worker(NEEDED)

    done = worker.invoke("nobody", timer=TIMER)

    assert (False, "The app has no function nobody.") == (done["succeeded"], done["problem"])
    assert worker.loaded() is not None


def test_every_function_is_found_with_its_door(start_worker: StartWorker) -> None:
    """Routes, methods, auth levels, schedule and queue, as the host is told."""
    index = start_worker({**NEEDED, "EGRESS_DRIFT_MINUTES": "5"}).index

    assert index["succeeded"], index["problem"]
    assert HTTP == routes(index)
    assert {*HTTP, "drift", "passes"} == set(index["functions"])
    timer, queue = binding(index, "drift", "timerTrigger"), binding(index, "passes", "queueTrigger")
    assert ("0 */5 * * * *", False, True) == (timer["schedule"], timer["runOnStartup"], timer["useMonitor"])
    assert (QUEUE, triggers.QUEUE_CONNECTION) == (queue["queueName"], queue["connection"])


def test_indexing_is_cheap_and_loads_nothing_heavy(start_worker: StartWorker) -> None:
    """No SDK of Azure, Kubernetes or Git before a trigger needs it."""
    index = start_worker(NEEDED).index

    assert index["succeeded"], index["problem"]
    assert [] == index["loaded"]
    assert index["cpu_seconds"] <= CPU_SECONDS
    assert index["peak_mib"] <= PEAK_MIB


def test_with_entra_the_app_itself_asks_who_calls(start_worker: StartWorker) -> None:
    """The host lets everybody through, App Service authentication says who it is, and roles decide."""
    worker = start_worker({**NEEDED, "EGRESS_CALLERS": "entra"})
    reader = principal(NAMED, ("roles", "Egress.Read"))
    nobody = principal(NAMED)

    assert {"ANONYMOUS"} == {level for *_, level in routes(worker.index).values()}
    strangers = {name: worker.http(name, HTTP[name][1]).status for name in HTTP if name not in ("webhook", "health")}
    assert {401} == set(strangers.values())
    assert [403, 403] == [worker.http(name, "POST", headers=reader).status for name in ("resync", "block")]
    assert 403 == worker.http("status", headers=nobody).status
    assert 200 == worker.http("health").status
    log = worker.log.read_text()
    assert len(strangers) + 3 == log.count("caller.refused")
    assert "jo@example.com" in log


def test_with_wrong_settings_everything_is_indexed_and_says_so(start_worker: StartWorker) -> None:
    """The host asks for keys, health answers 503 to strangers without details, and the log names all that is wrong."""
    worker = start_worker({"EGRESS_LOG_LEVEL": "loud"})

    assert HTTP == routes(worker.index)
    answers = [worker.http(name, HTTP[name][1]) for name in HTTP]
    assert {503} == {answer.status for answer in answers}
    assert "EGRESS_" not in str([answer.body for answer in answers])
    assert not worker.invoke("drift", timer=TIMER)["succeeded"]
    assert "EGRESS_REPOSITORY is not set" in worker.log.read_text()
    assert "EGRESS_LOG_LEVEL must be one of" in worker.log.read_text()


def settings_for(served: Session, azurite: Azurite, container: str) -> dict[str, str]:
    """A desk's settings on an emulated account."""
    return {
        **served.environment,
        **azurite.settings,
        "EGRESS_STORAGE_CONTAINER": container,
        "EGRESS_WEBHOOK_PROVIDER": "generic",
        "EGRESS_WEBHOOK_SECRET": OLD,
        "EGRESS_CONNECT_TIMEOUT_SECONDS": "1",
    }


def post(worker: Worker, function: str, body: dict[str, Any]) -> Answered:
    """An operator's request."""
    return worker.http(function, "POST", body=json.dumps(body).encode())


def test_one_invocation_of_each_kind(start_worker: StartWorker, served: Session, azurite: Azurite) -> None:
    """On real storage: the first push finds the hub, a webhook is queued, a pass is made, people ask and decide."""
    worker = start_worker(settings_for(served, azurite, "each-kind"))
    push = generic(generic_push(repository=str(served.repository)))

    before = worker.http("webhook", "POST", headers=push.headers, body=push.body, route={"provider": "generic"})
    first = worker.invoke("passes", queue=json.dumps({"hub": None}))
    tick = worker.invoke("drift", timer=TIMER)
    hook = worker.http("webhook", "POST", headers=push.headers, body=push.body, route={"provider": "generic"})
    wrong = worker.http("webhook", "POST", headers=push.headers, body=push.body + b" ", route={"provider": "generic"})
    made = worker.invoke("passes", queue=json.dumps({"hub": "hub1"}))
    status = worker.http("status", query={"hub": "hub1", "code": "a-key-for-the-host"})
    plan = worker.http("plan")
    whois = worker.http("whois", query={"address": "10.99.0.1"})
    block = post(worker, "block", {"tenant": "tenant0", "for": "4h", "reason": "ticket"})
    unblock = post(worker, "unblock", {"tenant": "tenant0", "reason": "clear"})
    resync = post(worker, "resync", {"hub": "hub1"})
    rubbish = worker.invoke("passes", queue='{"hub": "../x"}')

    assert [202, 202, 401] == [each.status for each in (before, hook, wrong)]
    assert ([], ["hub1"]) == (before.json()["hubs"], hook.json()["hubs"])
    assert all(each["succeeded"] for each in (first, tick, made)), worker.log.read_text()
    assert [200] * 3 == [each.status for each in (status, plan, whois)], worker.log.read_text()
    assert [202] * 3 == [each.status for each in (block, unblock, resync)]
    (row,) = status.json()["hubs"]
    assert row["report"]["commit_seen"]
    assert ["push", "timer"] == row["passes"][0]["reasons"]
    assert not row["asked"]["pending"]
    assert "no-store" == status.headers["Cache-Control"]
    assert not rubbish["succeeded"]


def test_a_webhook_loads_no_more_than_storage(start_worker: StartWorker, served: Session, azurite: Azurite) -> None:
    """Kubernetes, Azure's management and Git are for passes, telemetry for those who set it."""
    worker = start_worker(settings_for(served, azurite, "no-more"))
    push = generic(generic_push(repository=str(served.repository)))

    stranger = worker.http("webhook", "POST", body=push.body, route={"provider": "generic"})
    hook = worker.http("webhook", "POST", headers=push.headers, body=push.body, route={"provider": "generic"})

    loaded = worker.loaded()

    assert [401, 202] == [stranger.status, hook.status]
    assert {"kubernetes", "git", "azure.mgmt", "typer", "opentelemetry.sdk", "azure.monitor"}.isdisjoint(loaded)
    assert "azure.storage" in loaded


def test_only_triggers_know_azure_functions() -> None:
    """One file; and the adapters' queue is the one that the trigger listens to."""
    knowing = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "function_app").rglob("*.py"))
        if "azure.functions" in _imports(path)
    ]

    assert ["function_app/triggers.py"] == knowing
    assert QUEUE == triggers.QUEUE


def _imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("name", ["host.json", "local.settings.json.example"])
def test_what_the_host_reads_is_json(name: str) -> None:
    """One message at a time, a message that fails tried again after a pause, and exactly the settings that exist."""
    read = json.loads((ROOT / name).read_text())
    if name == "host.json":
        queues = read["extensions"]["queues"]
        assert (1, 0, 5) == (queues["batchSize"], queues["newBatchThreshold"], queues["maxDequeueCount"])
        assert "base64" == queues["messageEncoding"]
        return
    assert {form.variable for form in CATALOGUE} == {key for key in read["Values"] if key.startswith("EGRESS_")}
    assert "main.py" == read["Values"]["PYTHON_SCRIPT_FILE_NAME"]
    Settings.from_environment({key: value for key, value in read["Values"].items() if key.startswith("EGRESS_")})
