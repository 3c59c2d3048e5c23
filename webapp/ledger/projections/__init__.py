"""The projections: tables derived from the log, written only by applying events."""
