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

run "the_few_who_get_in_are_named" {
  command = plan

  assert {
    condition     = local.inbound.service.sources == ["10.255.0.0/26"] && local.inbound.service.port == "443"
    error_message = "The reconciler reaches the API server's private endpoint."
  }

  assert {
    condition     = local.inbound.route-server.sources == ["10.0.1.0/27"] && local.inbound.route-server.port == "179"
    error_message = "BGP sessions may be opened by the Route Server."
  }

  assert {
    condition     = toset(keys(local.inbound)) == toset(["nodes", "service", "route-server", "probes"])
    error_message = "Nobody else is."
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
