"""HTTP: what every request passes, whichever way it takes, and what knows no credit."""
