# Without a network plugin: Calico is the CNI, installed by the root `calico` once this stands.
resource "azurerm_kubernetes_cluster" "this" {
  # checkov:skip=CKV_AZURE_6: a private API server has no authorized ranges
  # checkov:skip=CKV_AZURE_7: network policy is Calico's, which AKS must not configure
  # checkov:skip=CKV2_AZURE_29: Azure CNI cannot run egress gateways
  # checkov:skip=CKV_AZURE_117: disks are encrypted at the host; a key of one's own is docs/checklist.md, point 38
  # checkov:skip=CKV_AZURE_168: 110 pods a node; checkov reads no variables
  # checkov:skip=CKV_AZURE_232: only critical add-ons run on the default pool
  name                                = var.name
  resource_group_name                 = var.resource_group_name
  location                            = var.location
  kubernetes_version                  = var.kubernetes_version
  sku_tier                            = "Standard"
  dns_prefix_private_cluster          = var.name
  private_cluster_enabled             = true
  private_dns_zone_id                 = var.private_dns_zone_id
  private_cluster_public_fqdn_enabled = false
  role_based_access_control_enabled   = true
  local_account_disabled              = true
  run_command_enabled                 = false
  oidc_issuer_enabled                 = true
  workload_identity_enabled           = true
  azure_policy_enabled                = true
  cost_analysis_enabled               = true
  image_cleaner_enabled               = true
  image_cleaner_interval_hours        = 48
  automatic_upgrade_channel           = "patch"
  node_os_upgrade_channel             = "NodeImage"
  tags                                = var.tags

  # Who may do what is Kubernetes' own RBAC: Azure's roles do not reach Calico's custom resources (docs/decisions).
  azure_active_directory_role_based_access_control {
    azure_rbac_enabled     = false
    admin_group_object_ids = var.admin_group_object_ids
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.this.id]
  }

  network_profile {
    network_plugin = "none"
    outbound_type  = "userDefinedRouting"
    pod_cidr       = var.network.pods
    service_cidr   = var.network.services
    dns_service_ip = cidrhost(var.network.services, 10)
  }

  node_provisioning_profile {
    mode = "Manual" # automatic provisioning makes NICs that do not forward, and knows no Calico
  }

  default_node_pool {
    name                         = "system"
    vm_size                      = var.pools.system.vm_size
    vnet_subnet_id               = var.network.nodes_subnet_id
    zones                        = var.zones
    os_sku                       = "AzureLinux"
    os_disk_type                 = "Ephemeral"
    max_pods                     = 110
    only_critical_addons_enabled = true
    host_encryption_enabled      = true
    node_public_ip_enabled       = false
    auto_scaling_enabled         = true
    min_count                    = var.pools.system.min
    max_count                    = var.pools.system.max
    temporary_name_for_rotation  = "systemtmp"
    tags                         = var.tags

    upgrade_settings {
      max_surge                     = "33%"
      drain_timeout_in_minutes      = 30
      node_soak_duration_in_minutes = 5
    }
  }

  auto_scaler_profile {
    balance_similar_node_groups = true
    expander                    = "least-waste"
  }

  maintenance_window_auto_upgrade {
    frequency   = "Weekly"
    interval    = 1
    duration    = 4
    day_of_week = var.maintenance.day
    start_time  = format("%02d:00", var.maintenance.hour)
    utc_offset  = var.maintenance.utc_offset
  }

  maintenance_window_node_os {
    frequency   = "Weekly"
    interval    = 1
    duration    = 4
    day_of_week = var.maintenance.day
    start_time  = format("%02d:00", var.maintenance.hour)
    utc_offset  = var.maintenance.utc_offset
  }

  microsoft_defender {
    log_analytics_workspace_id = var.sinks.workspace_id
  }

  oms_agent {
    log_analytics_workspace_id      = var.sinks.workspace_id
    msi_auth_for_monitoring_enabled = true
  }

  monitor_metrics {}

  key_vault_secrets_provider {
    secret_rotation_enabled = true
  }

  lifecycle {
    ignore_changes  = [default_node_pool[0].node_count] # the autoscaler's
    prevent_destroy = true
  }

  depends_on = [azurerm_role_assignment.control_plane]
}

# Tenants' pods, and their egress gateways.
resource "azurerm_kubernetes_cluster_node_pool" "workload" {
  # checkov:skip=CKV_AZURE_168: 110 pods a node; checkov reads no variables
  name                        = "workload"
  kubernetes_cluster_id       = azurerm_kubernetes_cluster.this.id
  mode                        = "User"
  vm_size                     = var.pools.workload.vm_size
  vnet_subnet_id              = var.network.nodes_subnet_id
  zones                       = var.zones
  os_sku                      = "AzureLinux"
  os_disk_type                = "Ephemeral"
  max_pods                    = 110
  host_encryption_enabled     = true
  node_public_ip_enabled      = false
  auto_scaling_enabled        = true
  min_count                   = var.pools.workload.min
  max_count                   = var.pools.workload.max
  temporary_name_for_rotation = "workloadtmp"
  tags                        = var.tags

  upgrade_settings {
    max_surge                     = "33%"
    drain_timeout_in_minutes      = 30
    node_soak_duration_in_minutes = 5
  }

  lifecycle {
    ignore_changes = [node_count]
  }
}

# Route reflectors peer with the Route Server, which knows peers by address. Their subnet has hardly an address to spare and a node
# is taken away before another comes, so a replacement most likely gets the address that was freed; the reconciler follows anyway.
resource "azurerm_kubernetes_cluster_node_pool" "reflectors" {
  # checkov:skip=CKV_AZURE_168: 110 pods a node; checkov reads no variables
  name                        = "reflectors"
  kubernetes_cluster_id       = azurerm_kubernetes_cluster.this.id
  mode                        = "User"
  vm_size                     = var.pools.reflectors.vm_size
  vnet_subnet_id              = var.network.reflectors_subnet
  zones                       = var.zones
  os_sku                      = "AzureLinux"
  os_disk_type                = "Ephemeral"
  max_pods                    = 110
  host_encryption_enabled     = true
  node_public_ip_enabled      = false
  auto_scaling_enabled        = false
  node_count                  = var.pools.reflectors.count
  node_labels                 = { route-reflector = "true" }
  node_taints                 = ["route-reflector=true:NoSchedule"]
  temporary_name_for_rotation = "reflecttmp"
  tags                        = var.tags

  upgrade_settings {
    max_unavailable          = "1"
    drain_timeout_in_minutes = 30
  }
}

resource "azurerm_monitor_diagnostic_setting" "this" {
  name                           = "workspace"
  target_resource_id             = azurerm_kubernetes_cluster.this.id
  log_analytics_workspace_id     = var.sinks.workspace_id
  log_analytics_destination_type = "Dedicated"

  dynamic "enabled_log" {
    for_each = toset(["kube-apiserver", "kube-audit-admin", "guard", "cluster-autoscaler", "kube-controller-manager"])

    content {
      category = enabled_log.value
    }
  }

  enabled_metric {
    category = "AllMetrics"
  }
}

resource "azurerm_monitor_data_collection_rule_association" "metrics" {
  name                    = "managed-prometheus"
  target_resource_id      = azurerm_kubernetes_cluster.this.id
  data_collection_rule_id = var.sinks.metrics_rule_id
}
