"""The parts of a trial's configuration, its command line, and the names of its files. Everything stands on this."""
