"""One module for each that is measured: ``measure(shape, folder) -> seconds``, graph to results.

Who they are, and what they cannot do, stands in `benchmarks.registry`.
"""
