"""All definitions that are in force, and what was held back: what `reading` hands to `planning`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network

from function_app.model.definitions import AllowRule, Attachment, Cluster, Guardrails, Hub, RuleSet, Tenant
from function_app.model.errors import Problem
from function_app.model.names import AttachmentKey, ClusterName, Commit, HubName, TenantName
from function_app.model.once import Keeper, Row, once


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which commit last changed the file in force, who wrote it, and by which review it came in, where the commit says so."""

    commit: Commit
    author: str
    approver: str = ""
    pull_request: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """A file whose newest content is not in force: the previous content holds, or nothing when it is new.

    `meant` are the tenants that it may be meant to define, besides the one that it is named after; None when nobody can tell.
    Of a file that cannot be parsed these are all its words: they are compared and never shown.
    """

    file: str
    since: Commit
    previous_in_force: bool
    problems: tuple[Problem, ...]
    meant: frozenset[str] | None = field(default=frozenset(), repr=False)

    def may_define(self, tenant: TenantName) -> bool:
        """Whether somebody may have meant to keep or make this tenant by it."""
        return self.meant is None or tenant in self.meant or self.file == f"tenants/{tenant}.yaml"


@dataclass(frozen=True, slots=True)
class Definitions:
    """Valid definitions by name. Cross-file rules hold between them."""

    hubs: Mapping[HubName, Hub] = field(default_factory=dict)
    clusters: Mapping[ClusterName, Cluster] = field(default_factory=dict)
    tenants: Mapping[TenantName, Tenant] = field(default_factory=dict)
    rulesets: Mapping[str, RuleSet] = field(default_factory=dict)
    guardrails: Guardrails | None = None


@dataclass(frozen=True, slots=True)
class Tree(Keeper):
    """The effective tree at one commit.

    `departed` holds the last valid definition of every tenant that is no longer defined. `doubt` says, in words, why
    absence must not be read as removal (a held deletion is already undone in `definitions`); while it is non-empty
    no attachment, annotation or generation is removed. `provenance` is by file path, `problems` are those of the newest
    commit, warnings included.
    """

    commit: Commit
    definitions: Definitions
    departed: Mapping[TenantName, Tenant] = field(default_factory=dict)
    held: tuple[Held, ...] = ()
    problems: tuple[Problem, ...] = ()
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    doubt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DefinedAttachment:
    """One attachment of a hub with what surrounds it."""

    key: AttachmentKey
    tenant: Tenant
    attachment: Attachment
    provenance: Provenance

    @property
    def range(self) -> IPv4Network:
        """The range asked for."""
        return self.attachment.range


@dataclass(frozen=True, slots=True)
class HubDefinitions(Keeper):
    """What one pass looks at: one hub, its clusters and attachments, and each tenant's rules with rule sets written out.

    `rules` has an entry for every tenant, departed ones included; names of included rules are `RULESET.RULE`. `narrowed` are
    the rules of single attachments for which other rules hold than for their tenant, because what Git has is not taken up.
    """

    name: HubName
    hub: Hub
    commit: Commit
    clusters: Mapping[ClusterName, Cluster]
    attachments: Mapping[AttachmentKey, DefinedAttachment]
    rules: Mapping[TenantName, Row[AllowRule]]
    departed: Mapping[TenantName, Tenant]
    held: tuple[Held, ...] = ()
    problems: tuple[Problem, ...] = ()
    doubt: tuple[str, ...] = ()
    guardrails: Guardrails | None = None
    narrowed: Mapping[AttachmentKey, Row[AllowRule]] = field(default_factory=dict)

    def rules_of(self, key: AttachmentKey) -> Row[AllowRule] | None:
        """The rules for one attachment's range; None when nothing is known of its tenant."""
        return self.narrowed.get(key, self.rules.get(key.tenant))


@once
def hub_definitions(tree: Tree, name: HubName) -> HubDefinitions:
    """The part of the tree that one hub's pass needs."""
    definitions = tree.definitions
    clusters = {key: cluster for key, cluster in sorted(definitions.clusters.items()) if cluster.spec.hub == name}
    attachments: dict[AttachmentKey, DefinedAttachment] = {}
    rules = {name: written_out_rules(tenant, definitions.rulesets) for name, tenant in sorted(tree.departed.items())}
    for tenant_name, tenant in sorted(definitions.tenants.items()):
        rules[tenant_name] = written_out_rules(tenant, definitions.rulesets)
        provenance = tree.provenance.get(f"tenants/{tenant_name}.yaml", Provenance(tree.commit, "unknown"))
        for attachment in tenant.spec.attachments:
            if attachment.cluster not in clusters:
                continue
            key = AttachmentKey(tenant_name, ClusterName(attachment.cluster))
            attachments[key] = DefinedAttachment(key, tenant, attachment, provenance)
    return HubDefinitions(
        name=name,
        hub=definitions.hubs[name],
        commit=tree.commit,
        clusters=clusters,
        attachments=attachments,
        rules=rules,
        departed=tree.departed,
        held=tree.held,
        problems=tree.problems,
        doubt=tree.doubt,
        guardrails=definitions.guardrails,
    )


def written_out_rules(tenant: Tenant, rulesets: Mapping[str, RuleSet]) -> Row[AllowRule]:
    """A tenant's own rules after those of the rule sets it includes, in the order in which they are named.

    A departed tenant may include a rule set that has gone as well: its rules went with it.
    """
    included = tuple(
        rule.model_copy(update={"name": f"{name}.{rule.name}"})
        for name in tenant.spec.egress.include
        if name in rulesets
        for rule in rulesets[name].spec.allow
    )
    return Row(included + tenant.spec.egress.allow)
