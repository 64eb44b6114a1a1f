mock_provider "azurerm" {}

variables {
  resource_group_name = "egress-gitops"
  zones               = { blob = "privatelink.blob.core.windows.net", aks-westeurope = "privatelink.westeurope.azmk8s.io" }
  virtual_networks = {
    service = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/service"
    hub1    = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/hub1"
  }
}

run "whoever_asks_the_firewall_gets_private_addresses" {
  command = plan

  assert {
    condition     = toset(keys(azurerm_private_dns_zone_virtual_network_link.this)) == toset(["blob/service", "blob/hub1", "aks-westeurope/service", "aks-westeurope/hub1"])
    error_message = "Each zone is linked to each network that resolves for others."
  }
}
