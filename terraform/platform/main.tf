# What exists before the first tenant. Everything that is a tenant's, and the Route Server's connections, is the reconciler's.
module "inventory" {
  source = "../modules/inventory"
  path   = "${path.module}/${var.definitions}"
  also   = { "service.network.address_space" = var.service.network.address_space }
}

locals {
  hubs         = module.inventory.definitions.hubs
  clusters     = module.inventory.definitions.clusters
  subscription = one(distinct([for hub in values(local.hubs) : hub.subscription]))
  home         = local.hubs[var.home_hub]
  tags         = merge({ managed-by = "terraform", project = "egress-gitops" }, var.tags)

  cluster_group = { for name, cluster in local.clusters : name => split("/", cluster.apiServer.aksResourceId)[4] }
  location      = { for name, cluster in local.clusters : name => local.hubs[cluster.hub].azure.location }
  # A group has one region, of which only its own record lies there: of several hubs' the first by name.
  groups = {
    for group in distinct(concat(values(local.cluster_group), [for hub in values(local.hubs) : hub.resourceGroup])) : group => concat(
      [for hub in values(local.hubs) : hub.azure.location if hub.resourceGroup == group],
      [for name, cluster in local.clusters : local.location[name] if local.cluster_group[name] == group],
    )[0]
  }
  zones = merge(
    {
      blob     = "privatelink.blob.core.windows.net"
      queue    = "privatelink.queue.core.windows.net"
      table    = "privatelink.table.core.windows.net"
      vault    = "privatelink.vaultcore.azure.net"
      registry = "privatelink.azurecr.io"
      sites    = "privatelink.azurewebsites.net"
    },
    { for location in toset(values(local.location)) : "aks-${location}" => "privatelink.${location}.azmk8s.io" },
  )
}

resource "azurerm_resource_group" "networks" {
  for_each = local.groups

  name     = each.key
  location = each.value
  tags     = local.tags
}

resource "azurerm_resource_group" "service" {
  name     = var.service.name
  location = local.home.azure.location
  tags     = local.tags
}

module "observability" {
  source = "../modules/observability"

  name                  = var.service.name
  resource_group_name   = azurerm_resource_group.service.name
  location              = local.home.azure.location
  flow_log_storage_name = "${replace(var.service.name, "-", "")}flow"
  alert_emails          = var.alert_emails
  state_account_id      = var.state_account_id
  tags                  = local.tags
}

module "hub" {
  source   = "../modules/hub"
  for_each = local.hubs

  name                    = each.key
  resource_group_name     = azurerm_resource_group.networks[each.value.resourceGroup].name
  resource_group_id       = azurerm_resource_group.networks[each.value.resourceGroup].id
  maintenance             = var.firewall_maintenance
  location                = each.value.azure.location
  address_space           = each.value.vnet
  zones                   = each.value.azure.zones
  ddos_protection_plan_id = var.ddos_protection_plan_id
  tags                    = merge(local.tags, { hub = each.key })

  firewall = {
    name        = each.value.firewall.name
    policy_name = each.value.firewall.policy
    tier        = each.value.azure.tier
    public_ips  = each.value.azure.publicIPs
    subnet      = each.value.azure.firewallSubnet
  }
  route_server = {
    name   = each.value.routeServer.name
    subnet = each.value.azure.routeServerSubnet
  }
  sinks = {
    workspace_id        = module.observability.workspace_id
    workspace_guid      = module.observability.workspace_guid
    flow_log_storage_id = module.observability.flow_log_storage_id
  }
}

module "private_dns" {
  source = "../modules/private_dns"

  resource_group_name = azurerm_resource_group.service.name
  zones               = local.zones
  virtual_networks    = merge({ service = module.service.virtual_network.id }, { for name in keys(local.hubs) : name => module.hub[name].virtual_network.id })
  tags                = local.tags
}

module "spoke" {
  source   = "../modules/spoke"
  for_each = local.clusters

  name                = each.key
  resource_group_name = azurerm_resource_group.networks[local.cluster_group[each.key]].name
  location            = local.location[each.key]
  address_space       = each.value.network.vnet
  platform_priority   = each.value.azure.platformPriority
  tags                = merge(local.tags, { hub = each.value.hub, cluster = each.key })

  subnets = {
    nodes      = each.value.network.nodes
    reflectors = each.value.azure.reflectorSubnet
  }
  hub = {
    virtual_network     = module.hub[each.value.hub].virtual_network
    firewall_private_ip = module.hub[each.value.hub].firewall_private_ip
    base_policy_id      = module.hub[each.value.hub].base_policy_id
    route_server_id     = module.hub[each.value.hub].route_server_id
    route_server_subnet = local.hubs[each.value.hub].azure.routeServerSubnet
  }
  service = {
    virtual_network = module.service.virtual_network
    function_subnet = var.service.network.function
  }
  sinks = {
    workspace_id        = module.observability.workspace_id
    workspace_guid      = module.observability.workspace_guid
    flow_log_storage_id = module.observability.flow_log_storage_id
  }
}

module "cluster" {
  source   = "../modules/cluster"
  for_each = local.clusters

  name                   = each.key
  resource_group_name    = azurerm_resource_group.networks[local.cluster_group[each.key]].name
  location               = local.location[each.key]
  kubernetes_version     = each.value.azure.kubernetesVersion
  zones                  = each.value.azure.zones
  private_dns_zone_id    = module.private_dns.zone_ids["aks-${local.location[each.key]}"]
  admin_group_object_ids = var.admin_group_object_ids
  tags                   = merge(local.tags, { hub = each.value.hub, cluster = each.key })

  network = {
    virtual_network_id = module.spoke[each.key].virtual_network_id
    route_table_id     = module.spoke[each.key].route_table_id
    nodes_subnet_id    = module.spoke[each.key].subnet_ids.nodes
    reflectors_subnet  = module.spoke[each.key].subnet_ids.reflectors
    pods               = each.value.network.pods
    services           = each.value.network.services
  }
  pools = {
    system     = { vm_size = each.value.azure.systemPool.vmSize, min = each.value.azure.systemPool.min, max = each.value.azure.systemPool.max }
    workload   = { vm_size = each.value.azure.workloadPool.vmSize, min = each.value.azure.workloadPool.min, max = each.value.azure.workloadPool.max }
    reflectors = { vm_size = each.value.azure.reflectors.vmSize, count = each.value.azure.reflectors.count }
  }
  maintenance = {
    day        = each.value.azure.maintenance.day
    hour       = each.value.azure.maintenance.hour
    utc_offset = each.value.azure.maintenance.utcOffset
  }
  sinks = {
    workspace_id    = module.observability.workspace_id
    metrics_rule_id = module.observability.metrics_rule_id
  }
}

module "service" {
  source = "../modules/service"

  name                = var.service.name
  resource_group_name = azurerm_resource_group.service.name
  location            = local.home.azure.location
  subscription_id     = "/subscriptions/${local.subscription}"
  tenant_id           = var.tenant_id
  network             = var.service.network
  zone_ids            = module.private_dns.zone_ids
  repository          = var.repository
  webhook             = var.webhook
  notices             = var.notices
  image               = { tag = var.image_tag }
  plan                = var.plan
  drift_minutes       = var.drift_minutes
  shown_days          = var.shown_days
  operator_ranges     = var.operator_ranges
  tags                = local.tags

  home = {
    virtual_network     = module.hub[var.home_hub].virtual_network
    firewall_private_ip = module.hub[var.home_hub].firewall_private_ip
    base_policy_id      = module.hub[var.home_hub].base_policy_id
    route_server_id     = module.hub[var.home_hub].route_server_id
  }
  targets = {
    tenant_policies = { for name in keys(local.hubs) : name => module.hub[name].tenant_policy_id }
    base_policies   = { for name in keys(local.hubs) : name => module.hub[name].base_policy_id }
    route_servers   = { for name in keys(local.hubs) : name => module.hub[name].route_server_id }
    clusters        = { for name in keys(local.clusters) : name => module.cluster[name].id }
  }
  sinks = {
    workspace_id                           = module.observability.workspace_id
    workspace_guid                         = module.observability.workspace_guid
    flow_log_storage_id                    = module.observability.flow_log_storage_id
    application_insights_id                = module.observability.application_insights_id
    application_insights_connection_string = module.observability.application_insights_connection_string
  }
}

module "alerts" {
  source = "../modules/alerts"

  name                = var.service.name
  resource_group_name = azurerm_resource_group.service.name
  location            = local.home.azure.location
  workspace_id        = module.observability.workspace_id
  action_group_id     = module.observability.action_group_id
  drift_minutes       = var.drift_minutes
  tags                = local.tags

  targets = {
    firewalls     = { for name in keys(local.hubs) : name => module.hub[name].firewall_id }
    route_servers = { for name in keys(local.hubs) : name => module.hub[name].route_server_id }
  }
}

resource "azurerm_consumption_budget_subscription" "this" {
  count = var.budget == null ? 0 : 1

  name            = var.service.name
  subscription_id = "/subscriptions/${local.subscription}"
  amount          = var.budget.amount
  time_grain      = "Monthly"

  time_period {
    start_date = var.budget.start_date
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 90
    threshold_type = "Forecasted"
    contact_emails = values(var.alert_emails)
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 100
    threshold_type = "Actual"
    contact_emails = values(var.alert_emails)
  }
}
