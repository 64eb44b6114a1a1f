"""Terraform without provider binaries: a process that serves their schemas, checks configurations and plans against nothing.

`python -m terraform_provider COMMAND...` runs a Terraform command so. `init`, `validate`, `test` with mocked providers, `plan`,
`apply` and `show` need no more of a provider than its schema and these few answers; what only Azure can tell stays untold.
Terraform itself is Terraform's own, built from its Go module where it is not installed.
"""
