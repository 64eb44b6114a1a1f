variable "location" {
  description = "The region of the state."
  type        = string
  nullable    = false
}

variable "name" {
  description = "The resource group; the account is named after it, without hyphens, and nobody else's in the world."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}[a-z0-9]$", var.name))
    error_message = "name: 3 to 22 lower-case letters, digits and inner hyphens."
  }
}

variable "runner_ranges" {
  description = "Public addresses or ranges from which Terraform runs: a desk's, self-hosted runners'. Nobody else reaches the state."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.runner_ranges) > 0 && alltrue([for range in var.runner_ranges : !contains(["0.0.0.0/0", "0.0.0.0"], range)])
    error_message = "runner_ranges: at least one address, and not the whole Internet."
  }
}

variable "subscription_id" {
  description = "The subscription of hubs and clusters."
  type        = string
  nullable    = false
}


variable "pipelines" {
  description = "By who they are, the OIDC issuer and the subjects of pipelines: plan on pull request and on the main branch, apply on an environment that a person approves."
  type = map(object({
    issuer  = string
    subject = string
    apply   = bool
  }))
  default  = {}
  nullable = false
}
