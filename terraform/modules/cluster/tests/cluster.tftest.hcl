# A mock knows no Azure: whether NICs forward, whether a version is still offered.
mock_provider "azurerm" {}
variables {
  name                   = "spoke1-aks"
  resource_group_name    = "demo-spokes"
  location               = "westeurope"
  kubernetes_version     = "1.35"
  zones                  = ["1", "2", "3"]
  private_dns_zone_id    = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/privatelink.westeurope.azmk8s.io"
  admin_group_object_ids = ["aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
  maintenance            = { day = "Sunday", hour = 2, utc_offset = "+00:00" }
  network = {
    virtual_network_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
    route_table_id     = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r"
    nodes_subnet_id    = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/nodes"
    reflectors_subnet  = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/reflectors"
    pods               = "10.244.0.0/16"
    services           = "172.16.0.0/16"
  }
  pools = {
    system     = { vm_size = "Standard_D4ds_v5", min = 3, max = 6 }
    workload   = { vm_size = "Standard_D8ds_v5", min = 3, max = 12 }
    reflectors = { vm_size = "Standard_D2ds_v5", count = 2 }
  }
  sinks = {
    workspace_id    = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
    metrics_rule_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/dataCollectionRules/m"
  }
}

run "only_entra_and_only_from_inside" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.private_cluster_enabled && !azurerm_kubernetes_cluster.this.private_cluster_public_fqdn_enabled
    error_message = "The API server has no public face."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.local_account_disabled && !azurerm_kubernetes_cluster.this.run_command_enabled
    error_message = "Neither a certificate that outlives a person nor a way in past Entra."
  }

  assert {
    condition     = !azurerm_kubernetes_cluster.this.azure_active_directory_role_based_access_control[0].azure_rbac_enabled
    error_message = "Rights on Calico's custom resources are Kubernetes' own RBAC."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.workload_identity_enabled && azurerm_kubernetes_cluster.this.oidc_issuer_enabled
    error_message = "Workloads need no secrets."
  }
}

run "calico_is_the_network" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.network_profile[0].network_plugin == "none" && azurerm_kubernetes_cluster.this.network_profile[0].outbound_type == "userDefinedRouting"
    error_message = "Egress gateways need Calico's CNI, and nodes leave by the firewall."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.network_profile[0].pod_cidr == "10.244.0.0/16" && azurerm_kubernetes_cluster.this.network_profile[0].dns_service_ip == "172.16.0.10"
    error_message = "AKS must know the pods' range although it does not give out their addresses."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.node_provisioning_profile[0].mode == "Manual"
    error_message = "Nodes that Azure provisions by itself do not forward."
  }
}

run "reflectors_are_few_fixed_and_apart" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.reflectors.node_count == 2 && !azurerm_kubernetes_cluster_node_pool.reflectors.auto_scaling_enabled
    error_message = "Each reflector is a peer of the Route Server, which takes eight."
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.reflectors.upgrade_settings[0].max_unavailable == "1" && azurerm_kubernetes_cluster_node_pool.reflectors.upgrade_settings[0].max_surge == null
    error_message = "A surge node would want an address and a peer more."
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.reflectors.node_labels["route-reflector"] == "true" && contains(azurerm_kubernetes_cluster_node_pool.reflectors.node_taints, "route-reflector=true:NoSchedule")
    error_message = "The definition's selector finds them, and nothing else runs there."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.default_node_pool[0].only_critical_addons_enabled
    error_message = "The system pool is the system's."
  }
}

run "refuses_a_cluster_that_nobody_could_administer" {
  command = plan

  variables {
    admin_group_object_ids = []
  }

  expect_failures = [var.admin_group_object_ids]
}
