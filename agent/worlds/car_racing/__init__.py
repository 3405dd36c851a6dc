"""CarRacing-v3 of Gymnasium: the installed one, and an exact and fast one of our own."""
