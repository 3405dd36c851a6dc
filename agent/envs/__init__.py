"""Registers environments with Gymnasium for ``make("agent.envs:donkey-warren-track-v0")``.

Gymnasium 1.0 did away with entry points by which a package registers environments unasked; a module
before the id's colon is imported instead.
"""

from agent.worlds.donkey.registration import register_envs

register_envs()
