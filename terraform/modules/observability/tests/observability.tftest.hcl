mock_provider "azurerm" {}

variables {
  name                  = "egress-gitops"
  resource_group_name   = "egress-gitops"
  location              = "westeurope"
  flow_log_storage_name = "egressgitopsflow"
  alert_emails          = { platform = "platform@example.com" }
}

run "who_reads_is_written_down" {
  command = plan

  variables {
    state_account_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/state"
  }

  assert {
    condition     = endswith(azurerm_monitor_diagnostic_setting.state[0].target_resource_id, "/storageAccounts/state/blobServices/default") && one(azurerm_monitor_diagnostic_setting.state[0].enabled_log).category_group == "audit"
    error_message = "Blobs that are read are in no activity log."
  }

  assert {
    condition     = one(azurerm_monitor_diagnostic_setting.workspace.enabled_log).category_group == "allLogs"
    error_message = "Questions to the workspace are logged as well."
  }
}

run "telemetry_comes_with_an_entra_token" {
  command = plan

  assert {
    condition     = !azurerm_application_insights.this.local_authentication_enabled && !azurerm_log_analytics_workspace.this.local_authentication_enabled
    error_message = "An instrumentation key would let anybody write what alerts are made of."
  }

  assert {
    condition     = azurerm_application_insights.this.sampling_percentage == 100
    error_message = "A sampled event is an alert that may not come."
  }

  assert {
    condition     = !azurerm_storage_account.flow_logs.shared_access_key_enabled && azurerm_storage_account.flow_logs.network_rules[0].default_action == "Deny"
    error_message = "Flow logs are written by Azure alone."
  }
}
