# A node that carries an egress gateway sends and receives packets whose address is not its own. Azure drops them unless the NIC
# forwards; AKS has no argument for it, and what it does without a network plugin is not documented (docs/not-proven.md). So it is
# looked at whenever Terraform runs, and said.
data "azapi_resource_list" "scale_sets" {
  type                   = "Microsoft.Compute/virtualMachineScaleSets@2024-07-01"
  parent_id              = azurerm_kubernetes_cluster.this.node_resource_group_id
  response_export_values = { forwarding = "value[].properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].properties.enableIPForwarding" }
}

check "ip_forwarding" {
  assert {
    condition     = alltrue(try(data.azapi_resource_list.scale_sets.output.forwarding, []))
    error_message = "${var.name}: a node pool's NICs do not forward, so traffic of egress gateways on it is dropped without a trace. See docs/not-proven.md."
  }
}
