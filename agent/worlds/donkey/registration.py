"""Importing this module registers upstream's ``donkey-*-v0`` environment ids with Gymnasium."""

from __future__ import annotations

import gymnasium

from agent.worlds.donkey.tasks import SCENE_OF_ENV


def register_envs() -> None:
    """Register upstream's ids, unless upstream's own package has done so already."""
    for env_id, scene in SCENE_OF_ENV.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                id=env_id,
                entry_point="agent.worlds.donkey.env:DonkeyEnv",
                kwargs={"level": scene},
            )


register_envs()
