"""A simulator on a TCP port, spoken to by our client or upstream's."""
