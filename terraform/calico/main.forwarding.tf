# A node that carries an egress gateway sends and receives packets whose address is not its own. Azure drops them unless the NIC
# forwards; AKS has no argument for it, and what it does without a network plugin is not documented (docs/not-proven.md has the
# command that settles it). So the pools are looked at before Calico comes, and whenever this root is planned.
data "azapi_resource_list" "scale_sets" {
  type                   = "Microsoft.Compute/virtualMachineScaleSets@2024-07-01"
  parent_id              = "/subscriptions/${split("/", local.resource_id)[2]}/resourceGroups/${data.azurerm_kubernetes_cluster.this.node_resource_group}"
  response_export_values = { forwarding = "value[].properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].properties.enableIPForwarding" }
}

check "ip_forwarding" {
  assert {
    condition     = alltrue(try(data.azapi_resource_list.scale_sets.output.forwarding, [false]))
    error_message = "${var.cluster}: a node pool's NICs do not forward, so traffic of egress gateways on it is dropped without a trace. See docs/not-proven.md."
  }
}
