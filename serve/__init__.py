"""The service at a desk: the worker library that Azure runs with our app in it, and a stand-in for the .NET host around it.

The library is the real one (azure-functions-runtime): it loads the app, indexes it and invokes its functions. What Azure's host
does around that, which is not to be had as a library, is imitated here as far as the app depends on it: routes and keys, the
limit on bodies, the queue's hiding, renewing and poisoning, the timer. docs/not-proven.md lists what stays unproven by this.
"""
