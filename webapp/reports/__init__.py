"""Yearly reports of retirements: their figures, and the files that hold them."""
