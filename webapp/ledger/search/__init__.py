"""Searches and pages of the long lists: conditions, their SQL, and the order of the rows."""
