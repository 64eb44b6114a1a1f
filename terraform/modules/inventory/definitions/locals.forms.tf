# Whether what was read has the form of a definition, as far as Terraform needs it: JSON tells a text from a number, which Terraform
# itself would turn into each other. A definition without `azure` is not looked at.
locals {
  _text   = "^\"[^\"]+\"$"
  _number = "^[0-9]+$"
  _texts  = "^\\[\"[^\"]+\"(?:,\"[^\"]+\")*\\]$"
  _hub_form = {
    "subscription"            = local._text
    "resourceGroup"           = local._text
    "vnet"                    = local._texts
    "firewall.name"           = local._text
    "firewall.policy"         = local._text
    "routeServer.name"        = local._text
    "routeServer.peerIPs"     = local._texts
    "azure.location"          = local._text
    "azure.firewallSubnet"    = local._text
    "azure.routeServerSubnet" = local._text
  }
  _hub_form_optional = {
    "azure.tier"      = local._text
    "azure.publicIPs" = local._number
    "azure.zones"     = local._texts
  }
  _cluster_form = {
    "hub"                     = local._text
    "apiServer.aksResourceId" = local._text
    "network.vnet"            = local._texts
    "network.nodes"           = local._text
    "network.pods"            = local._text
    "network.services"        = local._text
    "bgp.reachableBy"         = local._text
    "egressCIDR"              = local._text
    "azure.reflectorSubnet"   = local._text
    "azure.platformPriority"  = local._number
  }
  _cluster_form_optional = {
    "bgp.asn"                     = local._number
    "azure.kubernetesVersion"     = local._text
    "azure.zones"                 = local._texts
    "azure.systemPool.vmSize"     = local._text
    "azure.systemPool.min"        = local._number
    "azure.systemPool.max"        = local._number
    "azure.workloadPool.vmSize"   = local._text
    "azure.workloadPool.min"      = local._number
    "azure.workloadPool.max"      = local._number
    "azure.reflectors.vmSize"     = local._text
    "azure.reflectors.count"      = local._number
    "azure.maintenance.day"       = local._text
    "azure.maintenance.hour"      = local._number
    "azure.maintenance.utcOffset" = local._text
  }

  _built = {
    for file, content in local.read : file => content
    if try(content.spec.azure, null) != null
  }
  _optional = { for file in keys(local._built) : file => startswith(file, "hubs/") ? local._hub_form_optional : local._cluster_form_optional }
  _required = { for file in keys(local._built) : file => startswith(file, "hubs/") ? local._hub_form : local._cluster_form }
  _forms = {
    for file in keys(local._built) : file => merge(
      local._required[file], { for key, form in local._optional[file] : key => form if can(local._values[file][key]) }
    )
  }
  # A spec's values by their keys with dots, three levels deep: more there are none.
  _values = {
    for file, content in local._built : file => merge(
      { for key, value in try(content.spec, {}) : key => value },
      merge([for outer, inner in try(content.spec, {}) : { for key, value in inner : "${outer}.${key}" => value } if can(keys(inner))]...),
      merge([for pool, inner in try(content.spec.azure, {}) : { for key, value in inner : "azure.${pool}.${key}" => value } if can(keys(inner))]...),
    )
  }
  malformed = flatten([
    for file, forms in local._forms : [
      for key, form in forms : "${file}: spec.${key}: ${can(local._values[file][key]) ? "it must be ${form == local._number ? "a number" : form == local._texts ? "a list of texts" : "a text"}" : "it is missing"}."
      if !can(regex(form, jsonencode(local._values[file][key])))
    ]
  ])
  _known         = { for file in keys(local._built) : file => [for key in keys(merge(local._required[file], local._optional[file])) : key if startswith(key, "azure.")] }
  _pools_of_keys = ["azure.systemPool", "azure.workloadPool", "azure.reflectors", "azure.maintenance"]
  unknown = flatten([
    for file, known in local._known : [
      for key in keys(local._values[file]) : "${file}: spec.${key}: there is no such key; known are ${join(", ", known)}."
      if startswith(key, "azure.") && !contains(concat(known, local._pools_of_keys), key)
    ]
  ])

  # Well formed: everything below may count on it.
  formed = {
    for file, content in local._built : file => content
    if !anytrue([for problem in concat(local.malformed, local.unknown) : startswith(problem, "${file}:")])
  }
}
