# What nodes and the service need stands in the base policy, which Terraform owns alone. Tenants' rules stand in the child, which
# the reconciler fills: base rules come first, and neither writes the other's object (docs/decisions: who owns what).
resource "azurerm_firewall_policy" "base" {
  # checkov:skip=CKV_AZURE_220: IDPS needs the Premium tier; docs/checklist.md, point 19
  name                     = "${var.name}-platform"
  resource_group_name      = var.resource_group_name
  location                 = var.location
  sku                      = var.firewall.tier
  threat_intelligence_mode = "Deny"
  tags                     = var.tags

  dns {
    proxy_enabled = true
  }

  insights {
    enabled                            = true
    default_log_analytics_workspace_id = var.sinks.workspace_id
    retention_in_days                  = 90
  }

  dynamic "intrusion_detection" {
    for_each = var.firewall.tier == "Premium" ? ["Deny"] : []

    content {
      mode = intrusion_detection.value
    }
  }
}

resource "azurerm_firewall_policy" "tenants" {
  # checkov:skip=CKV_AZURE_220: as the base policy
  name                     = var.firewall.policy_name
  resource_group_name      = var.resource_group_name
  location                 = var.location
  base_policy_id           = azurerm_firewall_policy.base.id
  sku                      = var.firewall.tier
  threat_intelligence_mode = "Deny"
  tags                     = var.tags

  dns {
    proxy_enabled = true
  }

  insights {
    enabled                            = true
    default_log_analytics_workspace_id = var.sinks.workspace_id
    retention_in_days                  = 90
  }

  dynamic "intrusion_detection" {
    for_each = var.firewall.tier == "Premium" ? ["Deny"] : []

    content {
      mode = intrusion_detection.value
    }
  }
}

resource "azurerm_public_ip" "firewall" {
  for_each = { for index in range(var.firewall.public_ips) : tostring(index) => "${var.firewall.name}-${index}" }

  name                 = each.value
  resource_group_name  = var.resource_group_name
  location             = var.location
  allocation_method    = "Static"
  sku                  = "Standard"
  zones                = var.zones
  ddos_protection_mode = "VirtualNetworkInherited"
  tags                 = var.tags
}

resource "azurerm_firewall" "this" {
  # checkov:skip=CKV_AZURE_216: threat intelligence is set on the policy, which overrules the firewall's
  name                = var.firewall.name
  resource_group_name = var.resource_group_name
  location            = var.location
  sku_name            = "AZFW_VNet"
  sku_tier            = var.firewall.tier
  firewall_policy_id  = azurerm_firewall_policy.tenants.id
  zones               = var.zones
  tags                = var.tags

  dynamic "ip_configuration" {
    for_each = azurerm_public_ip.firewall

    content {
      name                 = "public-${ip_configuration.key}"
      public_ip_address_id = ip_configuration.value.id
      subnet_id            = ip_configuration.key == "0" ? azurerm_subnet.firewall.id : null
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Tables of their own, so that a query reads columns instead of parsing text.
resource "azurerm_monitor_diagnostic_setting" "firewall" {
  name                           = "workspace"
  target_resource_id             = azurerm_firewall.this.id
  log_analytics_workspace_id     = var.sinks.workspace_id
  log_analytics_destination_type = "Dedicated"

  dynamic "enabled_log" {
    for_each = toset([
      "AZFWApplicationRule", "AZFWNetworkRule", "AZFWNatRule", "AZFWThreatIntel", "AZFWIdpsSignature", "AZFWDnsQuery",
      "AZFWFqdnResolveFailure", "AZFWApplicationRuleAggregation", "AZFWNetworkRuleAggregation", "AZFWNatRuleAggregation",
    ])

    content {
      category = enabled_log.value
    }
  }

  enabled_metric {
    category = "AllMetrics"
  }
}

resource "azurerm_monitor_diagnostic_setting" "public_ip" {
  for_each = merge(azurerm_public_ip.firewall, { route-server = azurerm_public_ip.route_server })

  name                       = "workspace"
  target_resource_id         = each.value.id
  log_analytics_workspace_id = var.sinks.workspace_id

  enabled_log {
    category_group = "allLogs"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}
