# The cluster exists before this root is planned, so its address is known; local accounts are off, so Entra signs in by kubelogin.
provider "azurerm" {
  subscription_id                 = split("/", local.resource_id)[2]
  resource_provider_registrations = "none"

  features {}
}

provider "azapi" {
  subscription_id = split("/", local.resource_id)[2]
}

locals {
  api_server = data.azurerm_kubernetes_cluster.this.kube_config[0]
  login = {
    api_version = "client.authentication.k8s.io/v1beta1"
    command     = "kubelogin"
    # AKS's own Entra application, the same for all clusters (Azure/azure-aks-docs, kubelogin).
    args = ["get-token", "--login", var.login, "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"]
  }
}

provider "helm" {
  kubernetes = {
    host                   = local.api_server.host
    cluster_ca_certificate = base64decode(local.api_server.cluster_ca_certificate)
    exec                   = local.login
  }
}

provider "kubernetes" {
  host                   = local.api_server.host
  cluster_ca_certificate = base64decode(local.api_server.cluster_ca_certificate)

  exec {
    api_version = local.login.api_version
    command     = local.login.command
    args        = local.login.args
  }
}
