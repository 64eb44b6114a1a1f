"""The status page: one HTML file, rendered from what passes stored. No build step, nothing from elsewhere, no cookie."""

from function_app.reporting.page.content import HubContent, content_of
from function_app.reporting.page.rendering import Page, render

__all__ = ["HubContent", "Page", "content_of", "render"]
