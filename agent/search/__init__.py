"""What to try next: search spaces, the Gaussian process and its proposals. Needs numpy only."""
