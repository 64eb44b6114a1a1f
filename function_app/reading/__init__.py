"""Text to definitions: a commit's files become valid definitions, every problem with its place. Imports model, ports and yaml."""
