# A mock knows no Azure: whether Front Door's private link is approved, whether roles suffice (docs/not-proven.md).
mock_provider "azurerm" {}
mock_provider "azuread" {}

variables {
  name                = "egress-gitops"
  resource_group_name = "egress-gitops"
  location            = "westeurope"
  subscription_id     = "/subscriptions/11111111-2222-3333-4444-555555555555"
  tenant_id           = "99999999-8888-7777-6666-555555555555"
  network             = { address_space = "10.255.0.0/24", function = "10.255.0.0/26", endpoints = "10.255.0.64/27" }
  image               = { tag = "2027-01-15-a1b2c3d" }
  repository          = { url = "https://github.com/example/egress.git", fqdns = ["github.com"] }
  webhook             = { provider = "github" }
  home = {
    virtual_network     = { id = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualNetworks/hub1-vnet", name = "hub1-vnet", resource_group_name = "h" }
    firewall_private_ip = "10.0.0.4"
    base_policy_id      = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/firewallPolicies/hub1-platform"
    route_server_id     = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualHubs/hub-rs"
  }
  zone_ids = { for each in ["blob", "queue", "table", "vault", "registry", "sites"] : each => "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/${each}" }
  targets = {
    tenant_policies = { hub1 = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/firewallPolicies/tenants" }
    base_policies   = { hub1 = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/firewallPolicies/hub1-platform" }
    route_servers   = { hub1 = "/subscriptions/s/resourceGroups/h/providers/Microsoft.Network/virtualHubs/hub-rs" }
    clusters        = { spoke1-aks = "/subscriptions/s/resourceGroups/c/providers/Microsoft.ContainerService/managedClusters/spoke1-aks" }
  }
  sinks = {
    workspace_id                           = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
    workspace_guid                         = "11111111-2222-3333-4444-555555555555"
    flow_log_storage_id                    = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/flow"
    application_insights_id                = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/components/a"
    application_insights_connection_string = "InstrumentationKey=00000000"
  }
}

run "nobody_reaches_the_app_but_through_the_edge" {
  command = plan

  assert {
    condition     = !azurerm_linux_function_app.this.public_network_access_enabled && azurerm_linux_function_app.this.https_only
    error_message = "The app is private; the webhook comes by Front Door's private link."
  }

  assert {
    condition     = toset(azurerm_cdn_frontdoor_route.this[0].patterns_to_match) == toset(["/api/webhook/*"])
    error_message = "The world may reach the webhook, nothing else."
  }

  assert {
    condition     = length([for rule in azurerm_cdn_frontdoor_firewall_policy.this[0].custom_rule : rule if rule.type == "RateLimitRule" && rule.rate_limit_threshold == 60]) == 1
    error_message = "A flood ends at the edge."
  }

  assert {
    condition     = toset(azurerm_linux_function_app.this.auth_settings_v2[0].excluded_paths) == toset(["/api/health", "/api/webhook/*"]) && azurerm_linux_function_app.this.auth_settings_v2[0].unauthenticated_action == "Return401"
    error_message = "All but the signed webhook and health need an Entra token."
  }
}

run "without_a_webhook_there_is_no_public_path" {
  command = plan

  variables {
    webhook = null
  }

  assert {
    condition     = length(azurerm_cdn_frontdoor_profile.this) == 0 && output.webhook_url == null
    error_message = "Whoever wants no public path has none; the timer looks at Git."
  }

  assert {
    condition     = azurerm_linux_function_app.this.app_settings["EGRESS_WEBHOOK_PROVIDER"] == "" && azurerm_linux_function_app.this.app_settings["EGRESS_WEBHOOK_SECRET"] == ""
    error_message = "The service then accepts none either."
  }
}

run "no_key_anywhere" {
  command = plan

  assert {
    condition     = !azurerm_storage_account.this.shared_access_key_enabled && azurerm_linux_function_app.this.storage_uses_managed_identity
    error_message = "Storage is reached by identity."
  }

  assert {
    condition     = !azurerm_container_registry.this.admin_enabled && azurerm_linux_function_app.this.site_config[0].container_registry_use_managed_identity
    error_message = "The image is pulled by identity."
  }

  assert {
    condition     = !azurerm_linux_function_app.this.ftp_publish_basic_authentication_enabled && !azurerm_linux_function_app.this.webdeploy_publish_basic_authentication_enabled
    error_message = "Nobody publishes with a password."
  }

  assert {
    condition     = toset(keys(azurerm_private_endpoint.this)) == toset(["blob", "queue", "table", "vault", "registry", "sites"])
    error_message = "Everything that the app needs is reached inside."
  }
}

run "only_what_was_shown_is_deleted_by_age" {
  command = plan

  variables {
    shown_days = 90
  }

  assert {
    condition     = length(azurerm_storage_management_policy.this.rule) == 1 && toset(azurerm_storage_management_policy.this.rule[0].filters[0].prefix_match) == toset(["egress-gitops/shown/"])
    error_message = "The ledger, state and leases are never deleted by age."
  }

  assert {
    condition     = azurerm_storage_management_policy.this.rule[0].actions[0].base_blob[0].delete_after_days_since_modification_greater_than == 90 && azurerm_storage_management_policy.this.rule[0].actions[0].version[0].delete_after_days_since_creation == 90
    error_message = "What was shown goes after its days, and so do the versions that this leaves."
  }
}

run "roles_end_where_they_must" {
  command = plan

  assert {
    condition     = azurerm_role_assignment.this["tenant-policy/hub1"].scope == var.targets.tenant_policies["hub1"] && azurerm_role_assignment.this["base-policy/hub1"].scope == var.targets.base_policies["hub1"]
    error_message = "Each role counts on the one thing that it is for."
  }

  assert {
    condition     = !anytrue([for action in azurerm_role_definition.this["base-policy"].permissions[0].actions : endswith(action, "/write") || endswith(action, "/delete")])
    error_message = "The platform's rules are never the reconciler's to change."
  }
}

run "zones_from_three_instances_on" {
  command = plan

  assert {
    condition     = azurerm_service_plan.this.zone_balancing_enabled && azurerm_service_plan.this.worker_count == 3
    error_message = "Three instances stand in three zones."
  }
}

run "refuses_a_tag_that_moves" {
  command = plan

  variables {
    image = { tag = "latest" }
  }

  expect_failures = [var.image]
}

run "refuses_a_token_in_the_repositorys_url" {
  command = plan

  variables {
    repository = { url = "https://token@github.com/example/egress.git", fqdns = ["github.com"] }
  }

  expect_failures = [var.repository]
}

run "refuses_an_unknown_git_host" {
  command = plan

  variables {
    webhook = { provider = "bitbucket" }
  }

  expect_failures = [var.webhook]
}

run "refuses_a_name_that_no_account_could_have" {
  command = plan

  variables {
    name = "The-Egress-Service"
  }

  expect_failures = [var.name]
}

run "refuses_a_range_that_is_none" {
  command = plan

  variables {
    network = { address_space = "10.255.0.0", function = "10.255.0.0/26", endpoints = "10.255.0.64/27" }
  }

  expect_failures = [var.network]
}

run "a_deploy_key_goes_out_by_ssh" {
  command = plan

  variables {
    repository = { url = "ssh://git@git.example.com/egress.git", fqdns = ["git.example.com"], access = "deploy-key", host_keys = "git.example.com ssh-ed25519 AAAA" }
  }

  assert {
    condition     = azurerm_firewall_policy_rule_collection_group.service.network_rule_collection[0].rule[0].destination_ports == tolist(["22"])
    error_message = "An application rule matches no ssh."
  }

  assert {
    condition     = strcontains(azurerm_linux_function_app.this.app_settings["EGRESS_GIT_DEPLOY_KEY"], "SecretName=git-deploy-key")
    error_message = "The key lies in the vault."
  }
}

run "refuses_a_deploy_key_without_the_hosts_keys" {
  command = plan

  variables {
    repository = { url = "ssh://git@git.example.com/egress.git", access = "deploy-key" }
  }

  expect_failures = [var.repository]
}

run "operators_reach_the_endpoints_from_where_they_say" {
  command = plan

  variables {
    operator_ranges = ["10.254.0.0/24"]
  }

  assert {
    condition     = local.operators["operators"].sources == tolist(["10.254.0.0/24"]) && local.operators["operators"].port == "443"
    error_message = "Secrets, images and answers are for those who are named, and for nobody else."
  }
}

run "refuses_everybody_as_operator" {
  command = plan

  variables {
    operator_ranges = ["0.0.0.0/0"]
  }

  expect_failures = [var.operator_ranges]
}

run "refuses_a_repository_that_is_reached_in_no_known_way" {
  command = plan

  variables {
    repository = { url = "https://github.com/example/egress.git", access = "password" }
  }

  expect_failures = [var.repository]
}

run "refuses_notices_to_a_channel_that_is_unknown" {
  command = plan

  variables {
    notices = { form = "pager" }
  }

  expect_failures = [var.notices]
}

run "refuses_an_operator_that_is_no_range" {
  command = plan

  variables {
    operator_ranges = ["10.254.0.0"]
  }

  expect_failures = [var.operator_ranges]
}

run "refuses_a_subnet_outside_its_network" {
  command = plan

  variables {
    network = { address_space = "10.255.0.0/24", function = "10.254.0.0/26", endpoints = "10.255.0.64/27" }
  }

  expect_failures = [var.network]
}

run "refuses_a_subnet_that_instances_do_not_fit_into" {
  command = plan

  variables {
    network = { address_space = "10.255.0.0/24", function = "10.255.0.0/28", endpoints = "10.255.0.64/27" }
  }

  expect_failures = [var.network]
}
