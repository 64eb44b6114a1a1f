variable "path" {
  description = "The folder of definitions: it holds hubs/ and clusters/."
  type        = string
  nullable    = false
}

variable "also" {
  description = "Ranges that are taken besides those of the definitions, by what they are called: no VNet, pod, service or egress range may touch them."
  type        = map(string)
  default     = {}
  nullable    = false
}
