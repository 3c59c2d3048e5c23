"""The file formats that are recognised by their headers: a table of columns for each."""
