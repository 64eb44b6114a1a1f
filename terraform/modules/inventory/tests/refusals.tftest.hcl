# Each rule is provoked by one tree of the corpus that Python reads as well (tests/terraform/corpus).
# What no test here can reach: nothing; the module has no provider.

run "refuses_another_clusters_resource" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/another-clusters-resource"
  }

  expect_failures = [output.definitions]
}

run "refuses_another_ending" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/another-ending"
  }

  expect_failures = [output.definitions]
}

run "refuses_asn_for_documentation" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/asn-for-documentation"
  }

  expect_failures = [output.definitions]
}

run "refuses_asn_reserved" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/asn-reserved"
  }

  expect_failures = [output.definitions]
}

run "refuses_egress_inside_a_vnet" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/egress-inside-a-vnet"
  }

  expect_failures = [output.definitions]
}

run "refuses_hub_not_built" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/hub-not-built"
  }

  expect_failures = [output.definitions]
}

run "refuses_hub_unknown" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/hub-unknown"
  }

  expect_failures = [output.definitions]
}

run "refuses_key_missing" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/key-missing"
  }

  expect_failures = [output.definitions]
}

run "refuses_key_unknown" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/key-unknown"
  }

  expect_failures = [output.definitions]
}

run "refuses_key_unknown_in_a_pool" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/key-unknown-in-a-pool"
  }

  expect_failures = [output.definitions]
}

run "refuses_kubernetes_too_old" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/kubernetes-too-old"
  }

  expect_failures = [output.definitions]
}

run "refuses_name_of_another_file" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/name-of-another-file"
  }

  expect_failures = [output.definitions]
}

run "refuses_name_too_long" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/name-too-long"
  }

  expect_failures = [output.definitions]
}

run "refuses_peers_too_many" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/peers-too-many"
  }

  expect_failures = [output.definitions]
}

run "refuses_pods_in_the_vnet" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/pods-in-the-vnet"
  }

  expect_failures = [output.definitions]
}

run "refuses_priority_taken" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/priority-taken"
  }

  expect_failures = [output.definitions]
}

run "refuses_range_with_host_bits" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/range-with-host-bits"
  }

  expect_failures = [output.definitions]
}

run "refuses_reflectors_do_not_fit" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/reflectors-do-not-fit"
  }

  expect_failures = [output.definitions]
}

run "refuses_region_misspelt" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/region-misspelt"
  }

  expect_failures = [output.definitions]
}

run "refuses_route_server_elsewhere" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/route-server-elsewhere"
  }

  expect_failures = [output.definitions]
}

run "refuses_subnet_outside_the_vnet" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/subnet-outside-the-vnet"
  }

  expect_failures = [output.definitions]
}

run "refuses_subnet_too_small" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/subnet-too-small"
  }

  expect_failures = [output.definitions]
}

run "refuses_tier_without_dns_proxy" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/tier-without-dns-proxy"
  }

  expect_failures = [output.definitions]
}

run "refuses_vnets_overlap" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/vnets-overlap"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_anchor" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-anchor"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_base_sixty" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-base-sixty"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_broken" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-broken"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_date" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-date"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_duplicate_key" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-duplicate-key"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_exponent" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-exponent"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_null" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-null"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_octal" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-octal"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_tag" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-tag"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_two_documents" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-two-documents"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_underscores" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-underscores"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_version_unquoted" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-version-unquoted"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_word_for_a_key" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-word-for-a-key"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_word_for_false" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-word-for-false"
  }

  expect_failures = [output.definitions]
}

run "refuses_yaml_word_in_a_list" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/yaml-word-in-a-list"
  }

  expect_failures = [output.definitions]
}

run "refuses_a_folder_that_does_not_exist" {
  command = plan

  variables {
    path = "./nowhere"
  }

  expect_failures = [output.definitions]
}

run "refuses_a_range_that_the_service_has_already" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/sound"
    also = { "service.network.address_space" = "10.99.1.128/25" }
  }

  expect_failures = [output.definitions]
}
