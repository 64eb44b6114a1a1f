variable "name" {
  description = "What names begin with. Names of the storage account, the vault and the registry are unique in the world: they are made of it, without hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,16}[a-z0-9]$", var.name))
    error_message = "service.name: 3 to 18 lower-case letters, digits and inner hyphens; Azure takes 24 for a storage account and a vault, and \"host\", \"kv\" or \"acr\" is added."
  }
}

variable "resource_group_name" {
  description = "Where everything of the service lies."
  type        = string
  nullable    = false
}

variable "location" {
  description = "The home hub's region."
  type        = string
  nullable    = false
}

variable "subscription_id" {
  description = "The subscription of hubs and clusters, as a resource id; roles are defined there."
  type        = string
  nullable    = false
}

variable "tenant_id" {
  description = "The Entra tenant."
  type        = string
  nullable    = false
}

variable "network" {
  description = "The service's VNet: address_space, function (a subnet of /26 or larger), endpoints (a subnet of /27 or larger)."
  type = object({
    address_space = string
    function      = string
    endpoints     = string
  })
  nullable = false

  validation {
    condition     = alltrue([for range in values(var.network) : can(cidrhost(range, 0))])
    error_message = "service.network: address_space, function and endpoints are IPv4 ranges like 10.255.0.0/24."
  }

  # A subnet's first address, cut to the bits of the address space, is the space's own.
  validation {
    condition = alltrue([
      for subnet in [var.network.function, var.network.endpoints] :
      try(cidrhost("${split("/", subnet)[0]}/${split("/", var.network.address_space)[1]}", 0) == cidrhost(var.network.address_space, 0), true)
    ])
    error_message = "service.network: function and endpoints lie inside address_space, ${var.network.address_space}."
  }

  validation {
    condition     = try(tonumber(split("/", var.network.function)[1]) <= 26 && tonumber(split("/", var.network.endpoints)[1]) <= 27, true)
    error_message = "service.network: function is a /26 or larger, endpoints a /27 or larger; instances and private endpoints need the addresses."
  }
}

variable "home" {
  description = "The hub whose firewall the service leaves by."
  type = object({
    virtual_network = object({
      id                  = string
      name                = string
      resource_group_name = string
    })
    firewall_private_ip = string
    base_policy_id      = string
    route_server_id     = string
  })
  nullable = false
}

variable "zone_ids" {
  description = "Private DNS zones by what they are for: blob, queue, table, vault, registry, sites."
  type        = map(string)
  nullable    = false
}

variable "targets" {
  description = "What the reconciler may touch, as resource ids by name: tenant_policies and base_policies of hubs, route_servers of hubs, clusters."
  type = object({
    tenant_policies = map(string)
    base_policies   = map(string)
    route_servers   = map(string)
    clusters        = map(string)
  })
  nullable = false
}

variable "repository" {
  description = "The Git repository with the definitions: url without credentials; ref; fqdns that the firewall lets the service fetch from; access: who it is there, its secret lying in the vault under git-token, github-app-key or git-deploy-key; host_keys: an ssh host's; signers and signer_keys: who may sign commits, by ssh and by PGP; commit_status: whose commits bear our status, none, github, azure-devops or gitlab; approvals: which of them says who approved, for hubs with apply: reviewed."
  type = object({
    url           = string
    ref           = optional(string, "main")
    fqdns         = optional(list(string), ["github.com", "api.github.com"])
    access        = optional(string, "anonymous")
    user          = optional(string, "x-access-token")
    api           = optional(string, "https://api.github.com")
    github_app    = optional(object({ id = string, installation = string }), { id = "", installation = "" })
    host_keys     = optional(string, "")
    signers       = optional(string, "")
    signer_keys   = optional(string, "")
    commit_status = optional(string, "none")
    approvals     = optional(string, "none")
  })
  nullable = false

  validation {
    condition     = can(regex("^(https://[^@?#\\s]+|ssh://git@[^@?#\\s]+)$", var.repository.url))
    error_message = "repository.url: begin with https:// (or ssh://git@ with a deploy key), without a token or a query."
  }

  validation {
    condition     = contains(["anonymous", "token", "github-app", "deploy-key", "managed-identity"], var.repository.access)
    error_message = "repository.access: one of anonymous, token, github-app, deploy-key, managed-identity."
  }

  validation {
    condition     = (var.repository.access == "deploy-key") == (var.repository.host_keys != "")
    error_message = "repository.host_keys: a deploy key needs the ssh host's public keys, nothing else takes them."
  }
}

variable "webhook" {
  description = "provider: github, azure-devops, gitlab or generic; requests_per_minute: of one address, more are refused at the edge; second_secret: whether the vault holds webhook-second-secret as well. Null: no public path, the timer alone looks at Git."
  type = object({
    provider            = string
    requests_per_minute = optional(number, 60)
    second_secret       = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.webhook == null || contains(["github", "azure-devops", "gitlab", "generic"], try(var.webhook.provider, ""))
    error_message = "webhook.provider: one of github, azure-devops, gitlab, generic."
  }
}

variable "image" {
  description = "The service's image in its own registry: name and tag. A digest cannot be moved by whoever pushes; a tag that CI never reuses is the least."
  type = object({
    name = optional(string, "egress-gitops")
    tag  = string
  })
  nullable = false

  validation {
    condition     = var.image.tag != "latest"
    error_message = "image.tag: `latest` says nothing about what runs; name a version."
  }
}

variable "plan" {
  description = "The hosting plan: Elastic Premium, and how many instances at least. With 3 or more it is spread over zones."
  type = object({
    sku       = optional(string, "EP1")
    instances = optional(number, 3)
    most      = optional(number, 9)
  })
  default  = {}
  nullable = false
}

variable "operator_ranges" {
  description = "Who besides the service reaches its API, the vault and the registry: ranges of runners, jump hosts, a VPN."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for range in var.operator_ranges : can(cidrhost(range, 0)) && range != "0.0.0.0/0"])
    error_message = "operator_ranges: ranges like 10.254.0.0/24, and not everybody."
  }
}

variable "drift_minutes" {
  description = "Every so many minutes each hub is looked at without anybody asking."
  type        = number
  default     = 10
  nullable    = false
}

variable "shown_days" {
  description = "So many days is kept what a review of `GET /api/plan` showed. An approval whose review is gone counts for nothing and is given again: a year is longer than a pull request stays open, and leaves what was shown for an audit. Nothing else in the account is deleted by age."
  type        = number
  default     = 365
  nullable    = false
}

variable "notices" {
  description = "What the channel reads that owners' notices go to, slack or teams; its webhook's URL lies in the vault under notice-url. Null for no notices."
  type        = object({ form = string })
  default     = null

  validation {
    condition     = var.notices == null || contains(["slack", "teams"], try(var.notices.form, ""))
    error_message = "notices.form: slack or teams."
  }
}

variable "sinks" {
  description = "Where logs go: workspace_id (resource id), workspace_guid, flow_log_storage_id, application_insights_id and its connection string."
  type = object({
    workspace_id                           = string
    workspace_guid                         = string
    flow_log_storage_id                    = string
    application_insights_id                = string
    application_insights_connection_string = string
  })
  nullable = false
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}
