"""cloudmesh-flow beside others on the same work: `make bench`, or `python -m benchmarks --help`."""
