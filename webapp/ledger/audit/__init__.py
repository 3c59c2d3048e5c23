"""The checks of `flask verify`: everything stored compared with the log. Reads only."""
