output "virtual_network" {
  description = "The service's VNet: id, name, resource_group_name."
  value       = module.network.virtual_network
}

output "function_app_id" {
  description = "The function app."
  value       = azurerm_linux_function_app.this.id
}

output "storage_account_id" {
  description = "Where ledger, state and queue lie."
  value       = azurerm_storage_account.this.id
}

output "plan_id" {
  description = "The hosting plan."
  value       = azurerm_service_plan.this.id
}

output "identity_object_id" {
  description = "Who the reconciler is on clusters: the root `calico` binds its ClusterRole to it."
  value       = azurerm_user_assigned_identity.this.principal_id
}

output "registry" {
  description = "Where the image is pushed to."
  value       = azurerm_container_registry.this.login_server
}

output "vault_name" {
  description = "Where `webhook-secret` is put."
  value       = azurerm_key_vault.this.name
}

output "client_id" {
  description = "What callers ask Entra for a token for."
  value       = azuread_application.this.client_id
}

output "webhook_url" {
  description = "What the Git host calls; null without a webhook."
  value       = var.webhook == null ? null : "https://${azurerm_cdn_frontdoor_endpoint.this[0].host_name}/api/webhook/${var.webhook.provider}"
}
