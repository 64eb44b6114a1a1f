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

variable "flow_log_storage_name" {
  description = "The storage account for VNet flow logs: 3 to 24 lower-case letters and digits, nobody else's in the world."
  type        = string
  nullable    = false
}

variable "alert_emails" {
  description = "Who is told, by a short name."
  type        = map(string)
  nullable    = false
}

variable "state_account_id" {
  description = "The storage account of Terraform's state, whose readers are logged; null for none."
  type        = string
  default     = null
}

variable "retention_days" {
  description = "How long logs are kept; whois needs no more than the ledger, the firewall's tables answer who went where."
  type        = number
  default     = 90
  nullable    = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
