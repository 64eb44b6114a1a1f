# The one path that the world may reach. Front Door ends TLS, counts requests of each address, lets POSTs to the webhook through and
# nothing else, and comes to the app by a private link; a flood ends at the edge. Somebody approves that link once:
# docs/not-proven.md has the command.
resource "azurerm_cdn_frontdoor_profile" "this" {
  count = var.webhook == null ? 0 : 1

  name                     = var.name
  resource_group_name      = var.resource_group_name
  sku_name                 = "Premium_AzureFrontDoor"
  response_timeout_seconds = 30
  tags                     = var.tags
}

resource "azurerm_cdn_frontdoor_endpoint" "this" {
  count = var.webhook == null ? 0 : 1

  name                     = var.name
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.this[0].id
  tags                     = var.tags
}

resource "azurerm_cdn_frontdoor_origin_group" "this" {
  count = var.webhook == null ? 0 : 1

  name                     = "function"
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.this[0].id
  session_affinity_enabled = false

  load_balancing {}

  health_probe {
    interval_in_seconds = 100
    path                = "/api/health"
    protocol            = "Https"
    request_type        = "GET"
  }
}

resource "azurerm_cdn_frontdoor_origin" "this" {
  count = var.webhook == null ? 0 : 1

  name                           = "function"
  cdn_frontdoor_origin_group_id  = azurerm_cdn_frontdoor_origin_group.this[0].id
  host_name                      = azurerm_linux_function_app.this.default_hostname
  origin_host_header             = azurerm_linux_function_app.this.default_hostname
  certificate_name_check_enabled = true
  enabled                        = true

  private_link {
    location               = var.location
    private_link_target_id = azurerm_linux_function_app.this.id
    target_type            = "sites"
    request_message        = "The webhook of ${var.name}"
  }
}

resource "azurerm_cdn_frontdoor_route" "this" {
  count = var.webhook == null ? 0 : 1

  name                          = "webhook"
  cdn_frontdoor_endpoint_id     = azurerm_cdn_frontdoor_endpoint.this[0].id
  cdn_frontdoor_origin_group_id = azurerm_cdn_frontdoor_origin_group.this[0].id
  cdn_frontdoor_origin_ids      = [azurerm_cdn_frontdoor_origin.this[0].id]
  patterns_to_match             = ["/api/webhook/*"]
  supported_protocols           = ["Https"]
  forwarding_protocol           = "HttpsOnly"
  https_redirect_enabled        = false
  link_to_default_domain        = true
}

resource "azurerm_cdn_frontdoor_firewall_policy" "this" {
  count = var.webhook == null ? 0 : 1

  name                              = replace(var.name, "-", "")
  resource_group_name               = var.resource_group_name
  sku_name                          = "Premium_AzureFrontDoor"
  mode                              = "Prevention"
  enabled                           = true
  custom_block_response_status_code = 429
  tags                              = var.tags

  custom_rule {
    name     = "OnlyPost"
    type     = "MatchRule"
    action   = "Block"
    priority = 1
    enabled  = true

    match_condition {
      match_variable     = "RequestMethod"
      operator           = "Equal"
      negation_condition = true
      match_values       = ["POST"]
    }
  }

  custom_rule {
    name                           = "Flood"
    type                           = "RateLimitRule"
    action                         = "Block"
    priority                       = 2
    enabled                        = true
    rate_limit_duration_in_minutes = 1
    rate_limit_threshold           = var.webhook.requests_per_minute

    match_condition {
      match_variable = "RequestUri"
      operator       = "Contains"
      match_values   = ["/api/webhook/"]
    }
  }

  managed_rule {
    type    = "Microsoft_BotManagerRuleSet"
    version = "1.1"
    action  = "Block"
  }
}

resource "azurerm_cdn_frontdoor_security_policy" "this" {
  count = var.webhook == null ? 0 : 1

  name                     = "webhook"
  cdn_frontdoor_profile_id = azurerm_cdn_frontdoor_profile.this[0].id

  security_policies {
    firewall {
      cdn_frontdoor_firewall_policy_id = azurerm_cdn_frontdoor_firewall_policy.this[0].id

      association {
        patterns_to_match = ["/*"]

        domain {
          cdn_frontdoor_domain_id = azurerm_cdn_frontdoor_endpoint.this[0].id
        }
      }
    }
  }
}

resource "azurerm_monitor_diagnostic_setting" "front_door" {
  count = var.webhook == null ? 0 : 1

  name                       = "workspace"
  target_resource_id         = azurerm_cdn_frontdoor_profile.this[0].id
  log_analytics_workspace_id = var.sinks.workspace_id

  enabled_log {
    category_group = "allLogs"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}
