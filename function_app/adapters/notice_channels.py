"""Notices by incoming webhook: Slack's `text`, and the Adaptive Card that a Teams workflow posts.

Shapes: api.slack.com (Sending messages using incoming webhooks), learn.microsoft.com (Create incoming webhooks with Workflows for
Microsoft Teams). The URL is the secret: it stands in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from function_app.adapters.safe_text import scrubbed
from function_app.adapters.web import NoAnswer, Web
from function_app.model.errors import SourceError
from function_app.model.telling import Notice

_MOST = 2500


class WebhookNotices:
    """`Notices` to one channel; `message` is how who reads there wants them."""

    def __init__(self, message: Callable[[Notice], Mapping[str, object]], url: str, web: Web) -> None:
        self._body = message
        self._url = url
        self._web = web

    def give(self, notice: Notice) -> None:
        """Raises SourceError."""
        try:
            answer = self._web.post(self._url, self._body(notice))
        except NoAnswer as problem:
            raise SourceError(f"The notice cannot be given: nobody answers at EGRESS_NOTICE_URL ({problem}).") from None
        if not answer.fine:
            raise SourceError(f"The notice cannot be given: {answer.status} from EGRESS_NOTICE_URL.")


def slack_message(notice: Notice) -> Mapping[str, object]:
    """Text in Slack's own markup."""
    return {"text": f"*{_escaped(notice.title)}*\n{_escaped(_text(notice))}" + _for(notice, _escaped)}


def _escaped(text: str) -> str:
    """Slack's three (api.slack.com, Formatting text): nobody can be called by a rule's name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams_message(notice: Notice) -> Mapping[str, object]:
    """An Adaptive Card."""
    blocks = [
        {"type": "TextBlock", "text": _literal(notice.title), "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": _literal(_text(notice)), "wrap": True},
    ]
    if notice.owner:
        blocks.append({"type": "TextBlock", "text": _literal(notice.owner), "isSubtle": True, "wrap": True})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _literal(text: str) -> str:
    """Adaptive Cards read Markdown: links and emphasis in others' text are shown as they were written."""
    return "".join(f"\\{character}" if character in r"\[]*_" else character for character in text)


def _text(notice: Notice) -> str:
    lines = [scrubbed(line) for line in notice.text.splitlines()]
    return "\n".join(lines)[:_MOST]


def _for(notice: Notice, shown: Callable[[str], str]) -> str:
    return f"\n_{shown(notice.owner)}_" if notice.owner else ""
