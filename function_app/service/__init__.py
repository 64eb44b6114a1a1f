"""What the service's triggers call: take in what is asked, make the passes, answer questions. Knows no Azure Functions."""
