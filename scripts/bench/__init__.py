"""Benchmarks of the real server, relative to a bare Flask route in the same run: `make bench`.

Figures are ratios within one run, because machines differ in speed and are shared.
"""
