# What this cluster's nodes need to live, from their subnets alone: a source of "*" would be an allowance for every tenant.
# AKS: learn.microsoft.com/azure/aks/outbound-rules-control-egress; images of Calico Enterprise come from quay.io.
locals {
  node_ranges = [var.subnets.nodes, var.subnets.reflectors]
  node_fqdns = {
    calico-images = ["quay.io", "*.quay.io"]
    entra         = ["login.microsoftonline.com"]
    policy        = ["data.policy.core.windows.net", "store.policy.core.windows.net"]
    monitoring    = ["*.ods.opinsights.azure.com", "*.oms.opinsights.azure.com", "*.monitor.azure.com"]
  }
}

resource "azurerm_firewall_policy_rule_collection_group" "nodes" {
  name               = "nodes-${var.name}"
  firewall_policy_id = var.hub.base_policy_id
  priority           = var.platform_priority

  application_rule_collection {
    name     = "aks"
    priority = 200
    action   = "Allow"

    rule {
      name                  = "azure-kubernetes-service"
      source_addresses      = local.node_ranges
      destination_fqdn_tags = ["AzureKubernetesService"]

      protocols {
        type = "Https"
        port = 443
      }

      protocols {
        type = "Http"
        port = 80
      }
    }

    dynamic "rule" {
      for_each = local.node_fqdns

      content {
        name              = rule.key
        source_addresses  = local.node_ranges
        destination_fqdns = rule.value

        protocols {
          type = "Https"
          port = 443
        }
      }
    }
  }
}
