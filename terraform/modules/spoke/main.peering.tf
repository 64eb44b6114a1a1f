# Forwarded traffic is let through both ways: what leaves by an egress gateway has a source outside the spoke's address space.
resource "azurerm_virtual_network_peering" "hub_to_spoke" {
  name                      = "to-${var.name}"
  resource_group_name       = var.hub.virtual_network.resource_group_name
  virtual_network_name      = var.hub.virtual_network.name
  remote_virtual_network_id = module.network.virtual_network.id
  allow_forwarded_traffic   = true
  allow_gateway_transit     = true

  lifecycle {
    precondition {
      condition     = var.hub.route_server_id != ""
      error_message = "The Route Server comes before the peerings that use it, and goes after them."
    }
  }
}

resource "azurerm_virtual_network_peering" "spoke_to_hub" {
  name                      = "to-hub"
  resource_group_name       = var.resource_group_name
  virtual_network_name      = module.network.virtual_network.name
  remote_virtual_network_id = var.hub.virtual_network.id
  allow_forwarded_traffic   = true
  use_remote_gateways       = true
  depends_on                = [azurerm_virtual_network_peering.hub_to_spoke]
}

# Peerings are not transitive: the reconciler's VNet has one with each spoke, and reaches API servers of every hub's clusters.
resource "azurerm_virtual_network_peering" "service_to_spoke" {
  name                      = "to-${var.name}"
  resource_group_name       = var.service.virtual_network.resource_group_name
  virtual_network_name      = var.service.virtual_network.name
  remote_virtual_network_id = module.network.virtual_network.id
}

resource "azurerm_virtual_network_peering" "spoke_to_service" {
  name                      = "to-egress-gitops"
  resource_group_name       = var.resource_group_name
  virtual_network_name      = module.network.virtual_network.name
  remote_virtual_network_id = var.service.virtual_network.id
}
