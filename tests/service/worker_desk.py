"""A worker process with the app in it, as tests hold it."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Worker:
    """A process of the worker library; `index` is what it said about the app. `log` is what it wrote to stderr."""

    process: subprocess.Popen[str]
    index: dict[str, Any]
    log: Path

    def invoke(self, function: str, **trigger: Any) -> dict[str, Any]:
        """One invocation."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"function": function, **trigger}) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def http(
        self,
        function: str,
        method: str = "GET",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        route: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One request as the host hands it over."""
        value = {
            "method": method,
            "headers": dict(headers or {}),
            "body": b64encode(body).decode(),
            "route": dict(route or {}),
            "query": dict(query or {}),
        }
        return self.invoke(function, http=value)


type StartWorker = Callable[[Mapping[str, str]], Worker]
