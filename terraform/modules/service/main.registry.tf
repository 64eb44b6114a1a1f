resource "azurerm_container_registry" "this" {
  # checkov:skip=CKV_AZURE_164: images are signed and checked by the pipeline that deploys them
  # checkov:skip=CKV_AZURE_165: one region; the image can be built again from the commit
  # checkov:skip=CKV_AZURE_166: quarantine needs a scanner that releases images; Defender scans them
  # checkov:skip=CKV_AZURE_167: untagged images go after retention_policy_in_days
  name                          = "${replace(var.name, "-", "")}acr"
  resource_group_name           = var.resource_group_name
  location                      = var.location
  sku                           = "Premium" # private endpoints need it
  admin_enabled                 = false
  anonymous_pull_enabled        = false
  public_network_access_enabled = false
  data_endpoint_enabled         = true
  zone_redundancy_enabled       = true
  network_rule_bypass_option    = "AzureServices"
  retention_policy_in_days      = 30
  tags                          = var.tags
}

resource "azurerm_monitor_diagnostic_setting" "registry" {
  name                       = "workspace"
  target_resource_id         = azurerm_container_registry.this.id
  log_analytics_workspace_id = var.sinks.workspace_id

  enabled_log {
    category_group = "audit"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}
