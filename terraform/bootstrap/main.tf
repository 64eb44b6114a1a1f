# Where the other roots keep their state, and who their pipelines are. Its own state stays with whoever runs it: `terraform import`
# finds it all again by name.
resource "azurerm_resource_group" "this" {
  name     = var.name
  location = var.location
}

resource "azurerm_storage_account" "state" {
  # checkov:skip=CKV_AZURE_36: no Azure service has business with the state; trusting none is stricter
  # checkov:skip=CKV_AZURE_33: queue logging left this resource in azurerm 5; the account has no queues
  # checkov:skip=CKV_AZURE_59: from runner_ranges alone, see network_rules
  # checkov:skip=CKV2_AZURE_1: Microsoft-managed keys; a key of one's own is docs/checklist.md, point 38
  # checkov:skip=CKV2_AZURE_33: it exists before any network does
  name                            = "${replace(var.name, "-", "")}tf"
  resource_group_name             = azurerm_resource_group.this.name
  location                        = var.location
  account_tier                    = "Standard"
  account_replication_type        = "GZRS"
  min_tls_version                 = "TLS1_2"
  https_traffic_only_enabled      = true
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  local_user_enabled              = false
  allow_nested_items_to_be_public = false
  public_network_access_enabled   = true

  network_rules {
    default_action = "Deny"
    bypass         = ["None"]
    ip_rules       = var.runner_ranges
  }

  sas_policy {
    expiration_period = "00.01:00:00"
    expiration_action = "Block"
  }

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_storage_container" "state" {
  # checkov:skip=CKV2_AZURE_21: there is no workspace yet; `platform` logs who reads the state, given state_account_id
  name                  = "tfstate"
  storage_account_id    = azurerm_storage_account.state.id
  container_access_type = "private"
}

# Plan and apply are two identities: a pull request's pipeline reads everything and can change nothing, so it plans without a lock.
resource "azurerm_user_assigned_identity" "pipeline" {
  for_each = { plan = "plans on pull requests", apply = "applies what a person approved" }

  name                = "${var.name}-${each.key}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
}

resource "azurerm_federated_identity_credential" "pipeline" {
  for_each = var.pipelines

  name                      = each.key
  user_assigned_identity_id = azurerm_user_assigned_identity.pipeline[each.value.apply ? "apply" : "plan"].id
  audience                  = ["api://AzureADTokenExchange"]
  issuer                    = each.value.issuer
  subject                   = each.value.subject
}

# What azurerm asks for when it reads an app and a cluster, and Azure's Reader may not: both are POSTs (hashicorp/terraform-provider-
# azurerm, linux_function_app_resource.go and kubernetes_cluster_resource.go). Settings that are secrets lie in the vault, and a
# cluster's credential says where it is; who signs in is Entra's matter.
resource "azurerm_role_definition" "plan" {
  name              = "${var.name} plan"
  scope             = "/subscriptions/${var.subscription_id}"
  description       = "What Terraform reads besides what a Reader may."
  assignable_scopes = ["/subscriptions/${var.subscription_id}"]

  permissions {
    actions = [
      "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action",
      "Microsoft.Web/sites/config/list/action",
    ]
  }
}

resource "azurerm_role_assignment" "plan" {
  scope              = "/subscriptions/${var.subscription_id}"
  role_definition_id = azurerm_role_definition.plan.role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.pipeline["plan"].principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "pipeline" {
  for_each = {
    "plan/read"    = { who = "plan", role = "Reader", scope = "/subscriptions/${var.subscription_id}" }
    "plan/state"   = { who = "plan", role = "Storage Blob Data Reader", scope = azurerm_storage_account.state.id }
    "apply/build"  = { who = "apply", role = "Contributor", scope = "/subscriptions/${var.subscription_id}" }
    "apply/assign" = { who = "apply", role = "User Access Administrator", scope = "/subscriptions/${var.subscription_id}" }
    "apply/state"  = { who = "apply", role = "Storage Blob Data Contributor", scope = azurerm_storage_account.state.id }
  }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.pipeline[each.value.who].principal_id
  principal_type       = "ServicePrincipal"
}
