# Elastic Premium, because the image carries git and the VNet carries the calls: docs/decisions has the plans that were weighed.
resource "azurerm_service_plan" "this" {
  # checkov:skip=CKV_AZURE_212: instances come from a variable, 3 by default
  # checkov:skip=CKV_AZURE_225: zones come from the number of instances
  name                         = var.name
  resource_group_name          = var.resource_group_name
  location                     = var.location
  os_type                      = "Linux"
  sku_name                     = var.plan.sku
  worker_count                 = var.plan.instances
  maximum_elastic_worker_count = var.plan.most
  zone_balancing_enabled       = var.plan.instances >= 3
  tags                         = var.tags
}

resource "azurerm_linux_function_app" "this" {
  # checkov:skip=CKV_AZURE_56: authentication is auth_settings_v2, which this rule does not know
  # checkov:skip=CKV_AZURE_63: HTTP logs go by the diagnostic setting
  name                                           = var.name
  resource_group_name                            = var.resource_group_name
  location                                       = var.location
  service_plan_id                                = azurerm_service_plan.this.id
  storage_account_name                           = azurerm_storage_account.this.name
  storage_uses_managed_identity                  = true
  functions_extension_version                    = "~4"
  https_only                                     = true
  public_network_access_enabled                  = false
  client_certificate_enabled                     = false
  ftp_publish_basic_authentication_enabled       = false
  webdeploy_publish_basic_authentication_enabled = false
  virtual_network_subnet_id                      = module.network.subnet_ids["function"]
  vnet_image_pull_enabled                        = true
  key_vault_reference_identity_id                = azurerm_user_assigned_identity.this.id
  app_settings                                   = merge(local.host_settings, local.service_settings)
  tags                                           = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  site_config {
    minimum_tls_version                           = "1.3"
    scm_minimum_tls_version                       = "1.3"
    ftps_state                                    = "Disabled"
    http2_enabled                                 = true
    vnet_route_all_enabled                        = true
    runtime_scale_monitoring_enabled              = true # the queue is behind a private endpoint, where scaling cannot see it otherwise
    elastic_instance_minimum                      = var.plan.instances
    health_check_path                             = "/api/health"
    health_check_eviction_time_in_min             = 5
    ip_restriction_default_action                 = "Deny"
    scm_ip_restriction_default_action             = "Deny"
    container_registry_use_managed_identity       = true
    container_registry_managed_identity_client_id = azurerm_user_assigned_identity.this.client_id

    application_stack {
      docker {
        registry_url = "https://${azurerm_container_registry.this.login_server}"
        image_name   = var.image.name
        image_tag    = var.image.tag
      }
    }
  }

  auth_settings_v2 {
    auth_enabled           = true
    require_authentication = true
    require_https          = true
    unauthenticated_action = "Return401"
    default_provider       = "azureactivedirectory"
    excluded_paths         = ["/api/health", "/api/webhook/*"]

    active_directory_v2 {
      client_id            = azuread_application.this.client_id
      tenant_auth_endpoint = "https://login.microsoftonline.com/${var.tenant_id}/v2.0"
      allowed_audiences    = [azuread_application.this.client_id]
    }

    login {
      token_store_enabled = false
    }
  }

  depends_on = [azurerm_role_assignment.built_in, azurerm_firewall_policy_rule_collection_group.service]
}

resource "azurerm_monitor_diagnostic_setting" "function" {
  name                       = "workspace"
  target_resource_id         = azurerm_linux_function_app.this.id
  log_analytics_workspace_id = var.sinks.workspace_id

  enabled_log {
    category = "FunctionAppLogs"
  }

  enabled_log {
    category = "AppServiceAuthenticationLogs"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}
