"""Executors: each runs one trial somewhere and says what became of it."""
