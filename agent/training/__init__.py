"""Inside one trial: algorithms, callbacks, evaluation and checkpoints. Knows ``agent.envs`` and what a trial is."""
