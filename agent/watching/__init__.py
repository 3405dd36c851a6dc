"""The page that shows nights while they run: a process of its own that reads files, and no more.

Knows nothing of worlds and networks. It imports neither numpy nor torch, so it starts at once and
stays small.
"""
