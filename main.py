"""What the Functions host loads, by its setting PYTHON_SCRIPT_FILE_NAME=main.py."""

from function_app.triggers import app

__all__ = ["app"]
