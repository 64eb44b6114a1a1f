"""Mistakes in what counts as approved, and in what waits for it, on a hub with `apply: reviewed`."""

from __future__ import annotations

from mutants.mistake import Mistake

_APPROVING = "function_app/planning/approving.py"
_UNAPPROVED = "function_app/planning/unapproved.py"
_MEANING = "function_app/planning/meaning.py"
_WISH = "function_app/planning/firewall_wish.py"
_ADMISSION = "function_app/planning/admission.py"
_HOSTS = "function_app/adapters/git_reviews.py"
_SHOWING = "function_app/service/showing.py"
_COMPARED = "tests/planning/test_approving.py"
_REVIEWED = "tests/stories/test_reviewed.py"
_ASKED = "tests/telling/test_git_reviews.py"

APPROVAL = (
    Mistake(
        "approval-of-another-commit-counts",
        "What was pushed after the approval is applied, because it was shown before somebody approved what came before it.",
        "approved",
        _APPROVING,
        "if one.head == approval.head and one.at <= approval.at]",
        "if one.at <= approval.at]",
        (_COMPARED,),
    ),
    Mistake(
        "approved-before-it-was-shown",
        "Somebody approved before any plan could be seen, and what is shown afterwards counts as approved.",
        "approved",
        _APPROVING,
        "if one.head == approval.head and one.at <= approval.at]",
        "if one.head == approval.head]",
        (_COMPARED, _REVIEWED),
    ),
    Mistake(
        "digest-not-compared",
        "Any approval does: somebody changed the firewall or pushed more, and it is applied as nobody saw it.",
        "approved",
        _APPROVING,
        "        if shown is not None and proposed.now(shown.day).digest == shown.tenants[proposed.tenant].digest:\n",
        "        if shown is not None:\n",
        (_COMPARED,),
    ),
    Mistake(
        "unreadable-host-approves",
        "The Git host is down, and everything that was merged counts as approved.",
        "5, approved",
        _APPROVING,
        "    if problem:\n",
        "    if problem:\n        return None\n    if problem:\n",
        (_COMPARED, _REVIEWED),
    ),
    Mistake(
        "unread-firewall-approves",
        "The firewall policy cannot be read, and what was approved for another one counts as approved for this.",
        "5, approved",
        _UNAPPROVED,
        "        return Verdict(words, again=True)\n    beside, today = around(asked.hub, firewall.groups",
        "        return None\n    beside, today = around(asked.hub, firewall.groups",
        (_REVIEWED,),
    ),
    Mistake(
        "waiver-of-any-plan",
        "A waiver for one plan of a tenant lets in whatever else waits for an approval.",
        "approved",
        _APPROVING,
        "    if digest in waived:\n",
        "    if waived:\n",
        (_COMPARED, _REVIEWED),
    ),
    Mistake(
        "others-denials-left-out",
        "Somebody denies meanwhile what a tenant newly asks for, and the approval from before stands.",
        "approved",
        _MEANING,
        "    if surroundings == Around():\n",
        "    if surroundings != Around() or not rules:\n",
        (_REVIEWED,),
    ),
    Mistake(
        "unapproved-stops-everybody",
        "One tenant without an approval holds up all other tenants of the hub.",
        "8, approved",
        _UNAPPROVED,
        "            yield _deferral(asked, Scope.tenant(name), verdict)\n",
        "            yield _deferral(asked, Scope.hub(asked.hub.name), verdict)\n",
        (_REVIEWED,),
    ),
    Mistake(
        "unapproved-revocation-waits",
        "Rules that a merge takes away stay allowed until somebody approves what else it has.",
        "5, approved",
        _ADMISSION,
        "        newer = self.new.rules_of(key) if key in self.new.attachments else None\n",
        "        newer = self.new.rules_of(key) if key in self.new.attachments else None\n"
        '        if self.attachments[key].reason.value == "unapproved":\n'
        "            newer = self.standing.rules_of(key)\n",
        (_REVIEWED,),
    ),
    Mistake(
        "newcomers-pull-request-forgotten",
        "After another merge a hub's first tenant, which still waits, is told that no pull request brought it.",
        "6, told",
        "function_app/vouching.py",
        "_commits(tree, () if name in newcomers else before, name)",
        "_commits(tree, before, name)",
        (_REVIEWED,),
    ),
    Mistake(
        "who-leaves-gains-rules",
        "Rules that nobody approved are merged and their tenant removed, and its ranges get them until its gateway is gone.",
        "approved",
        _WISH,
        "    return situation.admission.reviewed and leaves\n",
        "    return False and leaves\n",
        (_REVIEWED,),
    ),
    Mistake(
        "reviewed-taken-off-by-anybody",
        "One line in a commit that nobody approved takes `apply: reviewed` off, and the rest of the commit is applied.",
        "approved",
        _UNAPPROVED,
        "    if any(one.head == pull.head for pull in origin.pull_requests for one in pull.approvals):\n",
        "    if origin.commit:\n",
        (_REVIEWED,),
    ),
    Mistake(
        "author-approves-himself",
        "Whoever proposed a change approves it as well, and it is applied.",
        "approved",
        _HOSTS,
        '            if not why and int(review["user"]["id"]) == author:\n',
        '            if not why and int(review["user"]["id"]) == 0:\n',
        (_ASKED,),
    ),
    Mistake(
        "withdrawn-approval-counts",
        "An approval that was dismissed, or taken back by asking for changes, still counts.",
        "approved",
        _HOSTS,
        'why = "" if review["state"] == "APPROVED" else f"has last said {str(review[\'state\']).lower()}"',
        'why = ""',
        (_ASKED,),
    ),
    Mistake(
        "stranger-approves",
        "Anybody with an account approves in a public repository.",
        "approved",
        _HOSTS,
        '        return found is not None and found["permission"] in _MAY_WRITE\n',
        "        return found is not None\n",
        (_ASKED,),
    ),
    Mistake(
        "open-pull-request-counts",
        "A commit that somebody pushed counts as approved by a pull request that has it and was never merged.",
        "approved",
        _HOSTS,
        'if pull["merged_at"] and ours and',
        "if ours and",
        (_ASKED,),
    ),
    Mistake(
        "vote-dated-by-somebody-else",
        "A comment in somebody else's name dates a vote on Azure DevOps to a commit that its voter never saw.",
        "approved",
        _HOSTS,
        "        if writers == {who}:\n",
        "        if writers:\n",
        (_ASKED,),
    ),
    Mistake(
        "shown-against-another-base",
        "What is shown against another branch is noted, and its approval lets in what is merged into ours.",
        "approved",
        _SHOWING,
        "    if ours:\n",
        "    if made:\n",
        (_REVIEWED,),
    ),
    Mistake(
        "lost-twice-counts-as-new",
        "Ledger and state are lost, so the hub counts as new: what is put off is left out, and running tenants are taken down.",
        "1",
        "function_app/planning/rebuilding.py",
        "    return bool(situation.ledger.records or judge_ledger(situation).note)\n",
        "    return bool(situation.ledger.records)\n",
        ("tests/stories/test_found_by_search.py", "tests/stories/test_suspended.py"),
    ),
)
