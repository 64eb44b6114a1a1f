# The service's own spoke: it leaves by the home hub's firewall and reaches API servers through a peering with each spoke.
resource "azurerm_virtual_network" "this" {
  # checkov:skip=CKV_AZURE_183: the firewall's DNS proxy is a local address, which checkov cannot know
  # checkov:skip=CKV_AZURE_182: the firewall's DNS proxy is one address, and redundant by itself
  name                = "${var.name}-vnet"
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = [var.network.address_space]
  dns_servers         = [var.home.firewall_private_ip]
  tags                = var.tags
}

resource "azurerm_subnet" "function" {
  # checkov:skip=CKV2_AZURE_31: its NSG is associated below by for_each, which checkov does not follow
  name                            = "function"
  resource_group_name             = var.resource_group_name
  virtual_network_name            = azurerm_virtual_network.this.name
  address_prefixes                = [var.network.function]
  default_outbound_access_enabled = false

  delegation {
    name = "function"

    service_delegation {
      name    = "Microsoft.Web/serverFarms"
      actions = ["Microsoft.Network/virtualNetworks/subnets/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  # checkov:skip=CKV2_AZURE_31: its NSG is associated below by for_each, which checkov does not follow
  name                              = "endpoints"
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.this.name
  address_prefixes                  = [var.network.endpoints]
  default_outbound_access_enabled   = false
  private_endpoint_network_policies = "Enabled"
}

locals {
  subnet_ids = { function = azurerm_subnet.function.id, endpoints = azurerm_subnet.endpoints.id }
  inbound = merge(
    {
      "function/nobody"       = { subnet = "function", name = "nobody", priority = 4096, access = "Deny", protocol = "*", port = "*", sources = ["*"] }
      "endpoints/function"    = { subnet = "endpoints", name = "function", priority = 100, access = "Allow", protocol = "Tcp", port = "443", sources = [var.network.function] }
      "endpoints/nobody-else" = { subnet = "endpoints", name = "nobody-else", priority = 4096, access = "Deny", protocol = "*", port = "*", sources = ["*"] }
    },
    length(var.operator_ranges) == 0 ? {} : {
      "endpoints/operators" = { subnet = "endpoints", name = "operators", priority = 110, access = "Allow", protocol = "Tcp", port = "443", sources = var.operator_ranges }
    },
  )
}

resource "azurerm_network_security_group" "this" {
  for_each = local.subnet_ids

  name                = "${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
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
  source_address_prefix       = contains(each.value.sources, "*") ? "*" : null
  source_address_prefixes     = contains(each.value.sources, "*") ? null : each.value.sources
  destination_port_range      = each.value.port
  destination_address_prefix  = "*"
}

resource "azurerm_subnet_network_security_group_association" "this" {
  for_each = local.subnet_ids

  subnet_id                 = each.value
  network_security_group_id = azurerm_network_security_group.this[each.key].id
}

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
  next_hop_in_ip_address = var.home.firewall_private_ip
}

resource "azurerm_subnet_route_table_association" "this" {
  for_each = local.subnet_ids

  subnet_id      = each.value
  route_table_id = azurerm_route_table.this.id
}

resource "azurerm_virtual_network_peering" "hub_to_service" {
  name                      = "to-egress-gitops"
  resource_group_name       = var.home.virtual_network.resource_group_name
  virtual_network_name      = var.home.virtual_network.name
  remote_virtual_network_id = azurerm_virtual_network.this.id
  allow_forwarded_traffic   = true
}

resource "azurerm_virtual_network_peering" "service_to_hub" {
  name                      = "to-hub"
  resource_group_name       = var.resource_group_name
  virtual_network_name      = azurerm_virtual_network.this.name
  remote_virtual_network_id = var.home.virtual_network.id
  allow_forwarded_traffic   = true
}

# What the service needs from outside, from its own subnet alone.
resource "azurerm_firewall_policy_rule_collection_group" "service" {
  name               = "egress-gitops"
  firewall_policy_id = var.home.base_policy_id
  priority           = 100

  application_rule_collection {
    name     = "service"
    priority = 100
    action   = "Allow"

    dynamic "rule" {
      for_each = {
        git       = var.repository.fqdns
        azure     = ["management.azure.com", "login.microsoftonline.com"]
        telemetry = ["*.in.applicationinsights.azure.com", "*.livediagnostics.monitor.azure.com"]
      }

      content {
        name              = rule.key
        source_addresses  = [var.network.function]
        destination_fqdns = rule.value

        protocols {
          type = "Https"
          port = 443
        }
      }
    }
  }

  # A deploy key speaks ssh, which no application rule matches; names in network rules need the DNS proxy, which is on.
  dynamic "network_rule_collection" {
    for_each = var.repository.access == "deploy-key" ? ["ssh"] : []

    content {
      name     = "git"
      priority = 110
      action   = "Allow"

      rule {
        name              = network_rule_collection.value
        protocols         = ["TCP"]
        source_addresses  = [var.network.function]
        destination_fqdns = var.repository.fqdns
        destination_ports = ["22"]
      }
    }
  }
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
