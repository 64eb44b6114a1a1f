"""The tree that cross-file rules look at: every definition with its file, and what was in force before.

Does not belong here: any rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from ipaddress import IPv4Network

from function_app.model.definitions import Attachment, Cluster, Guardrails, GuardrailsSpec, Hub, RuleSet, Tenant
from function_app.model.errors import Problem, Severity
from function_app.reading.layout import GUARDRAILS_FILE
from function_app.reading.parse import ParsedFile
from function_app.reading.places import Path, shown_file
from function_app.reading.ranges import network, network_fault


@dataclass(frozen=True, slots=True)
class Filed[D: (Hub, Cluster, Tenant, RuleSet, Guardrails)]:
    """A definition and the file that it stands in."""

    file: ParsedFile
    definition: D

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.metadata.name


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment; `range` is None when its CIDR cannot be used (its file says why)."""

    tenant: Filed[Tenant]
    index: int
    attachment: Attachment
    range: IPv4Network | None

    @property
    def path(self) -> Path:
        """Where the attachment stands in its file."""
        return ("spec", "attachments", self.index)

    def __str__(self) -> str:
        return f"tenant `{self.tenant.name}` on cluster `{self.attachment.cluster}`"


@dataclass(frozen=True)
class Candidate:
    """A tree to be judged. `changed` None: everything counts as changed, and nothing was in force before."""

    files: Mapping[str, ParsedFile]
    changed: frozenset[str] | None
    previous: Mapping[str, ParsedFile]
    today: date
    root: str

    @cached_property
    def hubs(self) -> tuple[Filed[Hub], ...]:
        """All hubs, by path."""
        return tuple(Filed(file, file.draft) for file in self._sorted if isinstance(file.draft, Hub))

    @cached_property
    def clusters(self) -> tuple[Filed[Cluster], ...]:
        """All clusters, by path."""
        return tuple(Filed(file, file.draft) for file in self._sorted if isinstance(file.draft, Cluster))

    @cached_property
    def tenants(self) -> tuple[Filed[Tenant], ...]:
        """All tenants, by path."""
        return tuple(Filed(file, file.draft) for file in self._sorted if isinstance(file.draft, Tenant))

    @cached_property
    def rulesets(self) -> tuple[Filed[RuleSet], ...]:
        """All rule sets, by path."""
        return tuple(Filed(file, file.draft) for file in self._sorted if isinstance(file.draft, RuleSet))

    @cached_property
    def guardrails(self) -> GuardrailsSpec | None:
        """The guardrails; the defaults when there is no such file, None when it is broken."""
        file = self.files.get(GUARDRAILS_FILE)
        if file is None:
            return GuardrailsSpec()
        return file.definition.spec if isinstance(file.definition, Guardrails) else None

    @cached_property
    def attachments(self) -> tuple[Attached, ...]:
        """All attachments of all tenants."""
        return tuple(attached for tenant in self.tenants for attached in attachments_of(tenant))

    @cached_property
    def hub_by_name(self) -> dict[str, Filed[Hub]]:
        """Hubs by name; the first of two with one name."""
        return {hub.name: hub for hub in reversed(self.hubs)}

    @cached_property
    def cluster_by_name(self) -> dict[str, Filed[Cluster]]:
        """Clusters by name; the first of two with one name."""
        return {cluster.name: cluster for cluster in reversed(self.clusters)}

    def is_changed(self, file: ParsedFile) -> bool:
        """Whether this commit changed the file."""
        return self.changed is None or file.path in self.changed

    def shown(self, path: str) -> str:
        """A path as people see it."""
        return shown_file(self.root, path)

    def problem(
        self,
        file: ParsedFile,
        path: Path,
        code: str,
        message: str,
        hint: str,
        *,
        others: Iterator[str] | tuple[str, ...] = (),
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """A problem in one file; `others` are paths of further files that take part in it."""
        shown = tuple(self.shown(other) for other in others)
        return file.places.problem(path, code, message, hint, severity=severity, others=shown)

    @property
    def _sorted(self) -> Iterator[ParsedFile]:
        return (file for _, file in sorted(self.files.items()))


def attachments_of(tenant: Filed[Tenant]) -> Iterator[Attached]:
    """A tenant's attachments."""
    for index, attachment in enumerate(tenant.definition.spec.attachments):
        yield Attached(tenant, index, attachment, usable(attachment.cidr))


@lru_cache(maxsize=65_536)
def usable(text: str) -> IPv4Network | None:
    """A range that can be used, None otherwise."""
    return network(text) if network_fault(text) is None else None
