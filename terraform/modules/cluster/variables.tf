variable "name" {
  description = "The cluster's name."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Where the cluster lies."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The hub's region."
  type        = string
  nullable    = false
}

variable "kubernetes_version" {
  description = "MAJOR.MINOR; patches follow by themselves in the maintenance window."
  type        = string
  nullable    = false
}

variable "network" {
  description = "Subnets and ranges; virtual_network_id and route_table_id are what the cluster's identity needs roles on."
  type = object({
    virtual_network_id = string
    route_table_id     = string
    nodes_subnet_id    = string
    reflectors_subnet  = string
    pods               = string
    services           = string
  })
  nullable = false
}

variable "pools" {
  description = "Sizes of the three pools. Reflectors are few and fixed: each is a peer of the Route Server."
  type = object({
    system     = object({ vm_size = string, min = number, max = number })
    workload   = object({ vm_size = string, min = number, max = number })
    reflectors = object({ vm_size = string, count = number })
  })
  nullable = false
}

variable "zones" {
  description = "Availability zones of all pools."
  type        = list(string)
  nullable    = false
}

variable "maintenance" {
  description = "When Azure may upgrade: day of the week, hour, offset from UTC."
  type = object({
    day        = string
    hour       = number
    utc_offset = string
  })
  nullable = false
}

variable "private_dns_zone_id" {
  description = "The region's zone of private API servers, which hub and service resolve."
  type        = string
  nullable    = false
}

variable "admin_group_object_ids" {
  description = "Entra groups whose members administer the cluster."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_group_object_ids) > 0
    error_message = "Local accounts are off: without an Entra group in admin_group_object_ids nobody could administer the cluster."
  }
}

variable "sinks" {
  description = "Where logs and metrics go: workspace_id (resource id), metrics_rule_id of managed Prometheus."
  type = object({
    workspace_id    = string
    metrics_rule_id = string
  })
  nullable = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
