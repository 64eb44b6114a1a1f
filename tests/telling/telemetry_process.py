"""A process that onboards a tenant with telemetry on, secrets lying everywhere, and ends. Argument: the connection string.

What came out besides telemetry (statuses, notices, the newest report, history) is printed as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from service.service_desk import HUB, ServiceDesk, sample
from web_services import json_answers, web_service

from function_app.adapters.azure_arm import ResourceManager
from function_app.adapters.azure_firewall import AzureFirewall
from function_app.adapters.credentials import FileCredential
from function_app.adapters.git_access import HttpAccess
from function_app.adapters.git_repository import GitRepository
from function_app.adapters.git_tokens import fixed_token
from function_app.logs import configure_logs
from function_app.model.errors import SourceError, TargetError
from function_app.model.intent import Intent, Reason
from function_app.model.names import firewall_target
from function_app.service.intake import ask
from function_app.telemetry import LOGGER, configure_telemetry, flush

CANARY = "canary-5f0c1a2b"


def main(connection: str) -> None:
    """Onboard, break, repair, say."""
    configure_telemetry(connection)
    configure_logs(outlet=LOGGER)
    service = ServiceDesk.with_platform()
    service.desk.commit(sample("tenants/tenant0.yaml"))
    _work(service, 1800)
    service.desk.world.clusters["spoke1-aks"].api.delete("IPPool", None, "tenant0-pool")
    _work(service, 600)
    service.desk.commit({"tenants/tenant1.yaml": f"# token={CANARY}\npassword: {CANARY}\n"})
    _work(service, 300)
    _break()
    with TemporaryDirectory() as folder:
        _fetch(Path(folder))
        _write(Path(folder))
    flush()
    out = {
        "statuses": [asdict(one) for one in service.channel.statuses],
        "notices": [asdict(one) for one in service.channel.given],
        "report": service.desk.ports.status.latest(HUB),
        "history": service.chronicle.entries(HUB),
    }
    sys.stdout.write(json.dumps(out, default=str))


def _break() -> None:
    """Something unexpected, whose words hold a secret."""
    try:
        _raise()
    except ValueError:
        structlog.get_logger().exception("request.failed")


def _raise() -> None:
    raise ValueError(f"Authorization: Bearer {CANARY}")


def _fetch(folder: Path) -> None:
    """A repository that cannot be reached, with secrets in its URL and in what it is shown."""
    url = f"https://{CANARY}@127.0.0.1:9/x?token={CANARY}"
    access = HttpAccess(url, fixed_token(CANARY), "x-access-token")
    try:
        GitRepository(url, folder / "cache", access=access).fetch()
    except SourceError as problem:
        structlog.get_logger().warning("source.unreadable", problem=str(problem))


def _write(folder: Path) -> None:
    """A firewall that is written with a secret token and answers with it."""
    token = folder / "token"
    token.write_text(CANARY)
    said = {
        "error": {
            "code": "BadRequest",
            "message": f"The header Authorization: Bearer {CANARY} and ?sig={CANARY} is bad.",
        }
    }
    with web_service(folder, json_answers(lambda *_: (400, said))) as azure:
        arm = ResourceManager(FileCredential(token), endpoint=azure.url, ca_file=azure.ca_file)
        try:
            AzureFirewall(firewall_target(HUB), arm, "/p", "/f").put_group("egress-000", {"properties": {}})
        except TargetError as problem:
            structlog.get_logger().warning("change.applied", outcome="failed", message=str(problem))


def _work(service: ServiceDesk, seconds: float) -> None:
    ask(service, (HUB,), Intent(reasons=frozenset({Reason.PUSH})))
    service.work_for(seconds)


if __name__ == "__main__":
    main(sys.argv[1])
