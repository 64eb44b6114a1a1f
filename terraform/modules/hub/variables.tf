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
