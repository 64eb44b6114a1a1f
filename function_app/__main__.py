"""`python -m function_app` is `egressctl`."""

from function_app.cli import main

main()
