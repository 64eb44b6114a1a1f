# Every event, refusal and reason that is named here is one that the service logs: tests/terraform/test_queries.py looks.
locals {
  events = "AppTraces | extend r = parse_json(Message), event = tostring(parse_json(Message).event)"

  # The vault writes these into its log 30 days before an end and at it, with a subscriber in Event Grid or without.
  vault_tells = join(", ", [for event in ["SecretNearExpiry", "SecretExpired", "CertificateNearExpiry", "CertificateExpired"] : "\"${event}EventGridNotification\""])

  # Three runs of the timer, or the next longer window that Azure Monitor takes.
  windows = [[30, "PT30M"], [45, "PT45M"], [60, "PT1H"], [120, "PT2H"], [180, "PT3H"]]
  silence = [for window in local.windows : window[1] if window[0] >= 3 * var.drift_minutes][0]

  # One row is enough for most, and most split by nothing.
  asked = { operator = "GreaterThanOrEqual", threshold = 1, by = [] }
  queries = {
    pass-failing = {
      says      = "Passes over a hub end with a problem, one after the other."
      severity  = 1
      every     = "PT5M"
      over      = "PT30M"
      threshold = 3
      by        = ["hub"]
      query     = "${local.events} | where event == \"pass.finished\" and isnotempty(tostring(r.problem)) | extend hub = tostring(r.hub)"
    }
    not-converged = {
      says     = "A hub has not converged for 30 minutes: something waits, or a person must decide. `egressctl status` says what."
      severity = 2
      every    = "PT10M"
      over     = "PT30M"
      by       = ["hub"]
      query    = "${local.events} | where event == \"pass.finished\" | extend hub = tostring(r.hub) | summarize passes = count(), converged = countif(tobool(r.converged)) by hub | where passes > 0 and converged == 0"
    }
    timer-silent = {
      says     = "The timer has not asked for passes: drift is not undone and lost webhooks are not made up for."
      severity = 1
      every    = "PT10M"
      over     = local.silence
      operator = "LessThan"
      query    = "${local.events} | where event == \"drift.asked\""
    }
    drift-undone = {
      says     = "Somebody changed by hand what Git says; the reconciler put it back. The activity log says who."
      severity = 2
      every    = "PT5M"
      over     = "PT15M"
      by       = ["hub", "target"]
      query    = "${local.events} | where event == \"change.applied\" and tostring(r.reason) == \"drift\" | extend hub = tostring(r.hub), target = tostring(r.target)"
    }
    poison-message = {
      says     = "A pass was given up after five tries. `egressctl status` names the hub; a resync starts it again."
      severity = 1
      every    = "PT5M"
      over     = "PT15M"
      query    = "StorageQueueLogs | where OperationName == \"PutMessage\" and ObjectKey has \"egress-passes-poison\""
    }
    ledger-unreadable = {
      says     = "Who holds which address cannot be read, or is lost: only revocations and blocks proceed."
      severity = 0
      every    = "PT5M"
      over     = "PT15M"
      by       = ["hub"]
      query    = "${local.events} | where event == \"plan.made\" | mv-expand refused = r.refused to typeof(string) | where refused in (\"ledger-unreadable\", \"ledger-lost\") | extend hub = tostring(r.hub)"
    }
    limit-reached = {
      says     = "Peers, routes, shards or addresses reach a limit, and something is refused for it."
      severity = 2
      every    = "PT10M"
      over     = "PT30M"
      by       = ["hub", "refused"]
      query    = "${local.events} | where event == \"plan.made\" | mv-expand refused = r.refused to typeof(string) | where refused in (\"routes-per-peer\", \"peers\", \"shards\", \"shard-bytes\", \"collections\", \"pool-addresses\") | extend hub = tostring(r.hub)"
    }
    target-unreachable = {
      says      = "A cluster, a policy or a Route Server is not reached, or its certificate or our token is refused; attachments there are held as they are."
      severity  = 2
      every     = "PT10M"
      over      = "PT30M"
      threshold = 3
      by        = ["hub", "target"]
      query     = "${local.events} | where event == \"target.unavailable\" | extend hub = tostring(r.hub), target = tostring(r.target)"
    }
    source-unreadable = {
      says      = "Git cannot be read: what was fetched last stays in force. The token may have ended."
      severity  = 2
      every     = "PT10M"
      over      = "PT30M"
      threshold = 3
      query     = "${local.events} | where event == \"source.unreadable\""
    }
    credential-refused = {
      says      = "A cluster, Azure or the storage account refuses our token (401) or what it may do (403): a certificate or a credential has ended, or a role was taken away."
      severity  = 1
      every     = "PT5M"
      over      = "PT30M"
      threshold = 3
      by        = ["target", "status"]
      query     = "AppMetrics | where Name == \"egress.calls\" | extend target = tostring(Properties.target), status = tostring(Properties.status) | where status in (\"401\", \"403\")"
    }
    credential-ends = {
      says     = "A secret or certificate in the vault ends within 30 days, or has ended: set a new version, restart the app. What has no end is never told of."
      severity = 2
      every    = "PT1H"
      over     = "PT6H"
      by       = ["operation", "credential"]
      query    = "AzureDiagnostics | where ResourceProvider == \"MICROSOFT.KEYVAULT\" and OperationName in (${local.vault_tells}) | extend operation = OperationName, credential = tostring(column_ifexists(\"eventGridEventProperties_data_ObjectName_s\", \"\"))"
    }
    attribution-untold = {
      says      = "The ledger's events could not be logged: the firewall's log is joined with what was told before. The next pass tells them."
      severity  = 2
      every     = "PT15M"
      over      = "PT1H"
      threshold = 3
      by        = ["hub"]
      query     = "${local.events} | where event == \"telling.failed\" | extend hub = tostring(r.hub)"
    }
    settings-wrong = {
      says     = "The service cannot start with its settings; a Key Vault reference may not resolve."
      severity = 1
      every    = "PT5M"
      over     = "PT15M"
      query    = "${local.events} | where event == \"settings.wrong\""
    }
  }

  firewall_metrics = {
    firewall-snat    = { says = "More than 80 % of the firewall's SNAT ports are used: add public IPs to the hub's definition.", severity = 1, metric = "SNATPortUtilization", aggregation = "Maximum", operator = "GreaterThan", threshold = 80 }
    firewall-health  = { says = "The firewall is less than 90 % healthy.", severity = 1, metric = "FirewallHealth", aggregation = "Average", operator = "LessThan", threshold = 90 }
    firewall-latency = { says = "A probe through the firewall takes longer than 20 ms.", severity = 2, metric = "FirewallLatencyPng", aggregation = "Average", operator = "GreaterThan", threshold = 20 }
  }
  route_server_metrics = {
    peer-down   = { says = "A route reflector's session with the Route Server is down.", severity = 2, metric = "BgpPeerStatus", aggregation = "Minimum", operator = "LessThan", threshold = 1 }
    routes-many = { says = "A peer announces more than 400 routes; at 1,000 Azure drops the session for every tenant, and a re-advertisement counts twice.", severity = 1, metric = "CountOfRoutesLearnedFromPeer", aggregation = "Maximum", operator = "GreaterThan", threshold = 400 }
  }
}
