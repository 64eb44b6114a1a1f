# Terraform makes the vault, never a secret: `az keyvault secret set` does, and so no secret reaches the state.
resource "azurerm_key_vault" "this" {
  # checkov:skip=CKV2_AZURE_32: its private endpoint is in main.endpoints.tf, which checkov does not connect with it
  name                          = "${var.name}-kv"
  resource_group_name           = var.resource_group_name
  location                      = var.location
  tenant_id                     = var.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  public_network_access_enabled = false
  tags                          = var.tags

  network_acls {
    default_action = "Deny"
    bypass         = "None"
  }
}

resource "azurerm_monitor_diagnostic_setting" "vault" {
  name                       = "workspace"
  target_resource_id         = azurerm_key_vault.this.id
  log_analytics_workspace_id = var.sinks.workspace_id

  enabled_log {
    category_group = "audit"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}
