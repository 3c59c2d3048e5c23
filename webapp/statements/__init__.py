"""Statements of retirements: what is handed to a buyer, as a page, as PDF and as data."""
