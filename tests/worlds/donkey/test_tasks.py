"""Environment ids: every one has a scene and is registered, and others are refused."""

from __future__ import annotations

import gymnasium
import pytest

import agent.worlds.donkey.registration  # noqa: F401 - registers the ids
from agent.simulator.tracks import scene_names
from agent.worlds.donkey.tasks import SCENE_OF_ENV, check_env_id


def test_every_id_has_a_scene_of_its_own_and_every_scene_an_id() -> None:
    assert sorted(SCENE_OF_ENV.values()) == sorted(scene_names())


@pytest.mark.parametrize("env_id", SCENE_OF_ENV)
def test_ids_are_registered_and_accepted(env_id: str) -> None:
    assert env_id in gymnasium.registry
    check_env_id(env_id)


@pytest.mark.parametrize("env_id", ["donkey-atlantis-v0", "donkey-generated-track-v0@9091"])
def test_unknown_ids_are_refused_with_the_known_ones(env_id: str) -> None:
    with pytest.raises(ValueError, match=r"is unknown;.* choose from donkey-"):
        check_env_id(env_id)
