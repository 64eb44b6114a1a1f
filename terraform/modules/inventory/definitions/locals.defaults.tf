# What a definition says when it leaves something out. function_app/model/ has the same defaults, and
# tests/terraform/test_definitions_contract.py holds one against the other.
locals {
  _hub_azure = {
    tier      = "Standard"
    publicIPs = 2
    zones     = ["1", "2", "3"]
  }
  _cluster_azure = {
    kubernetesVersion = "1.35"
    zones             = ["1", "2", "3"]
  }
  _pools = {
    systemPool   = { vmSize = "Standard_D4ds_v5", min = 3, max = 6 }
    workloadPool = { vmSize = "Standard_D8ds_v5", min = 3, max = 12 }
    reflectors   = { vmSize = "Standard_D2ds_v5", count = 2 }
    maintenance  = { day = "Sunday", hour = 2, utcOffset = "+00:00" }
  }

  # Only what `azure` stands in is Terraform's to build; the rest of the hub or cluster is somebody else's.
  hubs = {
    for name, file in local.names.hubs : name => merge(local.formed[file].spec, {
      routeServer = merge({ asn = 65515 }, local.formed[file].spec.routeServer)
      azure       = merge(local._hub_azure, local.formed[file].spec.azure)
    }) if can(local.formed[file].spec.azure)
  }
  clusters = {
    for name, file in local.names.clusters : name => merge(local.formed[file].spec, {
      bgp = merge({ asn = 64512 }, local.formed[file].spec.bgp)
      azure = merge(local._cluster_azure, local.formed[file].spec.azure, {
        for pool, defaults in local._pools : pool => merge(defaults, try(local.formed[file].spec.azure[pool], {}))
      })
    }) if can(local.formed[file].spec.azure)
  }
}
