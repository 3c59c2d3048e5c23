"""Search and keyset pagination of lists: search conditions, their SQL, and ordered index scans."""
