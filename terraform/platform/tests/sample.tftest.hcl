# The sample under gitops/: one hub, two clusters. `plan` alone: prevent_destroy would not let an applied run be torn down.
mock_provider "azurerm" {}
mock_provider "azapi" {}
mock_provider "azuread" {}

variables {
  tenant_id              = "99999999-8888-7777-6666-555555555555"
  admin_group_object_ids = ["aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
  alert_emails           = { platform = "platform@example.com" }
  home_hub               = "hub1"
  image_tag              = "2027-01-15-a1b2c3d"
  repository             = { url = "https://github.com/example/egress.git" }
  webhook                = { provider = "github" }
  budget                 = { amount = 6000, start_date = "2027-01-01T00:00:00Z" }
  service = {
    name    = "egress-gitops"
    network = { address_space = "10.255.0.0/24", function = "10.255.0.0/26", endpoints = "10.255.0.64/27" }
  }
}

run "builds_the_sample" {
  command = plan

  assert {
    condition     = toset(keys(output.clusters)) == toset(["spoke1-aks", "spoke2-aks"]) && toset(keys(output.route_server_instances)) == toset(["hub1"])
    error_message = "Each file is one hub or one cluster."
  }

  assert {
    condition     = toset(keys(azurerm_resource_group.networks)) == toset(["demo-hub-network", "demo-spoke-networks"])
    error_message = "Groups are those that the definitions name, each once."
  }

  assert {
    condition     = azurerm_consumption_budget_subscription.this[0].amount == 6000
    error_message = "Somebody is told before a month costs more."
  }

  assert {
    condition     = local.zones["aks-westeurope"] == "privatelink.westeurope.azmk8s.io"
    error_message = "Private API servers of a region share a zone."
  }
}

run "builds_one_hub_with_one_spoke" {
  command = plan

  variables {
    definitions = "tests/definitions/one"
    webhook     = null
    budget      = null
  }

  assert {
    condition     = toset(keys(output.clusters)) == toset(["spoke1-aks"]) && output.webhook_url == null
    error_message = "The least there is."
  }

  assert {
    condition     = length(azurerm_consumption_budget_subscription.this) == 0
    error_message = "A budget is one's own choice."
  }
}

run "builds_two_hubs_with_five_spokes" {
  command = plan

  variables {
    definitions = "tests/definitions/two-hubs"
  }

  assert {
    condition     = length(output.clusters) == 5 && toset(keys(output.route_server_instances)) == toset(["hub1", "hub2"])
    error_message = "N hubs and N spokes from N files."
  }

  assert {
    condition     = local.location["spoke5-aks"] == "northeurope" && local.location["spoke1-aks"] == "westeurope"
    error_message = "A spoke lies in its hub's region: over global peering it could not use the Route Server."
  }

  assert {
    condition     = contains(keys(local.zones), "aks-northeurope") && contains(keys(local.zones), "aks-westeurope")
    error_message = "Each region has a zone of private API servers."
  }

  assert {
    condition     = azurerm_resource_group.networks["demo-north-network"].location == "northeurope"
    error_message = "Groups lie where their hub does."
  }
}

run "refuses_a_service_without_a_home" {
  command = plan

  variables {
    home_hub = "hub9"
  }

  expect_failures = [var.home_hub]
}

run "refuses_nobody_to_administer" {
  command = plan

  variables {
    admin_group_object_ids = []
  }

  expect_failures = [var.admin_group_object_ids]
}

run "refuses_alerts_that_nobody_reads" {
  command = plan

  variables {
    alert_emails = {}
  }

  expect_failures = [var.alert_emails]
}

run "refuses_a_tenant_that_is_no_guid" {
  command = plan

  variables {
    tenant_id = "contoso"
  }

  expect_failures = [var.tenant_id]
}

run "refuses_a_timer_that_divides_no_hour" {
  command = plan

  variables {
    drift_minutes = 7
  }

  expect_failures = [var.drift_minutes]
}

run "refuses_to_forget_what_was_shown_within_a_month" {
  command = plan

  variables {
    shown_days = 7
  }

  expect_failures = [var.shown_days]
}

run "refuses_half_a_day_of_what_was_shown" {
  command = plan

  variables {
    shown_days = 90.5
  }

  expect_failures = [var.shown_days]
}

run "refuses_a_budget_from_the_middle_of_a_month" {
  command = plan

  variables {
    budget = { amount = 6000, start_date = "2027-01-15T00:00:00Z" }
  }

  expect_failures = [var.budget]
}

run "refuses_an_administrator_by_name" {
  command = plan

  variables {
    admin_group_object_ids = ["platform-admins"]
  }

  expect_failures = [var.admin_group_object_ids]
}

run "refuses_an_address_that_is_none" {
  command = plan

  variables {
    alert_emails = { platform = "platform" }
  }

  expect_failures = [var.alert_emails]
}

run "refuses_everybody_as_operator" {
  command = plan

  variables {
    operator_ranges = ["0.0.0.0/0"]
  }

  expect_failures = [var.operator_ranges]
}
