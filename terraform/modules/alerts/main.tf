resource "azurerm_monitor_scheduled_query_rules_alert_v2" "this" {
  for_each = { for name, query in local.queries : name => merge(local.asked, query) }

  name                    = "${var.name}-${each.key}"
  resource_group_name     = var.resource_group_name
  location                = var.location
  description             = each.value.says
  severity                = each.value.severity
  scopes                  = [var.workspace_id]
  evaluation_frequency    = each.value.every
  window_duration         = each.value.over
  auto_mitigation_enabled = true
  skip_query_validation   = true # tables appear with their first row, which is after the first apply
  tags                    = var.tags

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = each.value.operator
    threshold               = each.value.threshold

    dynamic "dimension" {
      for_each = toset(each.value.by)

      content {
        name     = dimension.value
        operator = "Include"
        values   = ["*"]
      }
    }
  }

  action {
    action_groups = [var.action_group_id]
  }
}

resource "azurerm_monitor_metric_alert" "firewall" {
  for_each = merge([
    for hub in keys(var.targets.firewalls) : { for name, alert in local.firewall_metrics : "${hub}/${name}" => merge(alert, { hub = hub, name = name }) }
  ]...)

  name                = "${each.value.hub}-${each.value.name}"
  resource_group_name = var.resource_group_name
  description         = each.value.says
  severity            = each.value.severity
  scopes              = [var.targets.firewalls[each.value.hub]]
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = var.tags

  criteria {
    metric_namespace = "Microsoft.Network/azureFirewalls"
    metric_name      = each.value.metric
    aggregation      = each.value.aggregation
    operator         = each.value.operator
    threshold        = each.value.threshold
  }

  action {
    action_group_id = var.action_group_id
  }
}

resource "azurerm_monitor_metric_alert" "route_server" {
  for_each = merge([
    for hub in keys(var.targets.route_servers) : { for name, alert in local.route_server_metrics : "${hub}/${name}" => merge(alert, { hub = hub, name = name }) }
  ]...)

  name                = "${each.value.hub}-${each.value.name}"
  resource_group_name = var.resource_group_name
  description         = each.value.says
  severity            = each.value.severity
  scopes              = [var.targets.route_servers[each.value.hub]]
  frequency           = "PT5M"
  window_size         = "PT15M"
  tags                = var.tags

  criteria {
    metric_namespace       = "Microsoft.Network/virtualHubs"
    metric_name            = each.value.metric
    aggregation            = each.value.aggregation
    operator               = each.value.operator
    threshold              = each.value.threshold
    skip_metric_validation = true # the Route Server reports it once it has a peer

    dimension {
      name     = "BgpPeerIp"
      operator = "Include"
      values   = ["*"]
    }
  }

  action {
    action_group_id = var.action_group_id
  }
}

resource "azurerm_monitor_activity_log_alert" "health" {
  name                = "${var.name}-health"
  resource_group_name = var.resource_group_name
  location            = "global"
  scopes              = concat(values(var.targets.firewalls), values(var.targets.route_servers))
  description         = "Azure says that a firewall or a Route Server is degraded or gone."
  tags                = var.tags

  criteria {
    category = "ResourceHealth"

    resource_health {
      current  = ["Degraded", "Unavailable"]
      previous = ["Available", "Unknown"]
    }
  }

  action {
    action_group_id = var.action_group_id
  }
}
