"""Readers: the bytes of a file become the texts of its rows."""
