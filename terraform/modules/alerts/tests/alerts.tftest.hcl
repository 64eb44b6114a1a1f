# A mock knows no Azure: whether a metric has that name, whether a query finds anything (docs/not-proven.md). That each query is KQL,
# tests/terraform/test_kusto.py shows.
mock_provider "azurerm" {}

variables {
  name                = "egress-gitops"
  resource_group_name = "egress-gitops"
  location            = "westeurope"
  workspace_id        = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
  action_group_id     = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/actionGroups/a"
  drift_minutes       = 10
  targets = {
    firewalls     = { hub1 = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/azureFirewalls/f" }
    route_servers = { hub1 = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualHubs/r" }
  }
}

run "each_way_to_fail_has_an_alert" {
  command = plan

  assert {
    condition     = length(setsubtract(["pass-failing", "not-converged", "timer-silent", "drift-undone", "poison-message", "ledger-unreadable", "limit-reached", "target-unreachable", "source-unreadable", "settings-wrong", "credential-ends", "credential-refused"], keys(azurerm_monitor_scheduled_query_rules_alert_v2.this))) == 0
    error_message = "What can go wrong is told."
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.this["ledger-unreadable"].severity == 0
    error_message = "Without the ledger no range may be given out: nothing is more urgent."
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.this["timer-silent"].criteria[0].operator == "LessThan"
    error_message = "Silence is told by what is missing."
  }

  assert {
    condition     = toset(keys(azurerm_monitor_metric_alert.firewall)) == toset(["hub1/firewall-snat", "hub1/firewall-health", "hub1/firewall-latency"])
    error_message = "Every hub's firewall is watched."
  }
}

run "credentials_are_told_before_and_when_they_end" {
  command = plan

  assert {
    condition     = alltrue([for event in ["SecretNearExpiry", "SecretExpired", "CertificateNearExpiry", "CertificateExpired"] : strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.this["credential-ends"].criteria[0].query, "\"${event}EventGridNotification\"")])
    error_message = "Secrets and certificates alike, thirty days before they end and when they have."
  }

  assert {
    condition     = toset([for each in azurerm_monitor_scheduled_query_rules_alert_v2.this["credential-ends"].criteria[0].dimension : each.name]) == toset(["operation", "credential"])
    error_message = "The alert names what ends."
  }

  assert {
    condition     = strcontains(azurerm_monitor_scheduled_query_rules_alert_v2.this["credential-refused"].criteria[0].query, "status in (\"401\", \"403\")")
    error_message = "What a target refuses is told by target and status."
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.this["credential-ends"].window_duration == "PT6H"
    error_message = "The vault says it once: the alert stands for a while, however late its log came."
  }
}

run "the_workbook_shows_the_join" {
  command = plan

  assert {
    condition     = azurerm_log_analytics_saved_search.flows.function_alias == "EgressFlows" && strcontains(azurerm_application_insights_workbook.this.data_json, "EgressFlows(1d)")
    error_message = "Firewall log and ledger are joined by one function, which the workbook shows."
  }
}

run "a_slow_timer_is_given_time" {
  command = plan

  variables {
    drift_minutes = 60
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.this["timer-silent"].window_duration == "PT3H"
    error_message = "A timer that runs hourly is not silent after half an hour."
  }
}

run "a_timer_is_missed_after_three_times_its_minutes" {
  command = plan

  variables {
    drift_minutes = 15
  }

  assert {
    condition     = azurerm_monitor_scheduled_query_rules_alert_v2.this["timer-silent"].window_duration == "PT45M"
    error_message = "No sooner, and no three hours later."
  }
}
