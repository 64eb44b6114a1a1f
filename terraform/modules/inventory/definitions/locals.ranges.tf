# Who uses which range. Two ranges overlap when each begins before the other ends.
locals {
  _claims = concat(
    [for name, cidr in var.also : { file = "variables", key = name, cidr = cidr, use = "egress", hub = "" }],
    flatten([for name, hub in local.hubs : [
      for index, cidr in hub.vnet : { file = "hubs/${name}.yaml", key = "spec.vnet[${index}]", cidr = cidr, use = "vnet", hub = name }
    ]]),
    flatten([for name, cluster in local.clusters : [
      for index, cidr in cluster.network.vnet : { file = "clusters/${name}.yaml", key = "spec.network.vnet[${index}]", cidr = cidr, use = "vnet", hub = cluster.hub }
    ]]),
    flatten([for name, cluster in local.clusters : [
      for key in ["pods", "services"] : { file = "clusters/${name}.yaml", key = "spec.network.${key}", cidr = cluster.network[key], use = "inside", hub = cluster.hub }
    ]]),
    [for name, cluster in local.clusters : { file = "clusters/${name}.yaml", key = "spec.egressCIDR", cidr = cluster.egressCIDR, use = "egress", hub = cluster.hub }],
  )
  _subnets = concat(
    flatten([for name, hub in local.hubs : [
      for key, smallest in { firewallSubnet = 26, routeServerSubnet = 27 } :
      { file = "hubs/${name}.yaml", key = "spec.azure.${key}", cidr = hub.azure[key], vnet = hub.vnet, smallest = smallest }
    ]]),
    flatten([for name, cluster in local.clusters : [
      { file = "clusters/${name}.yaml", key = "spec.network.nodes", cidr = cluster.network.nodes, vnet = cluster.network.vnet, smallest = 27 },
      { file = "clusters/${name}.yaml", key = "spec.azure.reflectorSubnet", cidr = cluster.azure.reflectorSubnet, vnet = cluster.network.vnet, smallest = 29 },
    ]]),
  )

  _interval = {
    for cidr in distinct([for each in concat(local._claims, local._subnets) : each.cidr]) : cidr => {
      first = sum([for index, octet in split(".", cidrhost(cidr, 0)) : tonumber(octet) * pow(256, 3 - index)])
      next  = sum([for index, octet in split(".", cidrhost(cidr, 0)) : tonumber(octet) * pow(256, 3 - index)]) + pow(2, 32 - tonumber(split("/", cidr)[1]))
    } if can(regex("^[0-9.]+/[0-9]+$", cidr)) && can(cidrhost(cidr, 0))
  }

  ranges_wrong = [
    for each in concat(local._claims, local._subnets) : "${each.file}: ${each.key}: `${each.cidr}` is no IPv4 range without host bits; write it like ${try("${cidrhost(each.cidr, 0)}/${split("/", each.cidr)[1]}", "10.1.0.0/16")}."
    if !can(local._interval[each.cidr]) || try(cidrhost(each.cidr, 0) != split("/", each.cidr)[0], true)
  ]

  # Pods and services of two clusters may share ranges: they never meet. VNets of one hub are peered, egress ranges are everybody's.
  overlaps = flatten([
    for left, one in local._claims : [
      for right, other in local._claims : "${other.file}: ${other.key}: ${other.cidr} overlaps ${one.cidr} of ${one.file}: ${one.key}."
      if left < right && can(local._interval[one.cidr]) && can(local._interval[other.cidr]) && try(
        local._interval[one.cidr].first < local._interval[other.cidr].next && local._interval[other.cidr].first < local._interval[one.cidr].next, false
        ) && (
        one.use == "egress" || other.use == "egress" || one.file == other.file || (one.use == "vnet" && other.use == "vnet" && one.hub == other.hub)
      )
    ]
  ])
  outside = concat(
    [
      for each in local._subnets : "${each.file}: ${each.key}: ${each.cidr} does not lie in ${join(", ", each.vnet)}, or is smaller than /${each.smallest}."
      if can(local._interval[each.cidr]) && try(tonumber(split("/", each.cidr)[1]) > each.smallest || !anytrue([
        for vnet in each.vnet : local._interval[each.cidr].first >= local._interval[vnet].first && local._interval[each.cidr].next <= local._interval[vnet].next
      ]), false)
    ],
    flatten([
      for left, one in local._subnets : [
        for right, other in local._subnets : "${other.file}: ${other.key}: ${other.cidr} overlaps ${one.cidr} of ${one.key}."
        if left < right && one.file == other.file && try(
          local._interval[one.cidr].first < local._interval[other.cidr].next && local._interval[other.cidr].first < local._interval[one.cidr].next, false
        )
      ]
    ]),
    flatten([for name, hub in local.hubs : [
      for address in hub.routeServer.peerIPs : "hubs/${name}.yaml: spec.routeServer.peerIPs: ${address} does not lie in spec.azure.routeServerSubnet, ${hub.azure.routeServerSubnet}, where Azure takes it from."
      if try(cidrhost("${address}/${split("/", hub.azure.routeServerSubnet)[1]}", 0) != cidrhost(hub.azure.routeServerSubnet, 0), false)
    ]]),
  )
}
