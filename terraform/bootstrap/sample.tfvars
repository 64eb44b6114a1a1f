# Copy it and fill in your own.
subscription_id = "11111111-2222-3333-4444-555555555555"
location        = "westeurope"
name            = "egress-state"
runner_ranges   = ["203.0.113.7"]

pipelines = {
  plan  = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/egress:pull_request", apply = false }
  main  = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/egress:ref:refs/heads/main", apply = false }
  apply = { issuer = "https://token.actions.githubusercontent.com", subject = "repo:example/egress:environment:production", apply = true }
}
