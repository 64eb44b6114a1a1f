"""The worker library that Azure runs, in a process of its own: loads the app as the host asks it to, and invokes functions.

Started as `python worker.py FOLDER`; a JSON line in is an invocation with an `id`, a JSON line out what became of it. The first
line out is the index. Invocations run beside each other, in the library's threads. The library takes its wire types from
outside; plain objects stand in for them here.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

HEAVY = (
    "kubernetes",
    "git",
    "azure.identity",
    "azure.storage",
    "azure.mgmt",
    "azure.core",
    "msal",
    "typer",
    "aiohttp",
    "requests",
    "opentelemetry.sdk",
    "azure.monitor",
)


class _Message(SimpleNamespace):
    """A message of the wire, made of its fields."""


class _BindingInfo(_Message):
    undefined, out, inout = None, 1, 2


class _StatusResult(_Message):
    Failure, Success = 0, 1


PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    StatusResult=_StatusResult,
    WorkerInitResponse=_Message,
    FunctionMetadataResponse=_Message,
    RpcFunctionMetadata=_Message,
    RpcException=_Message,
    WorkerMetadata=_Message,
)


def loaded() -> list[str]:
    """The heavy libraries that are in memory."""
    return sorted({name for name in HEAVY for module in sys.modules if module == name or module.startswith(f"{name}.")})


def peak_kib() -> int:
    """The most memory that was held since this program began; `getrusage` counts what its parent held as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


async def indexed(folder: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The functions' ids by name, and what is told about them."""
    started = time.process_time()
    import azure_functions_runtime as runtime  # noqa: PLC0415 - its cost is measured

    runtime.start_threadpool_executor()
    request = SimpleNamespace(
        request=SimpleNamespace(
            worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=folder),
        ),
        properties={"protos": PROTOS, "host": "127.0.0.1"},
    )
    begun = await runtime.worker_init_request(request)
    answer = await runtime.functions_metadata_request(request)
    functions = answer.function_metadata_results or []
    index = {
        "succeeded": begun.result.status == _StatusResult.Success,
        "problem": getattr(getattr(begun.result, "exception", None), "message", ""),
        "cpu_seconds": time.process_time() - started,
        "peak_mib": peak_kib() / 1024,
        "functions": {each.name: [json.loads(raw) for raw in each.raw_bindings] for each in functions},
        "loaded": loaded(),
    }
    return {each.name: each.function_id for each in functions}, index


async def invoked(ids: dict[str, str], asked: dict[str, Any]) -> dict[str, Any]:
    """One invocation: `http`, `timer` or `queue` says what triggers it; with `look`, what is in memory afterwards is told."""
    from azure_functions_runtime.native_invocation import invocation_request_native  # noqa: PLC0415 - loaded by then

    if asked["function"] not in ids:
        return {"id": asked["id"], "succeeded": False, "problem": f"The app has no function {asked['function']}."}
    inputs, metadata = _inputs(asked)
    done, returned, _, problem, _ = await invocation_request_native(
        str(asked["id"]), ids[asked["function"]], inputs, metadata
    )
    answer: dict[str, Any] = {"id": asked["id"], "succeeded": done, "problem": problem}
    if asked.get("look"):
        answer |= {"loaded": loaded(), "peak_mib": peak_kib() / 1024}
    if returned is not None:
        body = returned.value["body"].value
        answer |= {
            "status": int(returned.value["status_code"].value),
            "body": b64encode(body if isinstance(body, bytes) else str(body).encode()).decode(),
            "headers": {key: each.value for key, each in returned.value["headers"].items()},
        }
    return answer


def _inputs(asked: dict[str, Any]) -> tuple[list[tuple[str, Any]], dict[str, Any]]:
    """The trigger's parameter, and what is told beside it."""
    from azure_functions_runtime.bindings.datumdef import Datum  # noqa: PLC0415 - loaded by then

    def texts(values: dict[str, str]) -> dict[str, Datum]:
        return {key: Datum(value, "string") for key, value in values.items()}

    if "http" in asked:
        http = asked["http"]
        value = {
            "method": Datum(http["method"], "string"),
            "url": Datum(http.get("url", "http://127.0.0.1/api"), "string"),
            "headers": texts(http.get("headers", {})),
            "params": texts(http.get("route", {})),
            "query": texts(http.get("query", {})),
            "body": Datum(b64decode(http.get("body", "")), "bytes"),
        }
        return [("request", Datum(value, "http"))], {}
    if "timer" in asked:
        return [("timer", Datum(json.dumps(asked["timer"]), "json"))], {}
    count = json.dumps(asked.get("dequeue_count", 1))
    return [("message", Datum(asked["queue"], "string"))], {
        "Id": Datum("1", "string"),
        "DequeueCount": Datum(count, "json"),
    }


async def main(folder: str, lines: Iterator[str], said: TextIO) -> None:
    """Index, then invoke until nothing more comes in."""
    ids, index = await indexed(folder)
    print(json.dumps(index), file=said, flush=True)
    loop, running = asyncio.get_running_loop(), set[asyncio.Task[None]]()

    async def answer(line: str) -> None:
        print(json.dumps(await invoked(ids, json.loads(line))), file=said, flush=True)

    while line := await loop.run_in_executor(None, next, lines, ""):
        task = loop.create_task(answer(line))
        running.add(task)
        task.add_done_callback(running.discard)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    SAID, sys.stdout = sys.stdout, sys.stderr
    asyncio.run(main(sys.argv[1], sys.stdin, SAID))
