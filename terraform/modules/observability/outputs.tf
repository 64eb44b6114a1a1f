output "workspace_id" {
  description = "The workspace's resource id."
  value       = azurerm_log_analytics_workspace.this.id
}

output "workspace_guid" {
  description = "The workspace's own id, which traffic analytics asks for."
  value       = azurerm_log_analytics_workspace.this.workspace_id
}

output "application_insights_id" {
  description = "Application Insights, which the service sends to."
  value       = azurerm_application_insights.this.id
}

output "application_insights_connection_string" {
  description = "Where the service sends telemetry; no secret while local authentication is off."
  value       = azurerm_application_insights.this.connection_string
  sensitive   = true
}

output "metrics_rule_id" {
  description = "The rule that brings clusters' metrics into managed Prometheus."
  value       = azurerm_monitor_data_collection_rule.metrics.id
}

output "action_group_id" {
  description = "Who is told."
  value       = azurerm_monitor_action_group.this.id
}

output "flow_log_storage_id" {
  description = "Where VNet flow logs go."
  value       = azurerm_storage_account.flow_logs.id
}
