# The control plane's identity. With a route table of our own and a private zone Azure gives it no role by itself.
resource "azurerm_user_assigned_identity" "this" {
  name                = "${var.name}-control-plane"
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_role_assignment" "control_plane" {
  for_each = {
    network = { scope = var.network.virtual_network_id, role = "Network Contributor" }
    routes  = { scope = var.network.route_table_id, role = "Network Contributor" }
    zone    = { scope = var.private_dns_zone_id, role = "Private DNS Zone Contributor" }
  }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}
