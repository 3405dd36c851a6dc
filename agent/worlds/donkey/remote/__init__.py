"""A simulator on a TCP port: two clients that speak to it, and the world that they make of it."""
