output "definitions" {
  description = "hubs and clusters that Terraform builds: their specs with defaults filled in, by name. There are none while anything is wrong."
  value = {
    hubs     = module.definitions.hubs
    clusters = module.definitions.clusters
  }

  precondition {
    condition     = length(module.definitions.problems) == 0
    error_message = join("\n", module.definitions.problems)
  }
}
