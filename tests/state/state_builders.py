"""Records with defaults, and a clock that tests set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network

from function_app.model.ledger import Record, RecordKind
from function_app.model.names import ClusterName, Commit, GenerationId, NamespaceName, TenantName

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(slots=True)
class SetClock:
    """A clock that stands still until it is moved."""

    moment: datetime = NOON

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Move it on."""
        self.moment += timedelta(seconds=seconds)


def a_record(seq: int, *, epoch: int = 1, at: datetime = NOON) -> Record:
    """A reservation."""
    return Record(
        seq=seq,
        epoch=epoch,
        at=at,
        kind=RecordKind.RESERVE,
        tenant=TenantName("blue"),
        cluster=ClusterName("spoke1"),
        generation=GenerationId(f"{seq:08x}"),
        range=IPv4Network("10.99.1.0/28"),
        namespaces=(NamespaceName("blue-apps"),),
        commit=Commit("1" * 40),
        author="Ada <ada@example.com>",
        gateway="blue-egw/blue-egw",
        pool="blue-pool",
        labels={"egress-gitops.io/generation": f"{seq:08x}"},
    )
