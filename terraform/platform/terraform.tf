terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    azapi = {
      source  = "azure/azapi"
      version = "~> 2.13"
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.10"
    }
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.10"
    }
  }

  # Where: backend.hcl, which `terraform/bootstrap` writes. Entra signs in; the account has no keys.
  backend "azurerm" {
    key              = "platform.tfstate"
    use_azuread_auth = true
  }
}
