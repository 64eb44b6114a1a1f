"""Single-file rules beyond shape, chosen by kind. Rules that need another file are in `check`."""

from __future__ import annotations

from function_app.model.definitions import AnyDefinition, Cluster, Guardrails, Hub, RuleSet, Tenant
from function_app.model.errors import Problem
from function_app.reading.findings import Findings
from function_app.reading.places import Path, Places
from function_app.reading.platform_forms import cluster_findings, guardrails_findings, hub_findings
from function_app.reading.rule_forms import allow_findings
from function_app.reading.tenant_forms import tenant_findings


def form_problems(definition: AnyDefinition, places: Places) -> list[tuple[Path, Problem]]:
    """Every problem that the file tells by itself, each with its document path."""
    return [
        (
            finding.path,
            places.problem(
                finding.path,
                finding.fault.code,
                finding.fault.message,
                finding.fault.hint,
                severity=finding.severity,
                at_key=finding.at_key,
            ),
        )
        for finding in _findings(definition)
    ]


def _findings(definition: AnyDefinition) -> Findings:
    match definition:
        case Hub():
            return hub_findings(definition)
        case Cluster():
            return cluster_findings(definition)
        case Tenant():
            return tenant_findings(definition)
        case RuleSet():
            return allow_findings(("spec", "allow"), definition.spec.allow)
        case Guardrails():
            return guardrails_findings(definition)
