output "webhook_url" {
  description = "What the Git host calls; null without a webhook."
  value       = module.service.webhook_url
}

output "registry" {
  description = "Where the service's image is pushed to."
  value       = module.service.registry
}

output "vault_name" {
  description = "Where `webhook-secret` is put: az keyvault secret set --vault-name NAME --name webhook-secret --value ..."
  value       = module.service.vault_name
}

output "identity_object_id" {
  description = "Who the reconciler is on clusters; the root `calico` takes it as reconciler_object_id."
  value       = module.service.identity_object_id
}

output "client_id" {
  description = "What callers of status, plan and whois ask Entra for a token for."
  value       = module.service.client_id
}

output "route_server_instances" {
  description = "By hub, the addresses that its definition must name under routeServer.peerIPs."
  value       = { for name, hub in module.hub : name => hub.route_server_instances }
}

output "clusters" {
  description = "By cluster, its resource id."
  value       = { for name, cluster in module.cluster : name => cluster.id }
}
