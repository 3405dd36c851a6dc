"""One night of the search: where what to try next (``search``) meets running and remembering it (``trials``)."""
