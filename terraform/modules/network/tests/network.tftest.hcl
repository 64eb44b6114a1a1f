# A mock knows no Azure: whether packets of an egress range cross the network, which docs/not-proven.md keeps.
mock_provider "azurerm" {}

variables {
  name                = "spoke1-aks"
  resource_group_name = "demo-spokes"
  location            = "westeurope"
  address_space       = ["10.1.0.0/16"]
  firewall_private_ip = "10.0.0.4"
  subnets = {
    nodes = {
      range                     = "10.1.0.0/22"
      private_endpoint_policies = "NetworkSecurityGroupEnabled"
      inbound = {
        service = { priority = 110, protocol = "Tcp", port = "443", sources = ["10.255.0.0/26", "10.254.0.0/26"] }
        probes  = { priority = 130, protocol = "*", port = "*", sources = ["AzureLoadBalancer"] }
      }
    }
    function = { range = "10.1.4.0/26", delegated_to = "Microsoft.Web/serverFarms", inbound = {} }
  }
  sinks = {
    workspace_id        = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
    workspace_guid      = "11111111-2222-3333-4444-555555555555"
    flow_log_storage_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/flow"
  }
}

run "everything_leaves_by_the_firewall" {
  command = plan

  assert {
    condition     = azurerm_route.egress.address_prefix == "0.0.0.0/0" && azurerm_route.egress.next_hop_type == "VirtualAppliance" && azurerm_route.egress.next_hop_in_ip_address == "10.0.0.4"
    error_message = "A node without this route would leave as itself."
  }

  assert {
    condition     = !azurerm_route_table.this.bgp_route_propagation_enabled
    error_message = "A learned route would lead past the firewall."
  }

  assert {
    condition     = toset(keys(azurerm_subnet_route_table_association.this)) == toset(["nodes", "function"]) && toset(keys(azurerm_subnet_network_security_group_association.this)) == toset(["nodes", "function"])
    error_message = "Every subnet has the table, and a group of rules."
  }

  assert {
    condition     = azurerm_virtual_network.this.dns_servers == tolist(["10.0.0.4"])
    error_message = "Names are resolved where rules by name are judged."
  }

  assert {
    condition     = alltrue([for subnet in values(azurerm_subnet.this) : !subnet.default_outbound_access_enabled])
    error_message = "Azure's default way out is none."
  }
}

run "nobody_gets_in_who_is_not_named" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_network_security_rule.this)) == toset(["nodes/service", "nodes/probes", "nodes/nobody-else", "function/nobody-else"])
    error_message = "Who is named, and a last rule for everybody else."
  }

  assert {
    condition     = alltrue([for subnet in ["nodes", "function"] : azurerm_network_security_rule.this["${subnet}/nobody-else"].access == "Deny" && azurerm_network_security_rule.this["${subnet}/nobody-else"].priority == 4096])
    error_message = "The last rule denies; Azure's own last ones allow the whole network."
  }

  assert {
    condition     = azurerm_network_security_rule.this["nodes/service"].source_address_prefixes == toset(["10.255.0.0/26", "10.254.0.0/26"]) && azurerm_network_security_rule.this["nodes/service"].source_address_prefix == null
    error_message = "Ranges are several prefixes."
  }

  assert {
    condition     = azurerm_network_security_rule.this["nodes/probes"].source_address_prefix == "AzureLoadBalancer" && azurerm_network_security_rule.this["nodes/nobody-else"].source_address_prefix == "*"
    error_message = "A service tag is one prefix; Azure takes none among several."
  }
}

run "a_subnet_may_be_one_services_own" {
  command = plan

  assert {
    condition     = one(azurerm_subnet.this["function"].delegation).service_delegation[0].name == "Microsoft.Web/serverFarms" && length(azurerm_subnet.this["nodes"].delegation) == 0
    error_message = "A function's instances stand in a subnet that is delegated to them; nodes do not."
  }

  assert {
    condition     = azurerm_subnet.this["nodes"].private_endpoint_network_policies == "NetworkSecurityGroupEnabled"
    error_message = "Rules count for private endpoints as well."
  }
}
