"""Learning from an expert: labels of what the learner meets, or recorded demonstrations."""
