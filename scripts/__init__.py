"""What `make` runs around the program: setting up, serving, finding the services of the tests.

Standard library only: most of it runs before anything is installed. Nothing here knows the ledger.
"""
