# The service's own spoke: it leaves by the home hub's firewall and reaches API servers through a peering with each spoke.
locals {
  operators = length(var.operator_ranges) == 0 ? {} : {
    operators = { priority = 110, protocol = "Tcp", port = "443", sources = var.operator_ranges }
  }
}

module "network" {
  source = "../network"

  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = [var.network.address_space]
  firewall_private_ip = var.home.firewall_private_ip
  sinks               = { workspace_id = var.sinks.workspace_id, workspace_guid = var.sinks.workspace_guid, flow_log_storage_id = var.sinks.flow_log_storage_id }
  tags                = var.tags

  subnets = {
    function = {
      range        = var.network.function
      delegated_to = "Microsoft.Web/serverFarms"
      inbound      = {}
    }
    endpoints = {
      range                     = var.network.endpoints
      private_endpoint_policies = "Enabled"
      inbound                   = merge({ function = { priority = 100, protocol = "Tcp", port = "443", sources = [var.network.function] } }, local.operators)
    }
  }
}

resource "azurerm_virtual_network_peering" "hub_to_service" {
  name                      = "to-egress-gitops"
  resource_group_name       = var.home.virtual_network.resource_group_name
  virtual_network_name      = var.home.virtual_network.name
  remote_virtual_network_id = module.network.virtual_network.id
  allow_forwarded_traffic   = true
}

resource "azurerm_virtual_network_peering" "service_to_hub" {
  name                      = "to-hub"
  resource_group_name       = var.resource_group_name
  virtual_network_name      = module.network.virtual_network.name
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
