# From 3.23 the CRDs have a chart of their own, which comes first.
resource "helm_release" "crds" {
  count = var.edition == "enterprise" ? 1 : 0

  name             = "calico-crds"
  namespace        = "tigera-operator"
  create_namespace = true
  repository       = "https://downloads.tigera.io/ee/charts"
  chart            = "crd.projectcalico.org.v1"
  version          = nonsensitive(var.enterprise.version)
  atomic           = true
}

resource "helm_release" "operator" {
  count = var.edition == "enterprise" ? 1 : 0

  name       = "calico"
  namespace  = "tigera-operator"
  repository = "https://downloads.tigera.io/ee/charts"
  chart      = "tigera-operator"
  version    = nonsensitive(var.enterprise.version)
  timeout    = 900
  values     = [yamlencode({ installation = local.installation })]

  set_wo = [
    { name = "licenseKeyContent", value = var.enterprise.license },
    { name = "imagePullSecrets.tigera-pull-secret", value = var.enterprise.pull_secret },
  ]
  set_wo_revision = var.enterprise_revision

  depends_on = [helm_release.crds]
}
