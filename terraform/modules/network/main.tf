# A network behind a hub's firewall: everything leaves by the firewall, and nobody gets in who is not named.
resource "azurerm_virtual_network" "this" {
  # checkov:skip=CKV_AZURE_183: the firewall's DNS proxy is a local address, which checkov cannot know
  # checkov:skip=CKV_AZURE_182: the firewall's DNS proxy is one address, and redundant by itself
  name                = "${var.name}-vnet"
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = var.address_space
  dns_servers         = [var.firewall_private_ip] # nodes read it when they boot, so it is there before the cluster
  tags                = var.tags
}

resource "azurerm_subnet" "this" {
  # checkov:skip=CKV2_AZURE_31: its NSG is associated below by for_each, which checkov does not follow
  for_each = var.subnets

  name                              = each.key
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.this.name
  address_prefixes                  = [each.value.range]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = each.value.private_endpoint_policies

  dynamic "delegation" {
    for_each = each.value.delegated_to[*]

    content {
      name = each.key

      service_delegation {
        name    = delegation.value
        actions = ["Microsoft.Network/virtualNetworks/subnets/action"]
      }
    }
  }
}

resource "azurerm_network_security_group" "this" {
  for_each = azurerm_subnet.this

  name                = "${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

locals {
  # Azure's own last rules would let in the whole network.
  nobody_else = { priority = 4096, protocol = "*", port = "*", sources = ["*"], access = "Deny" }
  inbound = merge([
    for subnet, each in var.subnets : {
      for name, rule in merge({ for name, allowed in each.inbound : name => merge(allowed, { access = "Allow" }) }, { nobody-else = local.nobody_else }) :
      "${subnet}/${name}" => merge(rule, { subnet = subnet, name = name, tag = one([for source in rule.sources : source if can(regex("^[A-Za-z*]", source))]) })
    }
  ]...)
}

resource "azurerm_network_security_rule" "this" {
  for_each = local.inbound

  name                        = each.value.name
  resource_group_name         = var.resource_group_name
  network_security_group_name = azurerm_network_security_group.this[each.value.subnet].name
  priority                    = each.value.priority
  direction                   = "Inbound"
  access                      = each.value.access
  protocol                    = each.value.protocol
  source_port_range           = "*"
  source_address_prefix       = each.value.tag
  source_address_prefixes     = each.value.tag == null ? each.value.sources : null
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
  next_hop_in_ip_address = var.firewall_private_ip
}

resource "azurerm_subnet_route_table_association" "this" {
  for_each = azurerm_subnet.this

  subnet_id      = each.value.id
  route_table_id = azurerm_route_table.this.id
}

module "flow_log" {
  source = "./flow_log"

  virtual_network = { id = azurerm_virtual_network.this.id, name = azurerm_virtual_network.this.name }
  location        = var.location
  sinks           = var.sinks
  tags            = var.tags
}
