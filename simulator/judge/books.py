"""The ledger as the judge reads it: folded afresh when it grew, and what it ever said of a namespace, even once lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network

from function_app.model.ledger import BrokenLedger, Generation, Holding, Ledger, Record, RecordKind, fold


class Books:
    """`records` gives the stored records, read or not by anybody else."""

    def __init__(self, records: Callable[[], Sequence[Record]]) -> None:
        self._records = records
        self._folded = Ledger((), {})
        self._known: dict[str, Generation] = {}
        self._spans: dict[str, str] = {}
        self._ever: dict[tuple[str, str], set[str]] = {}

    @property
    def ledger(self) -> Ledger:
        """The ledger as it stands; the last good one while it contradicts itself."""
        records = self._records()
        if len(records) != len(self._folded.records) or (records and records[-1] is not self._folded.records[-1]):
            try:
                self._folded = fold(records)
            except BrokenLedger:
                return self._folded
            self._known.update({str(key): value for key, value in self._folded.generations.items()})
            self._spans.clear()
            for record in records:
                if record.kind is RecordKind.ROUTE:
                    for name in record.namespaces:
                        self._ever.setdefault((str(record.cluster), str(name)), set()).add(str(record.tenant))
        return self._folded

    def generations(self) -> Iterator[Generation]:
        """Every generation that was ever known; those of a lost ledger included, as they were then."""
        self.ledger  # noqa: B018 - reading it brings what is known up to date
        yield from self._known.values()

    def lost(self) -> Iterator[Generation]:
        """What a lost ledger gave and no record since speaks of."""
        present = {str(key) for key in self.ledger.generations}
        live = self.live()
        for key, one in self._known.items():
            if key not in present and one.live and not any(each.range.overlaps(one.range) for each in live):
                yield one

    def live(self) -> tuple[Generation, ...]:
        """Held and leaving generations."""
        return self.ledger.live()

    def routed_to(self, cluster: str, namespace: str) -> tuple[Generation, ...]:
        """Live generations that the ledger records for a namespace."""
        return tuple(
            one for one in self.live() if one.key.cluster == cluster and namespace in {str(name) for name in one.routed}
        )

    def ever_routed(self, cluster: str, namespace: str) -> frozenset[str]:
        """Tenants that a namespace was ever recorded for, also in a ledger that was lost since."""
        self.ledger  # noqa: B018 - reading it brings what is known up to date
        return frozenset(self._ever.get((cluster, namespace), ()))

    def holder(self, address: str) -> str:
        """The tenant whose range holds an address, live ones first; empty for nobody's."""
        self.ledger  # noqa: B018 - reading it brings what is known up to date
        found = self._spans.get(address)
        if found is None:
            found = self._spans[address] = self._search(address)
        return found

    def _search(self, address: str) -> str:
        where = IPv4Address(address)
        fitting = [one for one in self._known.values() if where in one.range]
        fitting.sort(key=lambda one: (one.holding in (Holding.HELD, Holding.LEAVING), one.reserved_at))
        return str(fitting[-1].key.tenant) if fitting else ""

    def of_range(self, cidr: IPv4Network) -> tuple[Generation, ...]:
        """Live generations on exactly this range."""
        return tuple(one for one in self.live() if one.range == cidr)
