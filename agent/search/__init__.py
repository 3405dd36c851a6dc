"""Search: spaces, the Gaussian process, the next trial and when to stop. Needs numpy only."""
