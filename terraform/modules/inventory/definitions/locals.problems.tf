# Everything that is wrong, at once, each with its file and key. `egressctl validate` judges the same files more closely, with line
# and column; what stands here is what an apply could not survive, so that Terraform refuses it without Python.
locals {
  _most_peers = 8
  _longest    = 40

  _reflectors = {
    for name in keys(local.hubs) : name => sum(concat([0], [for each in values(local.clusters) : each.azure.reflectors.count if each.hub == name]))
  }
  _attached = { for name in keys(local.hubs) : name => [for each, cluster in local.clusters : each if cluster.hub == name] }

  names_wrong = flatten([
    for kind, files in local.names : [
      for name, file in files : concat(
        try(local.read[file].metadata.name, "") == name ? [] : [
          "${file}: metadata.name: the file is named ${name}, the definition ${try(local.read[file].metadata.name, "nothing")}; both must be one."
        ],
        can(local.formed[file]) && length(name) > local._longest ? [
          "${file}: metadata.name: ${length(name)} characters; Azure takes at most ${local._longest} here, since other names are made of it."
        ] : [],
      ) if can(local.read[file])
    ]
  ])

  places = concat(
    [
      for name, hub in local.hubs : "hubs/${name}.yaml: spec.azure.location: `${hub.azure.location}` is no region's name; write it as Azure does: westeurope."
      if !can(regex("^[a-z]{4,}[0-9]?$", hub.azure.location))
    ],
    [
      for name, hub in local.hubs : "hubs/${name}.yaml: spec.azure.tier: `${hub.azure.tier}` is not Standard or Premium; Basic has no DNS proxy."
      if !contains(["Standard", "Premium"], hub.azure.tier)
    ],
    [
      for name, cluster in local.clusters : "clusters/${name}.yaml: spec.hub: there is no hub `${cluster.hub}` with an `azure` part."
      if !can(local.hubs[cluster.hub])
    ],
    [
      for name, cluster in local.clusters : "clusters/${name}.yaml: spec.apiServer.aksResourceId: with an `azure` part this is cluster ${name} in the subscription of its hub."
      if !can(regex(
        "(?i)^/subscriptions/${try(local.hubs[cluster.hub].subscription, "[^/]+")}/resourceGroups/[^/]+/providers/Microsoft\\.ContainerService/managedClusters/(?-i)${name}$",
        cluster.apiServer.aksResourceId
      ))
    ],
    [
      for name, cluster in local.clusters : "clusters/${name}.yaml: spec.azure.kubernetesVersion: `${cluster.azure.kubernetesVersion}` is not 1.34, 1.35 or 1.36, which AKS and Calico Enterprise 3.23 both support."
      if !contains(["1.34", "1.35", "1.36"], cluster.azure.kubernetesVersion)
    ],
    length(distinct(values(local.hubs)[*].subscription)) > 1 ? [
      "hubs/: the hubs lie in several subscriptions (${join(", ", sort(distinct(values(local.hubs)[*].subscription)))}); one state holds one. Keep a folder of definitions for each."
    ] : [],
  )

  numbers = concat(
    [
      for name, cluster in local.clusters : "clusters/${name}.yaml: spec.bgp.asn: ${cluster.bgp.asn} is reserved by Azure or IANA; take one from 64512 to 65514."
      if anytrue([for reserved in [[65515, 65515], [65517, 65520], [8074, 8075], [12076, 12076], [23456, 23456], [64496, 64511], [65535, 4294967295]] : cluster.bgp.asn >= reserved[0] && cluster.bgp.asn <= reserved[1]])
    ],
    [
      for name in keys(local.hubs) : "hubs/${name}.yaml: spec.routeServer: ${local._reflectors[name]} reflectors of ${join(", ", local._attached[name])} want to peer with it; an Azure Route Server takes ${local._most_peers}. Attach a cluster to another hub, or give clusters fewer reflectors."
      if local._reflectors[name] > local._most_peers
    ],
    [
      for name, cluster in local.clusters : "clusters/${name}.yaml: spec.azure.reflectors.count: ${cluster.azure.reflectors.count} nodes do not fit into ${cluster.azure.reflectorSubnet}; Azure keeps 5 addresses of a subnet, and one more is needed while a node is replaced."
      if try(pow(2, 32 - tonumber(split("/", cluster.azure.reflectorSubnet)[1])) - 6 < cluster.azure.reflectors.count, false)
    ],
    [
      for name, cluster in local.clusters : "clusters/${name}.yaml: spec.azure.platformPriority: ${cluster.azure.platformPriority} is not between 200 and 999."
      if cluster.azure.platformPriority < 200 || cluster.azure.platformPriority > 999
    ],
    flatten([
      for name, cluster in local.clusters : [
        for other in slice(keys(local.clusters), 0, index(keys(local.clusters), name)) : "clusters/${name}.yaml: spec.azure.platformPriority: ${cluster.azure.platformPriority} is the priority of ${other} already."
        if local.clusters[other].hub == cluster.hub && local.clusters[other].azure.platformPriority == cluster.azure.platformPriority
      ]
    ]),
  )

  problems = concat(
    local.unread, local.malformed, local.unknown, local.names_wrong, local.places, local.numbers, local.ranges_wrong, local.overlaps, local.outside,
  )
}
