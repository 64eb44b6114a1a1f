"""A process that onboards a tenant with telemetry on, secrets lying everywhere, and ends. Argument: the connection string.

What came out besides telemetry (statuses, notices, the newest report, history) is printed as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import structlog
from service.service_desk import HUB, ServiceDesk, sample

from function_app.logs import configure_logs
from function_app.model.errors import TargetUnavailable
from function_app.model.intent import Intent, Reason
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
    service.source_problem = f"https://jo:{CANARY}@example.com/x?sig={CANARY}"
    try:
        _break()
    except TargetUnavailable:
        structlog.get_logger().exception("request.failed")
    flush()
    out = {
        "statuses": [asdict(one) for one in service.channel.statuses],
        "notices": [asdict(one) for one in service.channel.given],
        "report": service.desk.ports.status.latest(HUB),
        "history": service.chronicle.entries(HUB),
    }
    sys.stdout.write(json.dumps(out, default=str))


def _break() -> None:
    raise TargetUnavailable(f"Authorization: Bearer {CANARY}")


def _work(service: ServiceDesk, seconds: float) -> None:
    ask(service, (HUB,), Intent(reasons=frozenset({Reason.PUSH})))
    service.work_for(seconds)


if __name__ == "__main__":
    main(sys.argv[1])
