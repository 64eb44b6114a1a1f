"""Mistakes planted on purpose, one at a time, to learn whether the tests would notice.

A mistake is a text of the source and another text in its place, with a name and the sentence that says what it would do in
the field. It is planted in a copy of the tree, never in the tree itself.
"""
