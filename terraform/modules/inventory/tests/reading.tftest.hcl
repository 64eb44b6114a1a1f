run "fills_in_what_a_definition_leaves_out" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/sound"
  }

  assert {
    condition     = output.definitions.hubs["hub1"].azure.tier == "Standard" && output.definitions.hubs["hub1"].azure.publicIPs == 2
    error_message = "A hub's firewall is Standard with two addresses unless its definition says otherwise."
  }

  assert {
    condition     = output.definitions.clusters["spoke1-aks"].azure.reflectors.count == 2 && output.definitions.clusters["spoke1-aks"].azure.kubernetesVersion == "1.35"
    error_message = "Two reflectors survive an upgrade of one; more cost peers of the Route Server."
  }
}

run "reads_flow_style_and_quotes_alike" {
  command = plan

  variables {
    path = "../../../tests/terraform/corpus/sound-in-flow-style"
  }

  assert {
    condition     = output.definitions.clusters["spoke1-aks"].bgp.asn == 63400
    error_message = "A mapping in braces is the same mapping."
  }
}
