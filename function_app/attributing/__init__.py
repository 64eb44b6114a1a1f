"""Azure Firewall's structured logs, line by line: who was behind each, what it adds up to, what might be allowed.

Streams: a line comes in, goes out, and leaves a bounded trace. Knows neither files nor terminals; whoever calls hands over lines.
"""
