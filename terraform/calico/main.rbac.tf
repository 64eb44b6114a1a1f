# What the reconciler may do on the cluster is one file, which the tests hold against what it really calls.
locals {
  documents = [
    for text in split("\n---\n", file("${path.module}/../../deploy/reconciler-clusterrole.yaml")) : yamldecode(text)
  ]
  cluster_roles = { for each in local.documents : each.metadata.name => each.rules if each.kind == "ClusterRole" }
  bindings      = { for each in local.documents : each.metadata.name => each.roleRef.name if each.kind == "ClusterRoleBinding" }
}

resource "kubernetes_cluster_role_v1" "reconciler" {
  for_each = local.cluster_roles

  metadata {
    name = each.key
  }

  dynamic "rule" {
    for_each = each.value

    content {
      api_groups     = rule.value.apiGroups
      resources      = rule.value.resources
      resource_names = try(rule.value.resourceNames, null)
      verbs          = rule.value.verbs
    }
  }
}

resource "kubernetes_cluster_role_binding_v1" "reconciler" {
  for_each = local.bindings

  metadata {
    name = each.key
  }

  role_ref {
    api_group = "rbac.authorization.k8s.io"
    kind      = "ClusterRole"
    name      = kubernetes_cluster_role_v1.reconciler[each.value].metadata[0].name
  }

  subject {
    api_group = "rbac.authorization.k8s.io"
    kind      = "User"
    name      = var.reconciler_object_id # AKS with Entra names an identity by its object id
  }
}
