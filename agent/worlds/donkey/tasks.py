"""Upstream's environment ids: one line a track, whose scene is a file in ``simulator/scenes``."""

from __future__ import annotations

from agent.config.errors import UserError, unknown_text
from agent.worlds.donkey.own_tracks import check_file, full_name, parse_name

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
# Environment ids by themselves and by their scenes.
IDS = {
    **{env_id: env_id for env_id in SCENE_OF_ENV},
    **{scene: env_id for env_id, scene in SCENE_OF_ENV.items()},
}
OUR_OWN = "random_track"  # no track of the simulator's
# Scripted drivers of a recording.
FOLLOWER = "follower"
REFERENCE = "reference"  # on the race line


def check_env_id(env_id: str) -> None:
    """Accept the id of an environment; a simulator on a port needs it for its track.

    :param env_id: upstream's, or a name of ``own_tracks``
    :raises UserError: an unknown id, or a scene file that is gone, changed or none
    """
    if env_id in SCENE_OF_ENV:
        return
    if full_name(env_id, IDS) is None:
        raise UserError(f"env {unknown_text(env_id, SCENE_OF_ENV)}", "env")
    check_file(env_id)


def scene_of(env_id: str) -> str:
    """The simulator's name of an environment's scene: a name, or the path of a file.

    :param env_id: upstream's, or a name of ``own_tracks``
    :raises UserError: as ``check_env_id``
    """
    check_env_id(env_id)
    parts = parse_name(env_id)
    return parts.joined(SCENE_OF_ENV.get(parts.track, parts.track))
