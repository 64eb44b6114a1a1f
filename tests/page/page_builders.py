"""Hubs for the page, small and large, with everything that may stand on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from function_app.model.attribution import Attribution
from function_app.model.ledger import Holding
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName
from function_app.reporting.page import HubContent, Page, content_of, render

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
COMMIT = "3257e75f0a1b2c3d4e5f60718293a4b5c6d7e8f9"
WORDS = ("orders", "payments", "search", "mail", "ledger", "risk", "cards", "fx", "loans", "reports", "audit", "data")


def ago(minutes: float) -> str:
    """A time before now."""
    return (NOW - timedelta(minutes=minutes)).isoformat()


def tenant_name(number: int) -> str:
    """A name like people give."""
    return f"{WORDS[number % len(WORDS)]}-{number:03d}"


def attachment(number: int, **changed: Any) -> dict[str, Any]:
    """A routed attachment on a /29 of its own."""
    cluster = number % 2
    network = IPv4Network((int(IPv4Address(f"10.{96 + cluster * 2}.0.0")) + (number // 2) * 8, 29))
    row: dict[str, Any] = {
        "tenant": tenant_name(number),
        "cluster": f"spoke{cluster + 1}-aks",
        "cidr": str(network),
        "stage": "routed",
        "current": True,
        "waiting_for": [],
        "since": ago(60),
        "detail": "",
        "namespaces": [f"{tenant_name(number)}-api", f"{tenant_name(number)}-jobs"],
        "generation": f"{number:08x}",
        "gateways": [],
    }
    return row | changed


def hub(tenants: int, name: str = "hub1", **changed: Any) -> dict[str, Any]:
    """A hub's row of the status answer."""
    rows = [attachment(number) for number in range(tenants)]
    report: dict[str, Any] = {
        "plan_id": "p",
        "hub": name,
        "commit": COMMIT,
        "commit_seen": COMMIT,
        "converged": True,
        "started_at": ago(2.2),
        "finished_at": ago(2),
        "changes": [],
        "refused": [],
        "notes": [],
        "attachments": rows,
        "unreadable": [],
        "held": [],
        "unattributed": {"spoke1-aks": ["kube-system", "calico-system"], "spoke2-aks": ["kube-system", "batch"]},
        "clusters": {
            "spoke1-aks": {"egress": "10.96.0.0/20", "node_subnet": "10.1.0.0/22", "nodes": {}},
            "spoke2-aks": {"egress": "10.98.0.0/20", "node_subnet": "10.2.0.0/22", "nodes": {}},
        },
        "limits": [
            {"limit": "routes per peer", "subject": "spoke1-aks", "used": 411, "most": 500},
            {"limit": "routes per peer", "subject": "spoke2-aks", "used": 96, "most": 500},
            {"limit": "BGP peers", "subject": "hub-rs", "used": 8, "most": 8},
            {"limit": "rule collections", "subject": "tenants", "used": 240, "most": 2000},
            {"limit": "bytes", "subject": "egress-000", "used": 402118, "most": 1400000},
        ],
        "look_again_seconds": None,
    }
    passes = [
        {
            "finished_at": ago(12 * (number + 1)),
            "commit": COMMIT,
            "converged": True,
            "reasons": ["timer"],
            "by": [],
            "changes": [],
            "changes_in_all": 0,
            "refused": [],
        }
        for number in reversed(range(4))
    ]
    passes[2]["changes"] = [
        {
            "verb": "update",
            "target": "cluster/spoke1-aks",
            "resource": "BGPFilter/export-egress-ips",
            "reason": "drift",
            "outcome": "updated",
        }
    ]
    passes[2]["changes_in_all"] = 1
    return {
        "hub": name,
        "report": report | changed,
        "blocks": [],
        "problem": "",
        "asked": {"pending": False, "reasons": [], "by": [], "look_again_at": None},
        "passes": passes,
    }


def troubled(tenants: int = 40) -> dict[str, Any]:
    """A hub in which everything is the matter that may be."""
    row = hub(tenants, name="hub2", converged=False, commit_seen="9" * 40)
    report = row["report"]
    report["attachments"][3] |= {
        "stage": "serving",
        "waiting_for": ["advertised", "permitted"],
        "since": ago(6),
        "detail": "Route Server instance 0 has learned nothing for 10.98.0.9 on node spoke2-1",
    }
    report["attachments"][4] |= {"stage": "leaving", "waiting_for": ["pods-gone"], "since": ago(1)}
    report["attachments"][7] |= {"stage": "absent", "waiting_for": ["quarantine"], "since": ago(300), "namespaces": []}
    report["refused"] = [
        {
            "code": "removals",
            "subject": "hub2",
            "message": "12 attachments would begin to be removed, the limits are 5 and 20 %. If that is meant: "
            "egressctl reconcile --hub hub2 --allow removals --plan 1a2b3c4d.",
        }
    ]
    report["unreadable"] = [
        {"target": "cluster/spoke2-aks", "at": ago(3), "message": "no answer within 10 s", "permanent": False}
    ]
    report["held"] = [
        {
            "file": "tenants/mail-003.yaml",
            "since": "9" * 40,
            "previous_in_force": True,
            "problems": [
                {
                    "file": "gitops/tenants/mail-003.yaml",
                    "line": 14,
                    "column": 9,
                    "path": "spec.egress.allow[2].fqdns[0]",
                    "severity": "error",
                    "code": "fqdn",
                    "message": "`*example.com` covers notexample.com.",
                    "hint": "Write `*.example.com`.",
                }
            ],
        }
    ]
    row["blocks"] = [
        {
            "kind": "block",
            "subject": tenant_name(5),
            "reason": "exfiltration suspected, INC-4711",
            "by": "jo@example.com",
            "at": ago(20),
            "expires": (NOW + timedelta(hours=3)).isoformat(),
        }
    ]
    return row


def holders(row: dict[str, Any]) -> list[Attribution]:
    """Who holds a range of a hub by its ledger; two are in quarantine."""
    found = [
        Attribution(
            tenant=TenantName(one["tenant"]),
            cluster=ClusterName(one["cluster"]),
            generation=GenerationId(one["generation"]),
            range=IPv4Network(one["cidr"]),
            holding=Holding.LEAVING if one["stage"] == "leaving" else Holding.HELD,
            namespaces=tuple(NamespaceName(name) for name in one["namespaces"]) if one["stage"] == "routed" else (),
            commit=Commit(COMMIT),
            author="jo@example.com",
            since=NOW,
        )
        for one in row["report"]["attachments"]
    ]
    for number, cidr in enumerate(("10.96.14.0/26", "10.98.15.0/24")):
        gone = found[0].__class__(
            tenant=TenantName(f"former-{number}"),
            cluster=ClusterName(f"spoke{number + 1}-aks"),
            generation=GenerationId(f"f{number}"),
            range=IPv4Network(cidr),
            holding=Holding.QUARANTINED,
            namespaces=(),
            commit=Commit(COMMIT),
            author="jo@example.com",
            since=NOW,
            freed_at=NOW,
        )
        found.append(gone)
    return found


def contents(*rows: dict[str, Any]) -> list[HubContent]:
    """Ready to be rendered."""
    return [content_of(row, holders(row), NOW) for row in rows]


def page(*rows: dict[str, Any], **options: Any) -> Page:
    """The page over some hubs."""
    return render(contents(*rows), NOW, **options)
