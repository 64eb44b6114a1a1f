output "zone_ids" {
  description = "Resource ids of the zones, by what they are for; known once the zones can be resolved."
  value       = { for purpose, zone in azurerm_private_dns_zone.this : purpose => zone.id }
  depends_on  = [azurerm_private_dns_zone_virtual_network_link.this]
}
