"""The search: histories of commits, people, faults and passes, each call judged, in process on virtual time.

It finds where the reconciler is wrong before anybody else does. It may import everything; nothing imports it but tests.
"""
