# What must stand on a cluster before the first tenant: Calico with BGP, its pod pool, its licence, and what the reconciler may do.
# Filter, peers, egress pools and gateways are the reconciler's.
module "inventory" {
  source = "../modules/inventory"
  path   = "${path.module}/${var.definitions}"
}

locals {
  definition     = module.inventory.definitions.clusters[var.cluster]
  resource_id    = local.definition.apiServer.aksResourceId
  resource_group = split("/", local.resource_id)[4]

  installation = {
    kubernetesProvider = "AKS"
    cni                = { type = "Calico", ipam = { type = "Calico" } }
    calicoNetwork = {
      bgp            = "Enabled" # the Route Server is told of egress ranges by BGP; a later change restarts calico-node
      linuxDataplane = "Iptables"
      ipPools = [{
        name             = "pods"
        cidr             = local.definition.network.pods
        encapsulation    = "VXLAN"
        natOutgoing      = "Enabled"
        disableBGPExport = true # pods' ranges are never told to the Route Server, whatever becomes of the filter
      }]
    }
  }
}

data "azurerm_kubernetes_cluster" "this" {
  name                = var.cluster
  resource_group_name = local.resource_group
}
