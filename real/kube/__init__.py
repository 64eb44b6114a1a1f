"""Real Kubernetes for tests: kube-apiserver, kube-controller-manager and etcd as processes on loopback, with Calico's CRDs."""
