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

module "flow_log" {
  source = "../network/flow_log"

  virtual_network = { id = azurerm_virtual_network.this.id, name = azurerm_virtual_network.this.name }
  location        = var.location
  sinks           = var.sinks
  tags            = var.tags
}
