variable "name" {
  description = "Whose network it is; names of its parts begin with it."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Where the network lies."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The hub's region."
  type        = string
  nullable    = false
}

variable "address_space" {
  description = "The VNet's ranges."
  type        = list(string)
  nullable    = false
}

variable "firewall_private_ip" {
  description = "The hub's firewall, which everything leaves by and which resolves names."
  type        = string
  nullable    = false
}

variable "subnets" {
  description = "Subnets by name: their range; private_endpoint_policies, when private endpoints lie there; delegated_to, the one service that may use it; inbound, who gets in: sources are ranges, or one service tag."
  type = map(object({
    range                     = string
    private_endpoint_policies = optional(string)
    delegated_to              = optional(string)
    inbound = map(object({
      priority = number
      protocol = string
      port     = string
      sources  = list(string)
    }))
  }))
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

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
