"""The published walkthrough as acts, each with its check."""
