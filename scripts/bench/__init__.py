"""Measures the real server against a bare Flask route in the same run: `make bench`.

Every figure is a ratio within one run, because the machines this runs on differ and are shared.
"""
