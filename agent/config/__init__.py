"""The ground: the parts of a trial's configuration, its command line, the names of its files."""
