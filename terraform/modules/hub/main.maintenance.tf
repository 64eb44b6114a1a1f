# When Azure may update the firewall: instances are drained one zone after the other, and long connections are cut. Five hours of each
# day is the least that Azure takes (Microsoft Learn, firewall/customer-controlled-maintenance); azurerm has no such scope.
resource "azapi_resource" "maintenance" {
  type      = "Microsoft.Maintenance/maintenanceConfigurations@2023-04-01"
  parent_id = var.resource_group_id
  name      = "${var.firewall.name}-maintenance"
  location  = var.location
  tags      = var.tags

  body = {
    properties = {
      maintenanceScope    = "Resource"
      extensionProperties = { maintenanceSubScope = "NetworkSecurity" }
      visibility          = "Custom"
      maintenanceWindow = {
        startDateTime = format("2026-01-01 %02d:00", var.maintenance.hour)
        duration      = "05:00"
        timeZone      = var.maintenance.time_zone
        recurEvery    = "Day"
      }
    }
  }
}

resource "azapi_resource" "maintained" {
  type      = "Microsoft.Maintenance/configurationAssignments@2023-04-01"
  parent_id = azurerm_firewall.this.id
  name      = "${var.firewall.name}-maintenance"
  location  = var.location

  body = {
    properties = {
      maintenanceConfigurationId = azapi_resource.maintenance.id
      resourceId                 = azurerm_firewall.this.id
    }
  }
}
