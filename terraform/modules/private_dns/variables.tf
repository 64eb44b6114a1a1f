variable "resource_group_name" {
  description = "Where the zones lie."
  type        = string
  nullable    = false
}

variable "virtual_networks" {
  description = "VNets that resolve the zones, by a short name: resource ids. Firewalls resolve for the spokes behind them."
  type        = map(string)
  nullable    = false
}

variable "zones" {
  description = "Zone names by what they are for."
  type        = map(string)
  nullable    = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
