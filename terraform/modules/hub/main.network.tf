# Both subnets have names that Azure fixes, and neither takes an NSG: Azure refuses one on RouteServerSubnet and manages the firewall's.
resource "azurerm_virtual_network" "this" {
  # checkov:skip=CKV_AZURE_183: the hub resolves by Azure's DNS; spokes ask the firewall's proxy, which asks it
  name                = "${var.name}-vnet"
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = var.address_space
  tags                = var.tags

  dynamic "ddos_protection_plan" {
    for_each = var.ddos_protection_plan_id == null ? [] : [var.ddos_protection_plan_id]

    content {
      id     = ddos_protection_plan.value
      enable = true
    }
  }

  lifecycle {
    prevent_destroy = true # a wrong folder of definitions must not take down the firewall; `make teardown` says how to
  }
}

resource "azurerm_subnet" "firewall" {
  # checkov:skip=CKV2_AZURE_31: Azure manages the security of AzureFirewallSubnet; an NSG there is not supported
  name                            = "AzureFirewallSubnet"
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [var.firewall.subnet]
  default_outbound_access_enabled = false
}

resource "azurerm_subnet" "route_server" {
  # checkov:skip=CKV2_AZURE_31: RouteServerSubnet takes no NSG
  name                            = "RouteServerSubnet"
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [var.route_server.subnet]
  default_outbound_access_enabled = false
}

resource "azurerm_network_watcher_flow_log" "this" {
  name                 = "${var.name}-vnet"
  network_watcher_name = "NetworkWatcher_${var.location}"
  resource_group_name  = "NetworkWatcherRG"
  location             = var.location
  target_resource_id   = azurerm_virtual_network.this.id
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
