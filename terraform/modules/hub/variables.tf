variable "name" {
  description = "The hub's name; names of its parts begin with it."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Where the hub's parts lie; the reconciler finds policy and Route Server there."
  type        = string
  nullable    = false
}

variable "resource_group_id" {
  description = "The same group, by its id."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The region, for instance westeurope."
  type        = string
  nullable    = false
}

variable "address_space" {
  description = "The VNet's ranges."
  type        = list(string)
  nullable    = false
}

variable "firewall" {
  description = "name: the firewall's; policy_name: of the policy that holds tenants' rules; tier: Standard or Premium; public_ips: how many, each 2,496 SNAT ports per instance; subnet: a /26."
  type = object({
    name        = string
    policy_name = string
    tier        = string
    public_ips  = number
    subnet      = string
  })
  nullable = false
}

variable "route_server" {
  description = "name: the Route Server's; subnet: a /27."
  type = object({
    name   = string
    subnet = string
  })
  nullable = false
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

variable "zones" {
  description = "Availability zones of firewall and addresses."
  type        = list(string)
  nullable    = false
}

variable "maintenance" {
  description = "When Azure may update the firewall: from this hour on for five hours a day; time_zone as Windows names it (`W. Europe Standard Time`)."
  type = object({
    hour      = number
    time_zone = string
  })
  nullable = false

  validation {
    condition     = contains(range(24), var.maintenance.hour)
    error_message = "firewall_maintenance.hour: a full hour from 0 to 23."
  }
}

variable "ddos_protection_plan_id" {
  description = "A DDoS protection plan for the VNet; null is the written waiver of docs/checklist.md, point 3."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
