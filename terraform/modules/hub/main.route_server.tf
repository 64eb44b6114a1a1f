resource "azurerm_public_ip" "route_server" {
  name                 = var.route_server.name
  resource_group_name  = var.resource_group_name
  location             = var.location
  allocation_method    = "Static"
  sku                  = "Standard"
  zones                = var.zones
  ddos_protection_mode = "VirtualNetworkInherited"
  tags                 = var.tags
}

# Its connections are the reconciler's: reflector nodes come and go, their addresses with them.
resource "azurerm_route_server" "this" {
  name                 = var.route_server.name
  resource_group_name  = var.resource_group_name
  location             = var.location
  sku                  = "Standard"
  subnet_id            = azurerm_subnet.route_server.id
  public_ip_address_id = azurerm_public_ip.route_server.id
  tags                 = var.tags

  lifecycle {
    prevent_destroy = true
  }
}
