# Who spoke to whom in a VNet. Azure makes the watcher and its group with the region's first VNet, by these names.
resource "azurerm_network_watcher_flow_log" "this" {
  name                 = var.virtual_network.name
  network_watcher_name = "NetworkWatcher_${var.location}"
  resource_group_name  = "NetworkWatcherRG"
  location             = var.location
  target_resource_id   = var.virtual_network.id
  storage_account_id   = var.sinks.flow_log_storage_id
  enabled              = true
  version              = 2
  tags                 = var.tags

  retention_policy {
    enabled = true
    days    = 90
  }

  traffic_analytics {
    enabled               = true
    workspace_id          = var.sinks.workspace_guid
    workspace_region      = var.location
    workspace_resource_id = var.sinks.workspace_id
    interval_in_minutes   = 10
  }
}
