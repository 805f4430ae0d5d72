"""One module for each that is measured: ``measure(shape) -> seconds`` from graph to results."""
