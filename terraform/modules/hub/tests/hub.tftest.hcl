# A mock knows no Azure: that the policy tightens what it inherits, that subnets are large enough for what Azure puts there.
mock_provider "azurerm" {}
mock_provider "azapi" {}

variables {
  name                = "hub1"
  resource_group_name = "demo-hub-network"
  resource_group_id   = "/subscriptions/s/resourceGroups/demo-hub-network"
  maintenance         = { hour = 1, time_zone = "UTC" }
  location            = "westeurope"
  address_space       = ["10.0.0.0/16"]
  zones               = ["1", "2", "3"]
  firewall            = { name = "hub-fw", policy_name = "tenants", tier = "Standard", public_ips = 2, subnet = "10.0.0.0/26" }
  route_server        = { name = "hub-rs", subnet = "10.0.1.0/27" }
  sinks = {
    workspace_id        = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
    workspace_guid      = "11111111-2222-3333-4444-555555555555"
    flow_log_storage_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/flow"
  }
}

run "tenants_rules_stand_below_the_platforms" {
  command = plan

  assert {
    condition     = azurerm_firewall_policy.base.name == "hub1-platform" && azurerm_firewall_policy.tenants.name == "tenants"
    error_message = "The reconciler writes the policy that the definition names; the platform's is another one."
  }

  assert {
    condition     = azurerm_firewall_policy.base.threat_intelligence_mode == "Deny" && azurerm_firewall_policy.tenants.threat_intelligence_mode == "Deny"
    error_message = "A child may only tighten, so both deny what is known to be malicious."
  }

  assert {
    condition     = azurerm_firewall_policy.tenants.dns[0].proxy_enabled && azurerm_firewall_policy.base.dns[0].proxy_enabled
    error_message = "Without the DNS proxy a rule by name sees other addresses than the pod."
  }
}

run "the_firewall_spans_zones_and_has_one_subnet" {
  command = plan

  assert {
    condition     = azurerm_firewall.this.zones == toset(["1", "2", "3"]) && length(azurerm_public_ip.firewall) == 2
    error_message = "A zone may fail, and SNAT ports come by address."
  }

  assert {
    condition     = length([for each in azurerm_firewall.this.ip_configuration : each if each.name == "public-0"]) == 1
    error_message = "Exactly one configuration names the subnet (azurerm)."
  }

  assert {
    condition     = azurerm_monitor_diagnostic_setting.firewall.log_analytics_destination_type == "Dedicated"
    error_message = "EgressFlows reads columns of dedicated tables."
  }
}

run "fixed_names_and_no_default_way_out" {
  command = plan

  assert {
    condition     = azurerm_subnet.firewall.name == "AzureFirewallSubnet" && azurerm_subnet.route_server.name == "RouteServerSubnet"
    error_message = "Azure knows these subnets by name."
  }

  assert {
    condition     = !azurerm_subnet.firewall.default_outbound_access_enabled && !azurerm_subnet.route_server.default_outbound_access_enabled
    error_message = "Nothing leaves but by the firewall's own addresses."
  }
}

run "premium_looks_into_what_passes" {
  command = plan

  variables {
    firewall = { name = "hub-fw", policy_name = "tenants", tier = "Premium", public_ips = 4, subnet = "10.0.0.0/26" }
  }

  assert {
    condition     = azurerm_firewall_policy.tenants.intrusion_detection[0].mode == "Deny" && azurerm_firewall.this.sku_tier == "Premium"
    error_message = "Whoever pays for Premium gets its intrusion detection."
  }

  assert {
    condition     = length(azurerm_public_ip.firewall) == 4
    error_message = "publicIPs says how many."
  }
}

run "azure_updates_the_firewall_when_it_may" {
  command = plan

  assert {
    condition     = azapi_resource.maintenance.body.properties.maintenanceWindow.startDateTime == "2026-01-01 01:00" && azapi_resource.maintenance.body.properties.maintenanceWindow.duration == "05:00"
    error_message = "A night's five hours; Azure takes no shorter window."
  }

  assert {
    condition     = azapi_resource.maintenance.body.properties.extensionProperties.maintenanceSubScope == "NetworkSecurity"
    error_message = "The scope of firewalls; another one is a gateway's."
  }
}

run "refuses_an_hour_that_no_day_has" {
  command = plan

  variables {
    maintenance = { hour = 24, time_zone = "UTC" }
  }

  expect_failures = [var.maintenance]
}
