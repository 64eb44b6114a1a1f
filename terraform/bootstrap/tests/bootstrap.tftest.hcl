mock_provider "azurerm" {}

variables {
  name            = "egress-state"
  location        = "westeurope"
  subscription_id = "11111111-2222-3333-4444-555555555555"
  runner_ranges   = ["203.0.113.7"]
  pipelines = {
    plan  = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/egress:pull_request", apply = false }
    main  = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/egress:ref:refs/heads/main", apply = false }
    apply = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/egress:environment:production", apply = true }
  }
}

run "the_state_has_no_keys_and_few_readers" {
  command = plan

  assert {
    condition     = !azurerm_storage_account.state.shared_access_key_enabled && azurerm_storage_account.state.network_rules[0].default_action == "Deny"
    error_message = "A state tells everything: Entra signs in, from known places."
  }

  assert {
    condition     = azurerm_storage_account.state.blob_properties[0].versioning_enabled
    error_message = "A broken state can be taken back."
  }
}

run "a_pull_request_cannot_change_anything" {
  command = plan

  assert {
    condition     = toset([for name, each in azurerm_role_assignment.pipeline : each.role_definition_name if startswith(name, "plan/")]) == toset(["Reader", "Storage Blob Data Reader"])
    error_message = "What plans reads: whoever can open a pull request can run it."
  }

  assert {
    condition     = alltrue([for action in azurerm_role_definition.plan.permissions[0].actions : strcontains(action, "/list")])
    error_message = "What it may besides is listed, not changed."
  }
}

run "refuses_the_whole_internet" {
  command = plan

  variables {
    runner_ranges = ["0.0.0.0/0"]
  }

  expect_failures = [var.runner_ranges]
}

run "refuses_a_name_that_no_account_could_have" {
  command = plan

  variables {
    name = "Egress_State"
  }

  expect_failures = [var.name]
}

run "refuses_a_state_that_nobody_could_reach" {
  command = plan

  variables {
    runner_ranges = []
  }

  expect_failures = [var.runner_ranges]
}
