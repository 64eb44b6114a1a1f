"""A review as JSON-ready values: the same as the comment, whole. Keys are only ever added."""

from __future__ import annotations

from dataclasses import asdict

from function_app.model.review import HubReview, Review
from function_app.reporting.comment import comment
from function_app.reporting.json_report import Json, problem_json


def review_json(review: Review) -> Json:
    """`{base, head, refused, refusals, hubs, problems, held, standing, conflicts, live, comment}`.

    A hub is `{hub, plan_id, tenants, statements, forecast, waiting, refused, warnings, live, timing}`, a tenant `{tenant, gains,
    losses, moves, cuts, unattributed, advice, digest}`, a gain `{whats, hows, froms, rule}`.
    """
    return {
        "base": review.base,
        "head": review.head,
        "refused": review.refused,
        "refusals": list(review.refusals),
        "hubs": [_hub(hub) for hub in review.hubs],
        "problems": [problem_json(problem) for problem in review.problems],
        "held": list(review.held),
        "standing": review.standing,
        "conflicts": list(review.conflicts),
        "live": review.live,
        "comment": comment(review),
    }


def _hub(hub: HubReview) -> Json:
    return asdict(hub)
