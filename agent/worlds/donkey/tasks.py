"""What the driver senses: importing this package registers upstream's ``donkey-*-v0`` environment ids."""

from __future__ import annotations

import gymnasium

from agent.simulator.tracks import scene_names

# Upstream's environment ids (gym-donkeycar 1.3.1) and the simulator's scene behind each.
SCENE_OF_ENV = {
    "donkey-generated-roads-v0": "generated_road",
    "donkey-warehouse-v0": "warehouse",
    "donkey-avc-sparkfun-v0": "sparkfun_avc",
    "donkey-generated-track-v0": "generated_track",
    "donkey-mountain-track-v0": "mountain_track",
    "donkey-roboracingleague-track-v0": "roboracingleague_1",
    "donkey-waveshare-v0": "waveshare",
    "donkey-minimonaco-track-v0": "mini_monaco",
    "donkey-warren-track-v0": "warren",
    "donkey-thunderhill-track-v0": "thunderhill",
    "donkey-circuit-launch-track-v0": "circuit_launch",
    # Our own: a closed road that every reset seed draws anew.
    "donkey-random-track-v0": "random_track",
}


def embedded_env_ids() -> list[str]:
    """The ids whose scene the embedded world carries."""
    scenes = scene_names()
    return [env_id for env_id, scene in SCENE_OF_ENV.items() if scene in scenes]


def check_env_id(env_id: str) -> None:
    """Accept the id of an environment whose scene is at hand; a simulator on the wire needs it for its track.

    :raises ValueError: an unknown id, or one whose scene is not at hand yet
    """
    if env_id not in embedded_env_ids():
        known = "has no embedded scene yet" if env_id in SCENE_OF_ENV else "is unknown"
        raise ValueError(f"env {env_id!r} {known}; choose from {', '.join(embedded_env_ids())}")


def register_envs() -> None:
    """Register upstream's ids with Gymnasium, unless upstream's own package has done so already."""
    for env_id, scene in SCENE_OF_ENV.items():
        if env_id not in gymnasium.registry:
            gymnasium.register(
                id=env_id, entry_point="agent.worlds.donkey.env:DonkeyEnv", kwargs={"level": scene}
            )


register_envs()
