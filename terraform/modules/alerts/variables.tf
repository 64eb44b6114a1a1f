variable "name" {
  description = "What names begin with."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Where everything lies."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The region."
  type        = string
  nullable    = false
}

variable "workspace_id" {
  description = "The workspace that the service, the firewalls and the clusters log to."
  type        = string
  nullable    = false
}

variable "action_group_id" {
  description = "Who is told."
  type        = string
  nullable    = false
}

variable "drift_minutes" {
  description = "Every so many minutes, an hour at most, the timer runs; it counts as silent after three times as long."
  type        = number
  nullable    = false
}

variable "targets" {
  description = "What has metrics of its own, as resource ids by hub."
  type = object({
    firewalls     = map(string)
    route_servers = map(string)
  })
  nullable = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
