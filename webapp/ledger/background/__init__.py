"""Work in the background: leases of jobs, the names of their owners, and the thread of a process."""
