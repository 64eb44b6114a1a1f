# Copy it and fill in your own; keep licence and pull secret out of Git.
cluster              = "spoke1-aks"
reconciler_object_id = "12121212-3434-5656-7878-909090909090"

enterprise = {
  license     = "the licence's YAML"
  pull_secret = "the registry's Docker config"
}
