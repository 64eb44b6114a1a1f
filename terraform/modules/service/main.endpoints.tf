locals {
  endpoints = {
    blob     = { id = azurerm_storage_account.this.id, subresource = "blob" }
    queue    = { id = azurerm_storage_account.this.id, subresource = "queue" }
    table    = { id = azurerm_storage_account.this.id, subresource = "table" }
    vault    = { id = azurerm_key_vault.this.id, subresource = "vault" }
    registry = { id = azurerm_container_registry.this.id, subresource = "registry" }
    sites    = { id = azurerm_linux_function_app.this.id, subresource = "sites" }
  }
}

resource "azurerm_private_endpoint" "this" {
  for_each = local.endpoints

  name                = "${var.name}-${each.key}"
  resource_group_name = var.resource_group_name
  location            = var.location
  subnet_id           = module.network.subnet_ids["endpoints"]
  tags                = var.tags

  private_service_connection {
    name                           = each.key
    is_manual_connection           = false
    private_connection_resource_id = each.value.id
    subresource_names              = [each.value.subresource]
  }

  private_dns_zone_group {
    name                 = "zone"
    private_dns_zone_ids = [var.zone_ids[each.key]]
  }
}
