"""Running one trial somewhere and saying in words what became of it."""
