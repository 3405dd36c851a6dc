"""Pictures and one page from the ledgers. Knows search, study and trials, never torch."""
