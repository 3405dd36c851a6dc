"""Inside one trial: algorithms, callbacks, evaluation and checkpoints. Knows ``agent.worlds.donkey.tasks`` and what a trial is."""
