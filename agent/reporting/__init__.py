"""Seeing the search: what the ledgers hold, as pictures and one page. Knows the search and the trials, never torch."""
