"""Drivers that know the road: they teach, follow a line, or set the reference lap."""
