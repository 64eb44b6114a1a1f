output "function_name" {
  description = "The workspace's function that joins the firewall's log with the ledger."
  value       = azurerm_log_analytics_saved_search.flows.function_alias
}
