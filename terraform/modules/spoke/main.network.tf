resource "azurerm_virtual_network" "this" {
  # checkov:skip=CKV_AZURE_183: the firewall's DNS proxy is a local address, which checkov cannot know
  # checkov:skip=CKV_AZURE_182: the firewall's DNS proxy is one address, and redundant by itself
  name                = "${var.name}-vnet"
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = var.address_space
  dns_servers         = [var.hub.firewall_private_ip] # nodes read it when they boot, so it is there before the cluster
  tags                = var.tags
}

resource "azurerm_subnet" "this" {
  # checkov:skip=CKV2_AZURE_31: its NSG is associated below by for_each, which checkov does not follow
  for_each = { nodes = var.subnets.nodes, reflectors = var.subnets.reflectors }

  name                              = each.key
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.this.name
  address_prefixes                  = [each.value]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "NetworkSecurityGroupEnabled" # the API server's private endpoint lies among the nodes
}

resource "azurerm_network_security_group" "this" {
  for_each = azurerm_subnet.this

  name                = "${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

locals {
  # Nodes reach each other by any port: VXLAN (UDP 4789), tunnels to egress gateways (UDP 4790), BGP (TCP 179), kubelet.
  inbound = {
    nodes        = { priority = 100, protocol = "*", port = "*", source = var.address_space, access = "Allow" }
    service      = { priority = 110, protocol = "Tcp", port = "443", source = [var.service.function_subnet], access = "Allow" }
    route-server = { priority = 120, protocol = "Tcp", port = "179", source = [var.hub.route_server_subnet], access = "Allow" }
    probes       = { priority = 130, protocol = "*", port = "*", source = ["AzureLoadBalancer"], access = "Allow" }
    nobody-else  = { priority = 4096, protocol = "*", port = "*", source = ["*"], access = "Deny" }
  }
  rules = merge([
    for subnet in ["nodes", "reflectors"] : { for name, rule in local.inbound : "${subnet}/${name}" => merge(rule, { subnet = subnet, name = name }) }
  ]...)
}

resource "azurerm_network_security_rule" "this" {
  for_each = local.rules

  name                        = each.value.name
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.this[each.value.subnet].name
  priority                    = each.value.priority
  direction                   = "Inbound"
  access                      = each.value.access
  protocol                    = each.value.protocol
  source_port_range           = "*"
  source_address_prefix       = can(regex("^[A-Za-z*]", each.value.source[0])) ? each.value.source[0] : null
  source_address_prefixes     = can(regex("^[A-Za-z*]", each.value.source[0])) ? null : each.value.source
  destination_port_range      = each.value.port
  destination_address_prefix  = "*"
}

resource "azurerm_subnet_network_security_group_association" "this" {
  for_each = azurerm_subnet.this

  subnet_id                 = each.value.id
  network_security_group_id = azurerm_network_security_group.this[each.key].id
}

# Learned routes are kept out: another spoke's or an on-premises route would lead past the firewall. That nodes are next hops of the
# hub's learned routes needs none here.
resource "azurerm_route_table" "this" {
  name                          = "${var.name}-egress"
  resource_group_name           = var.resource_group_name
  location                      = var.location
  bgp_route_propagation_enabled = false
  tags                          = var.tags
}

resource "azurerm_route" "egress" {
  name                   = "everything-to-the-firewall"
  resource_group_name    = var.resource_group_name
  route_table_name       = azurerm_route_table.this.name
  address_prefix         = "0.0.0.0/0"
  next_hop_type          = "VirtualAppliance"
  next_hop_in_ip_address = var.hub.firewall_private_ip
}

resource "azurerm_subnet_route_table_association" "this" {
  for_each = azurerm_subnet.this

  subnet_id      = each.value.id
  route_table_id = azurerm_route_table.this.id
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
