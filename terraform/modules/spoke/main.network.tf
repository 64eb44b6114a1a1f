# Nodes reach each other by any port: VXLAN (UDP 4789), tunnels to egress gateways (UDP 4790), BGP (TCP 179), kubelet.
locals {
  inbound = {
    nodes        = { priority = 100, protocol = "*", port = "*", sources = var.address_space }
    service      = { priority = 110, protocol = "Tcp", port = "443", sources = [var.service.function_subnet] }
    route-server = { priority = 120, protocol = "Tcp", port = "179", sources = [var.hub.route_server_subnet] }
    probes       = { priority = 130, protocol = "*", port = "*", sources = ["AzureLoadBalancer"] }
  }
}

module "network" {
  source = "../network"

  name                = var.name
  resource_group_name = var.resource_group_name
  location            = var.location
  address_space       = var.address_space
  firewall_private_ip = var.hub.firewall_private_ip
  sinks               = var.sinks
  tags                = var.tags

  subnets = {
    for name, range in { nodes  = var.subnets.nodes, reflectors = var.subnets.reflectors } : name => {
      range                     = range
      private_endpoint_policies = "NetworkSecurityGroupEnabled" # the API server's private endpoint lies among the nodes
      inbound                   = local.inbound
    }
  }
}
