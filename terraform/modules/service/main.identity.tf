# User-assigned: it outlives the app, and role assignments with it.
resource "azurerm_user_assigned_identity" "this" {
  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  tags                = var.tags
}

resource "azurerm_role_definition" "this" {
  for_each = local.roles

  name              = "${var.name} ${each.key}"
  scope             = var.subscription_id
  description       = "What the egress reconciler calls on a ${replace(each.key, "-", " ")}."
  assignable_scopes = [var.subscription_id]

  permissions {
    actions = each.value
  }
}

resource "azurerm_role_assignment" "this" {
  for_each = local.assignments

  scope              = each.value.scope
  role_definition_id = azurerm_role_definition.this[each.value.role].role_definition_resource_id
  principal_id       = azurerm_user_assigned_identity.this.principal_id
  principal_type     = "ServicePrincipal"
}

resource "azurerm_role_assignment" "built_in" {
  for_each = local.built_in

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.this.principal_id
  principal_type       = "ServicePrincipal"
}

# Who may call the service: app roles, given to groups or identities in Entra. Webhook and health are let through, the former signed.
resource "azuread_application" "this" {
  display_name            = var.name
  sign_in_audience        = "AzureADMyOrg"
  prevent_duplicate_names = true

  api {
    requested_access_token_version = 2
  }

  dynamic "app_role" {
    for_each = local.caller_roles

    content {
      id                   = uuidv5("url", "https://egress-gitops.io/roles/${app_role.key}")
      value                = app_role.key
      display_name         = app_role.key
      description          = app_role.value
      allowed_member_types = ["User", "Application"]
      enabled              = true
    }
  }
}

resource "azuread_service_principal" "this" {
  client_id                    = azuread_application.this.client_id
  app_role_assignment_required = true
}

locals {
  caller_roles = {
    "Egress.Read"    = "May see status, plans and who held an address."
    "Egress.Operate" = "May, besides, ask for passes, waive refusals, block and unblock tenants, suspend and resume."
  }
}
