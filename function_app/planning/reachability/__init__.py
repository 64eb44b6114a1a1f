"""Who may reach what through a firewall policy: Azure Firewall's order, followed exactly over sets of addresses and names.

    ARM bodies -> `rules` -> `policy` (in Azure's order) -> `judging` -> `reach`, `expectations`, `auditing`

Nothing is sampled: a question is a set of connections (`traffic`), and it is taken apart along the rules until every part of
it has met its rule. Where Azure's documents leave open what a rule does, the part is undecided and says why.
"""
