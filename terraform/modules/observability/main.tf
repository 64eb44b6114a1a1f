resource "azurerm_log_analytics_workspace" "this" {
  name                         = var.name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  sku                          = "PerGB2018"
  retention_in_days            = var.retention_days
  local_authentication_enabled = false
  tags                         = var.tags
}

# Whoever reads who went where is written down as well.
resource "azurerm_monitor_diagnostic_setting" "workspace" {
  name                       = "workspace"
  target_resource_id         = azurerm_log_analytics_workspace.this.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id

  enabled_log {
    category_group = "allLogs"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}

# A state tells everything; reading a blob is in no activity log.
resource "azurerm_monitor_diagnostic_setting" "state" {
  count = var.state_account_id == null ? 0 : 1

  name                       = "workspace"
  target_resource_id         = "${var.state_account_id}/blobServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.this.id

  enabled_log {
    category_group = "audit"
  }

  enabled_metric {
    category = "Transaction"
  }
}

resource "azurerm_application_insights" "this" {
  name                         = var.name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  application_type             = "web"
  workspace_id                 = azurerm_log_analytics_workspace.this.id
  local_authentication_enabled = false # telemetry comes with an Entra token, never with the key
  sampling_percentage          = 100   # an event that is missing is an alert that is missing
  tags                         = var.tags
}

resource "azurerm_monitor_workspace" "this" {
  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_monitor_data_collection_rule" "metrics" {
  name                = "${var.name}-prometheus"
  resource_group_name = var.resource_group_name
  location            = var.location
  kind                = "Linux"
  tags                = var.tags

  destinations {
    monitor_account {
      name               = "workspace"
      monitor_account_id = azurerm_monitor_workspace.this.id
    }
  }

  data_sources {
    prometheus_forwarder {
      name    = "prometheus"
      streams = ["Microsoft-PrometheusMetrics"]
    }
  }

  data_flow {
    streams      = ["Microsoft-PrometheusMetrics"]
    destinations = ["workspace"]
  }
}

resource "azurerm_monitor_action_group" "this" {
  name                = var.name
  resource_group_name = var.resource_group_name
  short_name          = "egress"
  tags                = var.tags

  dynamic "email_receiver" {
    for_each = var.alert_emails

    content {
      name                    = email_receiver.key
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

# Network Watcher writes flow logs as a trusted service; nobody else reaches the account.
resource "azurerm_storage_account" "flow_logs" {
  # checkov:skip=CKV_AZURE_59: of trusted services alone, see network_rules; Network Watcher comes by no private endpoint
  # checkov:skip=CKV_AZURE_206: three zones; logs of a region that is gone are worth no second one
  # checkov:skip=CKV_AZURE_33: queue logging left this resource in azurerm 5; the account has no queues
  # checkov:skip=CKV2_AZURE_1: Microsoft-managed keys; a key of one's own is docs/checklist.md, point 38
  # checkov:skip=CKV2_AZURE_33: no private endpoint; only Azure's own writer reaches it, people read traffic analytics in the workspace
  name                            = var.flow_log_storage_name
  resource_group_name             = var.resource_group_name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  min_tls_version                 = "TLS1_2"
  shared_access_key_enabled       = false
  local_user_enabled              = false
  allow_nested_items_to_be_public = false
  public_network_access_enabled   = true # of trusted services alone, see network_rules
  tags                            = var.tags

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  sas_policy {
    expiration_period = "00.01:00:00"
    expiration_action = "Block"
  }

  blob_properties {
    delete_retention_policy {
      days = 7
    }
  }
}
