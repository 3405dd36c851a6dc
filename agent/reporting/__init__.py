"""Pictures and one page from the ledgers. Knows search, study and trials, never torch."""

import logging

# Without a home it warns, in three lines, that it keeps its fonts in a temporary folder.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
