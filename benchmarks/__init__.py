"""How fast twoflow is: ratios to peers and to physical limits, each measured in one run. ``python -m benchmarks``."""
