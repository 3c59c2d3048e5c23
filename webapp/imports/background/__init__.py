"""Imports of large files, which are worked on in the background: received, staged, planned and recorded."""
