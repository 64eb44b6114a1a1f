variable "admin_group_object_ids" {
  description = "Entra groups whose members administer the clusters."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.admin_group_object_ids) > 0 && alltrue([for id in var.admin_group_object_ids : can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", id))])
    error_message = "admin_group_object_ids: at least one object id (a GUID) of an Entra group; local accounts are off."
  }
}

variable "alert_emails" {
  description = "Who is told when something is wrong, by a short name."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for address in values(var.alert_emails) : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alert_emails: at least one address; alerts that nobody reads are none."
  }
}

variable "home_hub" {
  description = "The hub whose firewall the service leaves by."
  type        = string
  nullable    = false

  validation {
    condition     = can(module.inventory.definitions.hubs[var.home_hub])
    error_message = "home_hub: there is no hub `${var.home_hub}`; known are ${join(", ", keys(module.inventory.definitions.hubs))}."
  }
}

variable "image_tag" {
  description = "Which build of the service runs: the tag that the pipeline gave it."
  type        = string
  nullable    = false
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
}

variable "notices" {
  description = "What the channel reads that owners' notices go to, slack or teams; its webhook's URL lies in the vault under notice-url. Null for no notices."
  type        = object({ form = string })
  default     = null
}

variable "service" {
  description = "The service: its name (others are made of it, some unique in the world) and its network, which overlaps no hub, spoke or egress range."
  type = object({
    name = string
    network = object({
      address_space = string
      function      = string
      endpoints     = string
    })
  })
  nullable = false
}

variable "tenant_id" {
  description = "The Entra tenant."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", var.tenant_id))
    error_message = "tenant_id: a GUID; `az account show --query tenantId` tells it."
  }
}

variable "budget" {
  description = "What a month may cost before somebody is told, and the first day of the month it counts from. Null: no budget."
  type = object({
    amount     = number
    start_date = string
  })
  default = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9]{4}-[0-9]{2}-01T00:00:00Z$", var.budget.start_date))
    error_message = "budget.start_date: the first of a month, written like 2027-01-01T00:00:00Z."
  }
}

variable "ddos_protection_plan_id" {
  description = "A DDoS protection plan for the hubs; null is the written waiver of docs/checklist.md, point 3."
  type        = string
  default     = null
}

variable "definitions" {
  description = "The folder of definitions that the reconciler reads as well; relative to this folder."
  type        = string
  default     = "../../gitops"
  nullable    = false
}

variable "drift_minutes" {
  description = "Every so many minutes each hub is looked at without anybody asking."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = contains([1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60], var.drift_minutes)
    error_message = "drift_minutes: it divides an hour evenly: 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60."
  }
}

variable "shown_days" {
  description = "So many days is kept what a review of `GET /api/plan` showed. An approval whose review is gone counts for nothing and is given again: a year is longer than a pull request stays open, and leaves what was shown for an audit. Nothing else in the account is deleted by age."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = var.shown_days >= 30 && floor(var.shown_days) == var.shown_days
    error_message = "shown_days: whole days, 30 or more; pull requests that stay open longer than that have to be approved again."
  }
}

variable "firewall_maintenance" {
  description = "When Azure may update firewalls: from this hour on for five hours a day; time_zone as Windows names it (`W. Europe Standard Time`)."
  type = object({
    hour      = optional(number, 1)
    time_zone = optional(string, "UTC")
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

variable "plan" {
  description = "The service's hosting plan."
  type = object({
    sku       = optional(string, "EP1")
    instances = optional(number, 3)
    most      = optional(number, 9)
  })
  default  = {}
  nullable = false
}

variable "state_account_id" {
  description = "The storage account of Terraform's state, bootstrap's output state_account_id: who reads it is logged. Null for a state elsewhere."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "webhook" {
  description = "Who sends webhooks and how many a minute; null for none, and no public path."
  type = object({
    provider            = string
    requests_per_minute = optional(number, 60)
    second_secret       = optional(bool, false)
  })
  default = null
}
