# A mock knows no Azure: whether packets of an egress range cross the peering, which docs/not-proven.md keeps.
mock_provider "azurerm" {}

variables {
  name                = "spoke1-aks"
  resource_group_name = "demo-spokes"
  location            = "westeurope"
  address_space       = ["10.1.0.0/16"]
  subnets             = { nodes = "10.1.0.0/22", reflectors = "10.1.4.0/28" }
  platform_priority   = 201
  hub = {
    virtual_network     = { id = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/hub1-vnet", name = "hub1-vnet", resource_group_name = "h" }
    firewall_private_ip = "10.0.0.4"
    base_policy_id      = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/firewallPolicies/hub1-platform"
    route_server_id     = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualHubs/hub-rs"
    route_server_subnet = "10.0.1.0/27"
  }
  service = {
    virtual_network = { id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/egress", name = "egress", resource_group_name = "g" }
    function_subnet = "10.255.0.0/26"
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
    condition     = toset(keys(azurerm_subnet_route_table_association.this)) == toset(["nodes", "reflectors"])
    error_message = "Every subnet has the table."
  }

  assert {
    condition     = azurerm_virtual_network.this.dns_servers == tolist(["10.0.0.4"])
    error_message = "Names are resolved where rules by name are judged."
  }
}

run "peerings_use_the_hubs_route_server" {
  command = plan

  assert {
    condition     = azurerm_virtual_network_peering.spoke_to_hub.use_remote_gateways && azurerm_virtual_network_peering.hub_to_spoke.allow_gateway_transit
    error_message = "Without both the Route Server tells nothing to the spoke's side."
  }

  assert {
    condition     = azurerm_virtual_network_peering.spoke_to_hub.allow_forwarded_traffic && azurerm_virtual_network_peering.hub_to_spoke.allow_forwarded_traffic
    error_message = "What leaves by an egress gateway has a source outside the spoke's VNet."
  }
}

run "rules_are_for_the_nodes_alone" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for collection in azurerm_firewall_policy_rule_collection_group.nodes.application_rule_collection : [
        for rule in collection.rule : toset(rule.source_addresses) == toset(["10.1.0.0/22", "10.1.4.0/28"])
      ]
    ]))
    error_message = "A source of * would be an allowance for every tenant."
  }

  assert {
    condition = anytrue(flatten([
      for collection in azurerm_firewall_policy_rule_collection_group.nodes.application_rule_collection : [
        for rule in collection.rule : contains(coalesce(rule.destination_fqdn_tags, []), "AzureKubernetesService")
      ]
    ]))
    error_message = "Nodes cannot come up without what the tag stands for."
  }
}

run "nobody_else_gets_in" {
  command = plan

  assert {
    condition     = azurerm_network_security_rule.this["nodes/nobody-else"].access == "Deny" && azurerm_network_security_rule.this["nodes/nobody-else"].priority == 4096
    error_message = "The last rule denies; Azure's own last ones allow the whole network."
  }

  assert {
    condition     = azurerm_network_security_rule.this["nodes/service"].source_address_prefixes == toset(["10.255.0.0/26"]) && azurerm_network_security_rule.this["nodes/service"].destination_port_range == "443"
    error_message = "The reconciler reaches the API server's private endpoint."
  }

  assert {
    condition     = azurerm_network_security_rule.this["reflectors/route-server"].destination_port_range == "179"
    error_message = "BGP sessions may be opened by the Route Server."
  }
}

run "refuses_a_hub_without_a_route_server" {
  command = plan

  variables {
    hub = {
      virtual_network     = { id = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/hub1-vnet", name = "hub1-vnet", resource_group_name = "h" }
      firewall_private_ip = "10.0.0.4"
      base_policy_id      = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/firewallPolicies/hub1-platform"
      route_server_id     = ""
      route_server_subnet = "10.0.1.0/27"
    }
  }

  expect_failures = [azurerm_virtual_network_peering.hub_to_spoke]
}
