"""Measure twoflow's speed as ratios to peers and to limits, each in one run: ``python -m benchmarks``."""
