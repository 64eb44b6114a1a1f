output "virtual_network_id" {
  description = "The spoke's VNet."
  value       = module.network.virtual_network.id
}

output "subnet_ids" {
  description = "nodes and reflectors; known once route table, NSG and platform rules are in force, without which no node comes up."
  value       = module.network.subnet_ids
  depends_on  = [azurerm_firewall_policy_rule_collection_group.nodes, azurerm_virtual_network_peering.spoke_to_hub]
}

output "route_table_id" {
  description = "The route table; the cluster's identity needs a role on it."
  value       = module.network.route_table_id
}
