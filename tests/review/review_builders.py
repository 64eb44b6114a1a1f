"""Two commits of a repository in memory, and the review of the second."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import yaml

from function_app.model.review import HubReview, Review, TenantReview
from function_app.reviewing import compared, review
from simulator.memory import MemoryRepository
from simulator.model.clock import VirtualClock

SAMPLE = Path(__file__).parents[2] / "gitops"
TODAY = date(2026, 11, 23)

Files = Mapping[str, str | None]


def sample() -> dict[str, str]:
    """The project's sample by path."""
    return {path.relative_to(SAMPLE).as_posix(): path.read_text() for path in sorted(SAMPLE.rglob("*.yaml"))}


def edited(path: str, **changes: Any) -> str:
    """A file of the sample with keys of its spec replaced."""
    document = yaml.safe_load(sample()[path])
    document["spec"] |= changes
    return yaml.safe_dump(document, sort_keys=False)


def a_tenant(name: str, cidr: str, *fqdns: str, cluster: str = "spoke1-aks", **spec: Any) -> str:
    """A tenant's file."""
    allow = [{"name": "web", "fqdns": list(fqdns)}] if fqdns else []
    document = {
        "apiVersion": "egress-gitops.io/v1alpha1",
        "kind": "Tenant",
        "metadata": {"name": name},
        "spec": {
            "owner": {"team": name, "contact": f"{name}@example.com"},
            "attachments": [{"cluster": cluster, "cidr": cidr, "namespaces": [f"{name}-jobs"]}],
            "egress": {"allow": allow},
            **spec,
        },
    }
    return yaml.safe_dump(document, sort_keys=False)


def reviewed(after: Files, before: Files | None = None) -> Review:
    """What changing these files of the sample, or of `before`, brings about."""
    repository = MemoryRepository(VirtualClock(datetime(2026, 11, 23, 8, tzinfo=UTC)))
    base = repository.commit(sample() if before is None else before)
    head = repository.commit(after)
    return review(compared(repository, base, head, today=TODAY, root="gitops"), TODAY)


def hub_of(found: Review) -> HubReview:
    """The only hub."""
    (hub,) = found.hubs
    return hub


def tenant_of(found: Review, name: str = "tenant0") -> TenantReview:
    """One tenant's part."""
    return next(one for one in hub_of(found).tenants if one.tenant == name)
