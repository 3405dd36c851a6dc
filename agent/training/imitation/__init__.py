"""Learning from an expert's labels and from recorded drives."""
