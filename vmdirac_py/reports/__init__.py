"""Read-only queries for the command line, pages and metrics."""
