locals {
  links = merge([
    for purpose, zone in var.zones : {
      for network, id in var.virtual_networks : "${purpose}/${network}" => { purpose = purpose, network = network, id = id }
    }
  ]...)
}

resource "azurerm_private_dns_zone" "this" {
  for_each = var.zones

  name                = each.value
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "this" {
  for_each = local.links

  name                = each.value.network
  private_dns_zone_id = azurerm_private_dns_zone.this[each.value.purpose].id
  virtual_network_id  = each.value.id
  tags                = var.tags
}
