output "hubs" {
  description = "Hubs that Terraform builds: their specs with defaults filled in, by name."
  value       = module.definitions.hubs

  precondition {
    condition     = length(module.definitions.problems) == 0
    error_message = join("\n", module.definitions.problems)
  }
}

output "clusters" {
  description = "Clusters that Terraform builds: their specs with defaults filled in, by name."
  value       = module.definitions.clusters

  precondition {
    condition     = length(module.definitions.problems) == 0
    error_message = join("\n", module.definitions.problems)
  }
}
