# EgressFlows(since) for whoever asks which tenant, namespace and commit stood behind a firewall log; the workbook shows it.
resource "azurerm_log_analytics_saved_search" "flows" {
  name                       = "EgressFlows"
  log_analytics_workspace_id = var.workspace_id
  category                   = "Egress"
  display_name               = "The firewall's log with tenant, namespaces and commit"
  function_alias             = "EgressFlows"
  function_parameters        = ["since:timespan=1d"]
  query                      = file("${path.module}/queries/egress_flows.kql")
  tags                       = var.tags
}

locals {
  panels = {
    "Denied, by tenant"             = "EgressFlows(1d) | where Action == \"Deny\" | summarize denied = count() by Tenant = iff(isempty(Tenant), \"(nobody's range)\", Tenant), Destination | top 50 by denied"
    "Allowed, by tenant over time"  = "EgressFlows(1d) | where Action == \"Allow\" and isnotempty(Tenant) | summarize count() by Tenant, bin(TimeGenerated, 15m)"
    "Who stood behind an address"   = "EgressFlows(1d) | where isnotempty(Tenant) | summarize last_seen = max(TimeGenerated) by SourceIp, Tenant, Namespaces, Commit, Cluster, Holding"
    "Passes: how long, how many"    = "${local.events} | where event == \"pass.finished\" | summarize passes = count(), seconds = avg(todouble(r.seconds)), writes = sum(tolong(r.writes)) by hub = tostring(r.hub), bin(TimeGenerated, 1h)"
    "Changes, by reason"            = "${local.events} | where event == \"change.applied\" | summarize count() by reason = tostring(r.reason), outcome = tostring(r.outcome), hub = tostring(r.hub)"
    "Targets that were not reached" = "${local.events} | where event == \"target.unavailable\" | summarize count(), last_seen = max(TimeGenerated) by target = tostring(r.target), problem = tostring(r.problem)"
  }
}

resource "azurerm_application_insights_workbook" "this" {
  name                = uuidv5("url", "https://egress-gitops.io/workbooks/${var.name}")
  resource_group_name = var.resource_group_name
  location            = var.location
  display_name        = "Egress: who goes where"
  source_id           = lower(var.workspace_id)
  tags                = var.tags

  data_json = jsonencode({
    version = "Notebook/1.0"
    items = concat(
      [{ type = 1, name = "about", content = { json = "# Egress\nWhich tenant, namespace and commit stood behind what the firewall saw, and how the reconciler fares. EgressFlows is a function of this workspace." } }],
      [for title, query in local.panels : {
        type = 3
        name = title
        content = {
          version       = "KqlItem/1.0"
          title         = title
          query         = query
          queryType     = 0
          resourceType  = "microsoft.operationalinsights/workspaces"
          size          = 0
          timeContext   = { durationMs = 86400000 }
          visualization = strcontains(query, "bin(") ? "timechart" : "table"
        }
      }],
    )
  })

  depends_on = [azurerm_log_analytics_saved_search.flows]
}
