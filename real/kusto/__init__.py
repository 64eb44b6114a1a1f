"""Kusto's own parser and binder, Microsoft's language service of npm: what is wrong with a query, without a workspace.

It reads a query as the engine does and knows columns, types and functions; it runs nothing.
"""
