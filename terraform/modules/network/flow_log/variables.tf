variable "virtual_network" {
  description = "The VNet whose flows are logged."
  type = object({
    id   = string
    name = string
  })
  nullable = false
}

variable "location" {
  description = "The VNet's region."
  type        = string
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
