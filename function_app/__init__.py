"""Egress GitOps: one tenant file in Git becomes a routed tenant on AKS and Azure Firewall.

The road, top to bottom: `reading` turns a commit into definitions, `planning` turns definitions, ledger and observations
into a plan, `applying` carries it out, `reporting` shows what happened; `reconcile` walks it on one page. Imports point
down only. This module imports nothing.
"""
