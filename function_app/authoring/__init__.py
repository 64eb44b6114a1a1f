"""Writing definitions for people: a free range, a new tenant's file, edits that keep every comment. Pure: text in, text out."""
