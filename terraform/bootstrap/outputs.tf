output "backend" {
  description = "What the other roots' `terraform init -backend-config=backend.hcl` reads: terraform output -raw backend > ../platform/backend.hcl"
  value       = <<-EOT
    resource_group_name  = "${azurerm_resource_group.this.name}"
    storage_account_name = "${azurerm_storage_account.state.name}"
    container_name       = "${azurerm_storage_container.state.name}"
  EOT
}

output "state_account_id" {
  description = "The account of the state; the root `platform` takes it as state_account_id and logs who reads it."
  value       = azurerm_storage_account.state.id
}

output "principal_ids" {
  description = "Who pipelines are in Entra: plan and apply, which are given roles on Microsoft Graph by hand (docs/terraform.md)."
  value       = { for name, identity in azurerm_user_assigned_identity.pipeline : name => identity.principal_id }
}

output "client_ids" {
  description = "What pipelines sign in as: plan and apply."
  value       = { for name, identity in azurerm_user_assigned_identity.pipeline : name => identity.client_id }
}
