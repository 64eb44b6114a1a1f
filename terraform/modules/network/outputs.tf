output "virtual_network" {
  description = "The VNet: id, name, resource_group_name."
  value = {
    id                  = azurerm_virtual_network.this.id
    name                = azurerm_virtual_network.this.name
    resource_group_name = var.resource_group_name
  }
}

output "subnet_ids" {
  description = "Subnets by name; known once route table and NSG are in force, before which nothing may stand there."
  value       = { for name, subnet in azurerm_subnet.this : name => subnet.id }
  depends_on = [
    azurerm_network_security_rule.this,
    azurerm_route.egress,
    azurerm_subnet_network_security_group_association.this,
    azurerm_subnet_route_table_association.this,
  ]
}

output "route_table_id" {
  description = "The route table that leads everything to the firewall."
  value       = azurerm_route_table.this.id
}
