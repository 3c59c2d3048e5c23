"""Imports: a file is read, checked, previewed and then recorded as a whole."""
