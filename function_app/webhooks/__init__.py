"""What Git hosts send when a branch has moved: is it genuine, and what does it say. Pure; nothing here acts on anything.

A provider is a module with `verify`, which judges the raw bytes as they came, and `parse`, which is called only after that. What
they say decides whether and for whom a pass is asked for, never what it does: the pass fetches.
"""
