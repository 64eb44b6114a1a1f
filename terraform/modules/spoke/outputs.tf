output "virtual_network_id" {
  description = "The spoke's VNet."
  value       = azurerm_virtual_network.this.id
}

output "subnet_ids" {
  description = "nodes and reflectors; known once route table, NSG and platform rules are in force, without which no node comes up."
  value       = { for name, subnet in azurerm_subnet.this : name => subnet.id }
  depends_on = [
    azurerm_firewall_policy_rule_collection_group.nodes,
    azurerm_network_security_rule.this,
    azurerm_route.egress,
    azurerm_subnet_network_security_group_association.this,
    azurerm_subnet_route_table_association.this,
    azurerm_virtual_network_peering.spoke_to_hub,
  ]
}

output "route_table_id" {
  description = "The route table; the cluster's identity needs a role on it."
  value       = azurerm_route_table.this.id
}
