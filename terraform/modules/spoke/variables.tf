variable "name" {
  description = "The cluster's name; names of its network's parts begin with it."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Where the spoke's network lies."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The hub's region: over global peering a VNet cannot use its Route Server."
  type        = string
  nullable    = false
}

variable "address_space" {
  description = "The VNet's ranges."
  type        = list(string)
  nullable    = false
}

variable "subnets" {
  description = "nodes: of system and workload pools; reflectors: of the route reflectors, small."
  type = object({
    nodes      = string
    reflectors = string
  })
  nullable = false
}

variable "hub" {
  description = "The hub that the spoke is attached to."
  type = object({
    virtual_network = object({
      id                  = string
      name                = string
      resource_group_name = string
    })
    firewall_private_ip = string
    base_policy_id      = string
    route_server_id     = string
    route_server_subnet = string
  })
  nullable = false
}

variable "service" {
  description = "The reconciler's VNet, which reaches API servers directly, and the range that it calls from."
  type = object({
    virtual_network = object({
      id                  = string
      name                = string
      resource_group_name = string
    })
    function_subnet = string
  })
  nullable = false
}

variable "platform_priority" {
  description = "The priority of the spoke's rules in the hub's base policy."
  type        = number
  nullable    = false
}

variable "sinks" {
  description = "Where logs go: workspace_id (resource id), workspace_guid, flow_log_storage_id."
  type = object({
    workspace_id        = string
    workspace_guid      = string
    flow_log_storage_id = string
  })
  nullable = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
