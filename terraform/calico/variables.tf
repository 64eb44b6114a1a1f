variable "cluster" {
  description = "The cluster's name, as its definition's."
  type        = string
  nullable    = false

  validation {
    condition     = can(module.inventory.definitions.clusters[var.cluster])
    error_message = "cluster: there is no definition clusters/${var.cluster}.yaml with an `azure` part; known are ${join(", ", keys(module.inventory.definitions.clusters))}."
  }
}

variable "reconciler_object_id" {
  description = "Who the reconciler is: the output identity_object_id of the root `platform`."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.reconciler_object_id))
    error_message = "reconciler_object_id: a GUID; `terraform output identity_object_id` in the root `platform` tells it."
  }
}

variable "definitions" {
  description = "The folder of definitions; relative to this folder."
  type        = string
  default     = "../../gitops"
  nullable    = false
}

variable "edition" {
  description = "enterprise: Calico Enterprise with a licence; cloud: the cluster joins Calico Cloud. Open-source Calico has no egress gateways."
  type        = string
  default     = "enterprise"
  nullable    = false

  validation {
    condition     = contains(["enterprise", "cloud"], var.edition)
    error_message = "edition: enterprise or cloud; open-source Calico has no egress gateways."
  }
}

variable "enterprise" {
  description = "version of the charts; license: the licence's YAML; pull_secret: the registry's Docker config. Both are written to the cluster and kept out of the state."
  type = object({
    version     = optional(string, "v3.23.1")
    license     = string
    pull_secret = string
  })
  default   = null
  sensitive = true

  validation {
    condition     = var.edition != "enterprise" || var.enterprise != null
    error_message = "enterprise: license and pull_secret are needed for the edition `enterprise`."
  }
}

variable "enterprise_revision" {
  description = "Raise it when licence or pull secret change: what is not in the state cannot be compared."
  type        = number
  default     = 1
  nullable    = false
}

variable "cloud" {
  description = "version of the charts; client_id and client_secret with which the cluster joins."
  type = object({
    version       = string
    client_id     = string
    client_secret = string
  })
  default   = null
  sensitive = true

  validation {
    condition     = var.edition != "cloud" || var.cloud != null
    error_message = "cloud: version, client_id and client_secret are needed for the edition `cloud`."
  }
}

variable "login" {
  description = "How kubelogin signs in: azurecli at a desk, workloadidentity in a pipeline."
  type        = string
  default     = "azurecli"
  nullable    = false

  validation {
    condition     = contains(["azurecli", "workloadidentity", "msi"], var.login)
    error_message = "login: azurecli, workloadidentity or msi."
  }
}
