"""What the service does under load, measured on the desk of `make serve`: webhooks in a burst, many hubs on few workers."""
