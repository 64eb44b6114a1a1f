# A mock knows no cluster: whether the charts install, whether kubelogin signs in (docs/not-proven.md).
mock_provider "azurerm" {
  mock_data "azurerm_kubernetes_cluster" {
    defaults = {
      node_resource_group = "MC_spoke1"
      kube_config         = [{ host = "https://spoke1", cluster_ca_certificate = "bm93aGVyZQ==" }]
    }
  }
}
mock_provider "helm" {}
mock_provider "kubernetes" {}
mock_provider "azapi" {
  mock_data "azapi_resource_list" {
    defaults = {
      output = { forwarding = [true, true, true] }
    }
  }
}

variables {
  cluster              = "spoke1-aks"
  reconciler_object_id = "12121212-3434-5656-7878-909090909090"
  enterprise           = { license = "a licence", pull_secret = "a Docker config" }
}

run "pods_are_never_told_to_the_route_server" {
  command = plan

  assert {
    condition     = output.pod_pool.disableBGPExport && output.pod_pool.cidr == "10.244.0.0/16" && output.pod_pool.encapsulation == "VXLAN"
    error_message = "The pool is the definition's, and its blocks stay inside whatever becomes of the filter."
  }

  assert {
    condition     = yamldecode(helm_release.operator[0].values[0]).installation.calicoNetwork.bgp == "Enabled"
    error_message = "Without BGP no range is ever learned; switching it on later restarts calico-node."
  }

  assert {
    condition     = length(helm_release.crds) == 1 && length(helm_release.cloud) == 0
    error_message = "From Enterprise 3.23 on the CRDs have a chart of their own."
  }
}

run "the_reconciler_gets_its_cluster_role_and_no_more" {
  command = plan

  assert {
    condition     = toset(keys(kubernetes_cluster_role_v1.reconciler)) == toset(["egress-gitops", "egress-gitops-aggregated"])
    error_message = "deploy/reconciler-clusterrole.yaml is the one place that says what it may do."
  }

  assert {
    condition     = alltrue([for each in values(kubernetes_cluster_role_binding_v1.reconciler) : each.subject[0].name == var.reconciler_object_id])
    error_message = "AKS with Entra knows an identity by its object id."
  }
}

run "a_cluster_may_join_calico_cloud_instead" {
  command = plan

  variables {
    edition    = "cloud"
    enterprise = null
    cloud      = { version = "v22.1.0", client_id = "a client", client_secret = "a secret" }
  }

  assert {
    condition     = length(helm_release.cloud) == 1 && length(helm_release.operator) == 0
    error_message = "One edition, not both."
  }
}

run "a_pool_that_does_not_forward_is_told" {
  command = plan

  override_data {
    target = data.azapi_resource_list.scale_sets
    values = { output = { forwarding = [true, false] } }
  }

  expect_failures = [check.ip_forwarding]
}

run "refuses_a_cluster_without_a_definition" {
  command = plan

  variables {
    cluster = "spoke9-aks"
  }

  expect_failures = [var.cluster]
}

run "refuses_an_open_source_calico" {
  command = plan

  variables {
    edition = "open-source"
  }

  expect_failures = [var.edition]
}

run "refuses_a_reconciler_by_name" {
  command = plan

  variables {
    reconciler_object_id = "egress-gitops"
  }

  expect_failures = [var.reconciler_object_id]
}

run "refuses_enterprise_without_a_licence" {
  command = plan

  variables {
    enterprise = null
  }

  expect_failures = [var.enterprise]
}

run "refuses_the_cloud_without_credentials" {
  command = plan

  variables {
    edition = "cloud"
  }

  expect_failures = [var.cloud]
}

run "refuses_a_login_that_kubelogin_does_not_know" {
  command = plan

  variables {
    login = "password"
  }

  expect_failures = [var.login]
}
