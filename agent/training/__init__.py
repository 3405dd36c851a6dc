"""Inside one trial: algorithms, imitation, callbacks and checkpoints. Knows no world."""
