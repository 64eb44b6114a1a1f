// Calico's CRD files for tests, read from Go's module cache; nothing of this module is compiled.
module egress-gitops.io/kube/crds

go 1.25.0

require github.com/tigera/operator v1.42.4
