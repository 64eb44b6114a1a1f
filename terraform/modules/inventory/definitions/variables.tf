variable "path" {
  description = "The folder of definitions: it holds hubs/ and clusters/."
  type        = string
  nullable    = false
}
