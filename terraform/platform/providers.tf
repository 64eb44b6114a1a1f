provider "azurerm" {
  subscription_id     = local.subscription
  storage_use_azuread = true

  # From azurerm 5 nothing is registered by itself.
  resource_providers_to_register = [
    "Microsoft.AlertsManagement", "Microsoft.Cdn", "Microsoft.Compute", "Microsoft.ContainerRegistry",
    "Microsoft.ContainerService", "Microsoft.Insights", "Microsoft.KeyVault", "Microsoft.Maintenance", "Microsoft.ManagedIdentity", "Microsoft.Monitor",
    "Microsoft.Network", "Microsoft.OperationalInsights", "Microsoft.OperationsManagement", "Microsoft.PolicyInsights",
    "Microsoft.Security", "Microsoft.Storage", "Microsoft.Web",
  ]

  features {
    enhanced_validation {
      locations          = true
      resource_providers = true
    }

    application_insights {
      disable_generated_rule = true # Azure's own alert rule would outlive its resource group
    }

    key_vault {
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
    }
  }
}

provider "azapi" {
  subscription_id = local.subscription
}

provider "azuread" {
  tenant_id = var.tenant_id
}
