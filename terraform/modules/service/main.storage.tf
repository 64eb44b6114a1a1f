# Ledger, state, leases and the queue of passes. Emptying it stops new ranges for one quarantine, so what is deleted can be had back.
resource "azurerm_storage_account" "this" {
  # checkov:skip=CKV_AZURE_36: no Azure service has business with the ledger; trusting none is stricter
  # checkov:skip=CKV_AZURE_206: three zones; with its region the hub is gone as well, and a lost ledger is rebuilt from what is observed
  # checkov:skip=CKV_AZURE_33: queue logging left this resource in azurerm 5; the diagnostic setting below has it
  # checkov:skip=CKV2_AZURE_1: Microsoft-managed keys; a key of one's own is docs/checklist.md, point 38
  # checkov:skip=CKV2_AZURE_33: its private endpoints are in main.endpoints.tf, which checkov does not connect with it
  name                            = "${replace(var.name, "-", "")}host"
  resource_group_name             = var.resource_group_name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "ZRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  local_user_enabled              = false
  allow_nested_items_to_be_public = false
  public_network_access_enabled   = false
  tags                            = var.tags

  network_rules {
    default_action = "Deny"
    bypass         = ["None"]
  }

  sas_policy {
    expiration_period = "00.01:00:00"
    expiration_action = "Block"
  }

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }

  lifecycle {
    prevent_destroy = true # the ledger says who held which address; Git cannot tell that
  }
}

resource "azurerm_storage_container" "state" {
  # checkov:skip=CKV2_AZURE_21: the diagnostic setting below logs reads
  name                  = "egress-gitops"
  storage_account_id    = azurerm_storage_account.this.id
  container_access_type = "private"
}

# What reviews showed and nothing else: what is kept of hubs lies below hubs/, and the prefix begins with the container and ends in a slash.
# A blob that is deleted leaves a version, which goes by the same rule; delete_retention_policy above still keeps both for its days.
resource "azurerm_storage_management_policy" "this" {
  storage_account_id = azurerm_storage_account.this.id

  rule {
    name    = "shown"
    enabled = true

    filters {
      prefix_match = ["${azurerm_storage_container.state.name}/shown/"]
      blob_types   = ["blockBlob"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = var.shown_days
      }

      version {
        delete_after_days_since_creation = var.shown_days
      }
    }
  }
}

resource "azurerm_storage_queue" "passes" {
  for_each = toset(["egress-passes", "egress-passes-poison"])

  name               = each.value
  storage_account_id = azurerm_storage_account.this.id
}

resource "azurerm_monitor_diagnostic_setting" "storage" {
  for_each = toset(["blobServices", "queueServices"])

  name                       = "workspace"
  target_resource_id         = "${azurerm_storage_account.this.id}/${each.value}/default"
  log_analytics_workspace_id = var.sinks.workspace_id

  enabled_log {
    category_group = "audit"
  }

  enabled_metric {
    category = "Transaction"
  }
}
