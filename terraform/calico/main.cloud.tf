resource "helm_release" "cloud_crds" {
  count = var.edition == "cloud" ? 1 : 0

  name             = "calico-cloud-crds"
  namespace        = "calico-cloud"
  create_namespace = true
  repository       = "https://installer.calicocloud.io/charts"
  chart            = "calico-cloud-crds"
  version          = nonsensitive(var.cloud.version)
  atomic           = true
}

resource "helm_release" "cloud" {
  count = var.edition == "cloud" ? 1 : 0

  name       = "calico-cloud"
  namespace  = "calico-cloud"
  repository = "https://installer.calicocloud.io/charts"
  chart      = "calico-cloud"
  version    = nonsensitive(var.cloud.version)
  timeout    = 900
  values     = [yamlencode({ installer = { clusterName = var.cluster, calicoCloudVersion = nonsensitive(var.cloud.version) }, installation = local.installation })]

  set_wo = [
    { name = "installer.clientId", value = var.cloud.client_id },
    { name = "installer.clientSecret", value = var.cloud.client_secret },
  ]
  set_wo_revision = var.enterprise_revision

  depends_on = [helm_release.cloud_crds]
}
