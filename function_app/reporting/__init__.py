"""Plans and reports as text, tables and JSON. Decides nothing."""
