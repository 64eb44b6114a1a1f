"""Azurite, Microsoft's emulator of Azure Storage: installed from npm into a cache outside the tree, run on free ports of loopback.

Tests hold the storage adapters against it, and a desk runs the service on it. It is no part of what is deployed.
"""
