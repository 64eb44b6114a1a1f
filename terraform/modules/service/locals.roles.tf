# What the reconciler calls, and at what: nothing else. tests/terraform/test_reconciler_roles.py runs its stories with precisely these
# actions and shows that each is needed. Names: Microsoft Learn, role-based-access-control/permissions/networking and /containers, and
# route-server/roles-permissions; learnedRoutes/action stands in none of them (docs/not-proven.md).
locals {
  roles = {
    # Writing groups is enough: the policy itself is never written (Microsoft's role for authors of groups has the same).
    tenant-policy = [
      "Microsoft.Network/firewallPolicies/read",
      "Microsoft.Network/firewallPolicies/ruleCollectionGroups/read",
      "Microsoft.Network/firewallPolicies/ruleCollectionGroups/write",
      "Microsoft.Network/firewallPolicies/ruleCollectionGroups/delete",
    ]
    base-policy = [
      "Microsoft.Network/firewallPolicies/ruleCollectionGroups/read",
    ]
    route-server = [
      "Microsoft.Network/virtualHubs/read",
      "Microsoft.Network/virtualHubs/bgpConnections/read",
      "Microsoft.Network/virtualHubs/bgpConnections/write",
      "Microsoft.Network/virtualHubs/bgpConnections/delete",
      "Microsoft.Network/virtualHubs/bgpConnections/learnedRoutes/action",
    ]
    # Where the API server is; what may be done there is Kubernetes' own RBAC (deploy/reconciler-clusterrole.yaml).
    cluster = [
      "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
    ]
    # Learned routes are an operation's result, whose URL lies beside the resources, not below them.
    operations = [
      "Microsoft.Network/locations/operationResults/read",
    ]
    # Who changed a shard by hand; the log is the subscription's. Without it that is "unknown", and nothing else is missing.
    activity = [
      "Microsoft.Insights/eventtypes/values/read",
    ]
  }

  scopes = {
    tenant-policy = var.targets.tenant_policies
    base-policy   = var.targets.base_policies
    route-server  = var.targets.route_servers
    cluster       = var.targets.clusters
    operations    = { subscription = var.subscription_id }
    activity      = { subscription = var.subscription_id }
  }
  assignments = merge([
    for role, scopes in local.scopes : { for name, scope in scopes : "${role}/${name}" => { role = role, scope = scope } }
  ]...)

  built_in = {
    blobs     = { role = "Storage Blob Data Owner", scope = azurerm_storage_account.this.id } # the host's own role for leases and keys
    queues    = { role = "Storage Queue Data Contributor", scope = azurerm_storage_account.this.id }
    tables    = { role = "Storage Table Data Contributor", scope = azurerm_storage_account.this.id } # the host's diagnostic events
    secrets   = { role = "Key Vault Secrets User", scope = azurerm_key_vault.this.id }
    images    = { role = "AcrPull", scope = azurerm_container_registry.this.id }
    telemetry = { role = "Monitoring Metrics Publisher", scope = var.sinks.application_insights_id }
  }
}
