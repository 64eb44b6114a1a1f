"""`make serve`: the service with all that it needs, until Ctrl-C; prints what to type next."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from threading import Event

from real.azurite.program import find_program
from real.azurite.server import AzuriteFailed
from real.cache import MissingProgram
from serve.desk import FIREWALL_SECONDS, PLATFORM, ServiceDesk
from serve.host import BODY_LIMIT, Host
from serve.workers import WorkerDied

FOLDER = Path("build") / "serve"
SHORTCUTS = FOLDER / "env"
_BODY_BYTES = "4194304"


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted; 1 when a part is missing or does not start."""
    parser = argparse.ArgumentParser(prog="python -m serve", description="The service at a desk.")
    parser.add_argument("--port", type=int, default=7071, help="port of the service on 127.0.0.1 (default: 7071)")
    parser.add_argument(
        "--firewall-seconds",
        type=float,
        default=FIREWALL_SECONDS,
        help="a write takes so long (default: 20; Azure: 240)",
    )
    parser.add_argument("--drift-minutes", type=int, default=1, help="the timer's interval (default: 1)")
    asked = parser.parse_args(arguments)
    told = partial(print, flush=True)
    signal.signal(
        signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT)
    )  # everything that was started ends with us
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where a shell began us in the background
    try:
        program = find_program(announce=told)
        with ServiceDesk(program, firewall_seconds=asked.firewall_seconds, drift_minutes=asked.drift_minutes) as desk:
            desk.copy_sample(*PLATFORM)
            desk.push("the platform: hub, clusters, guardrails, rule sets")
            settings = {**desk.settings, BODY_LIMIT: _BODY_BYTES}
            with Host(settings, desk.folder, port=asked.port, told=told) as host:
                host.fire("drift")  # the hub is known before the first push
                told(greeting(desk, host, asked.drift_minutes))
                Event().wait()
    except KeyboardInterrupt:
        return 0
    except (MissingProgram, AzuriteFailed, WorkerDied, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def greeting(desk: ServiceDesk, host: Host, drift_minutes: int) -> str:
    """What runs and what to type next; the shell's variables and functions are written to a file of its own."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    SHORTCUTS.touch(mode=0o600)
    SHORTCUTS.write_text(shortcuts(desk, host, desk.settings), encoding="utf-8")
    return "\n".join(
        [
            "The service at a desk; Ctrl-C ends it and removes what it made.",
            f"  service    {host.url}/api   (a stand-in for the .NET host around Azure's real Python worker)",
            f"  worker     process {host.worker().pid}, log {host.worker().log}",
            f"  storage    {desk.azurite.blobs}   (Azurite)",
            f"  world      {desk.server.url}   (simulated clusters and Azure, in real time)",
            f"  repository {desk.repository}, cloned to {desk.clone}",
            f"  The timer looks at every hub each {drift_minutes} min.",
            "",
            "In another terminal, from this folder:",
            f"  . {SHORTCUTS}                       # settings, and the functions used below",
            "  cp -r gitops/tenants $CLONE/gitops/ && push 'two tenants'",
            "  webhook                               # as the Git host would: signed",
            "  .venv/bin/egressctl status            # again and again: it climbs to routed",
            "  packet spoke1-aks default https://www.tigera.io",
            "  status                                # the same by HTTP, as JSON",
            "  ask GET whois?address=10.99.0.0",
            """  ask POST block -d '{"tenant": "tenant0", "reason": "incident 7", "for": "1h"}'""",
            """  ask POST unblock -d '{"tenant": "tenant0", "reason": "clear"}'""",
            """  ask POST resync -d '{"hub": "hub1"}'""",
            f"  timer                                 # now instead of within {drift_minutes} min",
            "  kubectl --kubeconfig $EGRESS_KUBECONFIG --context spoke1-aks delete ippool tenant0-pool",
            "  kill -9 $(pgrep -f serve/worker.py)   # nothing is lost",
            "",
            "And wrongly:",
            "  SECRET=wrong webhook                  # 401",
            "  curl -i $SERVICE/status               # 401",
        ]
    )


def shortcuts(desk: ServiceDesk, host: Host, settings: Mapping[str, str]) -> str:
    """A file for the shell to source."""
    push = json.dumps({"repository": desk.repository, "ref": "refs/heads/main", "by": os.environ.get("USER", "desk")})
    values = {
        **settings,
        "SERVICE": f"{host.url}/api",
        "KEY": host.key,
        "SECRET": desk.secret,
        "CLONE": str(desk.clone),
        "WORLD": desk.server.url,
        "PUSHED": push,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([*lines, _FUNCTIONS])


_FUNCTIONS = r"""
ask() {  # ask METHOD PATH [curl's options]: a request with the function key
    _method=$1 _path=$2; shift 2
    curl -sS -X "$_method" -H "x-functions-key: $KEY" "$SERVICE/$_path" "$@"; echo
}
webhook() {  # a delivery signed with $SECRET
    _signature=$(printf %s "$PUSHED" | openssl dgst -sha256 -hmac "$SECRET" | sed 's/.*= *//')
    curl -sS -w ' %{http_code}\n' -H 'content-type: application/json' -H "x-egress-signature: sha256=$_signature" \
        -d "$PUSHED" "$SERVICE/webhook/generic"
}
status() {  # what the service says; `egressctl status` reads the same storage
    ask GET status | .venv/bin/python -m json.tool
}
push() {  # push MESSAGE: commit what is in the clone
    git -C "$CLONE" add --all
    git -C "$CLONE" -c user.name=Dana -c user.email=dana@example.com commit -q -m "$1"
    git -C "$CLONE" push -q origin HEAD:main
}
packet() {  # packet CLUSTER NAMESPACE URL: a pod opens a connection
    curl -sS --cacert "$EGRESS_CA_FILE" "$WORLD/_control/packet" \
        -d "{\"cluster\": \"$1\", \"namespace\": \"$2\", \"url\": \"$3\"}"; echo
}
timer() { curl -sS -X POST -H "x-functions-key: $KEY" -d '{}' "${SERVICE%/api}/admin/functions/drift"; }
"""


if __name__ == "__main__":
    sys.exit(main())
