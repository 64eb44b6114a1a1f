# Terraform's reading of every tree below `corpus`, in one run: what test_definitions_contract.py holds against Python's.
terraform {
  required_version = ">= 1.11, < 2.0"
}

variable "corpus" {
  description = "A folder of folders of definitions."
  type        = string
}

module "tree" {
  source   = "../../../terraform/modules/inventory/definitions"
  for_each = toset([for file in fileset(var.corpus, "*/hubs/*.yaml") : dirname(dirname(file))])
  path     = "${var.corpus}/${each.key}"
}

output "trees" {
  description = "By folder, what was read and what is wrong."
  value       = { for name, tree in module.tree : name => { problems = tree.problems, hubs = tree.hubs, clusters = tree.clusters } }
}
