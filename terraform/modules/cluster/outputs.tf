output "id" {
  description = "The cluster's resource id, as its definition names it."
  value       = azurerm_kubernetes_cluster.this.id
}
