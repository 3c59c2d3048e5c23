"""The tables derived from events. Written only by applying events."""
