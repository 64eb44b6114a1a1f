output "pod_pool" {
  description = "The pool that Calico's Installation owns; egress pools are the reconciler's."
  value       = local.installation.calicoNetwork.ipPools[0]
}
