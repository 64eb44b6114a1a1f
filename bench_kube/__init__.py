"""Our pass, kubectl and Flux's apply engine side by side on one real API server; `python -m bench_kube` runs it."""
