output "hubs" {
  description = "Hubs that Terraform builds: their specs with defaults filled in, by name."
  value       = local.hubs
}

output "clusters" {
  description = "Clusters that Terraform builds: their specs with defaults filled in, by name."
  value       = local.clusters
}

output "problems" {
  description = "Everything that is wrong, each with its file; nothing may be built unless this is empty."
  value       = local.problems
}
