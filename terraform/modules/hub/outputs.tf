output "virtual_network" {
  description = "The hub's VNet: id, name, resource_group_name."
  value = {
    id                  = azurerm_virtual_network.this.id
    name                = azurerm_virtual_network.this.name
    resource_group_name = var.resource_group_name
  }
}

output "firewall_id" {
  description = "The firewall's resource id."
  value       = azurerm_firewall.this.id
}

output "firewall_private_ip" {
  description = "The next hop of every default route, and the DNS server of everything behind it."
  value       = azurerm_firewall.this.ip_configuration[0].private_ip_address
}

output "base_policy_id" {
  description = "The policy of platform rules."
  value       = azurerm_firewall_policy.base.id
}

output "tenant_policy_id" {
  description = "The policy of tenants' rules: the reconciler may write its groups, nothing else."
  value       = azurerm_firewall_policy.tenants.id
}

output "route_server_id" {
  description = "The Route Server's resource id."
  value       = azurerm_route_server.this.id
}

output "route_server_instances" {
  description = "Addresses of the Route Server's two instances; the hub's definition says the same under peerIPs."
  value       = azurerm_route_server.this.virtual_router_ips
}
