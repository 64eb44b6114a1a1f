"""Mistakes in who may reach what: Azure's order, wildcards, what is open, and what a reviewer is told of a change."""

from __future__ import annotations

from mutants.mistake import Mistake

_POLICY = "function_app/planning/reachability/policy.py"
_RULES = "function_app/planning/reachability/rules.py"
_JUDGING = "function_app/planning/reachability/judging.py"
_SPANS = "function_app/planning/reachability/spans.py"
_ACCESS = "function_app/planning/access.py"
_REVIEWING = "function_app/planning/reviewing.py"
_ORDER = ("tests/reachability/test_judging.py", "tests/reachability/test_against_the_simulator.py")
_TOLD = ("tests/review/test_review.py",)

REACH = (
    Mistake(
        "application-before-network",
        "A reviewer is told that a name is denied, and a network rule lets everything pass before it is looked at.",
        "told",
        _POLICY,
        "            return one.application, one.layer is not Layer.BASE, *one.priorities\n",
        "            return not one.application, one.layer is not Layer.BASE, *one.priorities\n",
        _ORDER,
    ),
    Mistake(
        "parent-after-child",
        "The platform's denial is thought to come after the tenants' rules: what it forbids is called allowed.",
        "told",
        _POLICY,
        "one.layer is not Layer.BASE, *one.priorities",
        "one.layer is Layer.BASE, *one.priorities",
        _ORDER,
    ),
    Mistake(
        "collections-before-groups",
        "A collection's number is compared before its group's: rules of two groups change places.",
        "told",
        _POLICY,
        '        priorities = int(properties.get("priority", 0)), int(body.get("priority", 0))\n',
        '        priorities = int(body.get("priority", 0)), int(properties.get("priority", 0))\n',
        _ORDER,
    ),
    Mistake(
        "match-not-terminal",
        "What a rule matched is shown to the next one as well: the last match decides, not the first.",
        "told",
        _JUDGING,
        "        hides.append(after if claim.doubt is None else after & alike[claim.rule.allow])\n",
        "        hides.append(after & alike[claim.rule.allow])\n",
        _ORDER,
    ),
    Mistake(
        "default-allow",
        "What no rule matches is called allowed: every expectation to deny is reported as broken.",
        "told",
        _JUDGING,
        "    allow = rule is not None and rule.allow\n",
        "    allow = rule is None or rule.allow\n",
        _ORDER,
    ),
    Mistake(
        "wildcard-needs-a-dot",
        "`*contoso.com` is taken for `*.contoso.com`: nobody hears that notcontoso.com may be reached.",
        "told",
        _RULES,
        'names_ending_in(text[1:]) if text.startswith("*")',
        'names_ending_in(f".{text[1:].lstrip(chr(46))}") if text.startswith("*")',
        _ORDER,
    ),
    Mistake(
        "wildcard-apex-guessed",
        "`*.example.com` is said not to take in example.com, on which Azure's documents are silent: a guess passes for a fact.",
        "told",
        _RULES,
        '        if text.startswith("*.") and len(text) > 2\n',
        "        if False\n",
        _ORDER,
    ),
    Mistake(
        "names-in-their-letter-case",
        "A rule in capitals is thought to match nothing.",
        "told",
        _SPANS,
        "    backwards = name.lower()[::-1]\n",
        "    backwards = name[::-1]\n",
        _ORDER,
    ),
    Mistake(
        "tag-matches-nothing",
        "A network rule for a service tag is passed over: what it opens is reported as denied instead of undecided.",
        "told",
        _RULES,
        '    doubts = [(_behind(tag), f"which addresses the service tag {tag} stands for changes weekly") for tag in tags]\n',
        "    doubts: list[tuple[Spans[int], str]] = []\n",
        _ORDER,
    ),
    Mistake(
        "ties-in-order-of-the-list",
        "Two collections of one priority that disagree get a verdict, though Azure documents no order for them.",
        "told",
        _JUDGING,
        "    other = next((rule for rule in met if rule.allow is not first.allow), None)\n",
        "    other = next((rule for rule in met if rule is None), None)\n",
        _ORDER,
    ),
    Mistake(
        "gain-by-line",
        "A rule that was only rewritten is shown as new reach: reviewers learn to read past it.",
        "told",
        _ACCESS,
        "        return () if known else (id(rule), certain)\n",
        "        return (id(rule), certain)\n",
        _TOLD,
    ),
    Mistake(
        "losses-untold",
        "What a change takes away stands nowhere in its comment.",
        "told",
        _REVIEWING,
        "        losses = gained(after.policy, before.policy, ranges) if edited else ()\n",
        "        losses = gained(after.policy, after.policy, ranges) if edited else ()\n",
        _TOLD,
    ),
    Mistake(
        "broken-expectation-passes",
        "A change that breaks what the guardrails demand may be merged.",
        "told",
        _REVIEWING,
        "            yield Statement(str(one.tenant), str(one), refused=broken, inherited=_key(one) in known)\n",
        "            yield Statement(str(one.tenant), str(one), refused=False, inherited=_key(one) in known)\n",
        _TOLD,
    ),
    Mistake(
        "branch-behind-removes",
        "A branch that is behind seems to remove every tenant that was merged since.",
        "told",
        "function_app/reading/merging.py",
        "        merged = dict(ours)\n",
        "        merged = dict(theirs)\n",
        ("tests/review/test_branches.py",),
    ),
    Mistake(
        "names-in-markdown",
        "A name or message from a pull request is read as Markdown: it can hide the comment's own words.",
        "told",
        "function_app/reporting/markdown.py",
        r'    return _unlinked(_SIGNS.sub(r"\\\1", text))' + "\n",
        "    return _unlinked(text)\n",
        ("tests/review/test_comment.py",),
    ),
)
