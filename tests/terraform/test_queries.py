"""Alerts and workbook ask for events, refusals and reasons that the service really logs, with fields that they really have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from function_app.model.ledger import RecordKind
from function_app.model.plan import ChangeReason, RefusalCode
from terraform_provider.planned import Planned
from terraform_provider.workspace import TREE

FLOWS = (TREE / "terraform/modules/alerts/queries/egress_flows.kql").read_text(encoding="utf-8")
FIELDS = {"event", "hub", "seq", "at", "kind", "tenant", "cluster", "generation", "range", "namespaces", "commit"}


@pytest.fixture(scope="session")
def queries(sample: Planned) -> dict[str, str]:
    """All planned queries by their alert's address, the workbook's among them."""
    found = {
        each.address: each.at("criteria.0.query")
        for each in sample.of_type("azurerm_monitor_scheduled_query_rules_alert_v2")
    }
    found |= {each.address: each.at("data_json") for each in sample.of_type("azurerm_application_insights_workbook")}
    found |= {each.address: each.at("query") for each in sample.of_type("azurerm_log_analytics_saved_search")}
    return found


def _logged() -> set[str]:
    """Every event name in the service's code."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in Path(TREE / "function_app").rglob("*.py"))
    return set(re.findall(r'"([a-z]+\.[a-z_]+)"', code))


def test_every_event_that_is_asked_for_is_logged(queries: dict[str, str]) -> None:
    """An event by another name would never be found, and the alert never come."""
    asked = {name for query in queries.values() for name in re.findall(r'event\)? == \\*"([a-z._]+)\\*"', query)}
    assert {"pass.finished", "drift.asked", "change.applied", "ledger.recorded"} <= asked
    assert asked <= _logged()


def test_every_metric_that_is_asked_for_is_measured(queries: dict[str, str]) -> None:
    """With attributes that it bears; an alert over another name would be silent for ever."""
    asked = {name for query in queries.values() for name in re.findall(r'Name == "([a-z._]+)"', query)}
    measured = (TREE / "function_app" / "measuring.py").read_text(encoding="utf-8")
    assert asked == {"egress.calls"}
    assert all(f'"{name}"' in measured for name in asked)
    attributes = {name for query in queries.values() for name in re.findall(r"Properties\.(\w+)", query)}
    assert attributes == {"target", "status"}
    assert all(f'"{name}":' in measured for name in attributes)


def test_every_refusal_and_reason_is_one_that_there_is(queries: dict[str, str]) -> None:
    """Closed enums: a code that is renamed takes its alert with it."""
    refused = {
        code
        for query in queries.values()
        for group in re.findall(r"refused in \(([^)]*)\)", query)
        for code in re.findall(r'"([a-z-]+)', group)
    }
    assert {"ledger-unreadable", "routes-per-peer"} <= refused <= {code.value for code in RefusalCode}
    reasons = {reason for query in queries.values() for reason in re.findall(r'r\.reason\) == "([a-z]+)"', query)}
    assert reasons == {ChangeReason.DRIFT.value}


def test_the_join_reads_the_ledgers_events_as_they_are_documented() -> None:
    """EgressFlows names fields of docs/telemetry.md and kinds of the ledger."""
    documented = (TREE / "docs" / "telemetry.md").read_text(encoding="utf-8")
    fields = set(re.findall(r"\br\.(\w+)", FLOWS))
    assert fields == FIELDS
    assert all(f'"{field}"' in documented for field in fields)
    kinds = set(re.findall(r'"(route|unroute|reserve|freed|leave|quarantine_end)"', FLOWS))
    assert kinds <= {kind.value for kind in RecordKind}


def test_each_alert_says_what_to_do_or_what_it_means(sample: Planned) -> None:
    """Whoever is woken reads a sentence, not a metric."""
    kinds = (
        "azurerm_monitor_scheduled_query_rules_alert_v2", "azurerm_monitor_metric_alert", "azurerm_monitor_activity_log_alert",
    )  # fmt: skip
    alerts = [each for kind in kinds for each in sample.of_type(kind)]
    assert len(alerts) >= 16
    assert all(str(each.at("description")).endswith(".") for each in alerts)
