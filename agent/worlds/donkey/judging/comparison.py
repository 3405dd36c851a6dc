"""Races and films of policies on an embedded track, for ``HasRaces`` and ``HasFilms``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.worlds.comparisons import RaceOptions
from agent.worlds.donkey.judging.baselines import FOLLOWER, race_reference, scripted_race
from agent.worlds.donkey.judging.film import Film
from agent.worlds.donkey.judging.race import Race, race, race_env
from agent.worlds.donkey.judging.race_table import show_race
from agent.worlds.donkey.options import DonkeyOptions
from agent.worlds.donkey.own_tracks import short_name
from agent.worlds.donkey.tasks import scene_of
from agent.worlds.film_files import show_files

if TYPE_CHECKING:
    from stable_baselines3.common.type_aliases import PolicyPredictor


def race_policies(
    policies: Mapping[str, PolicyPredictor],
    env_id: str,
    world: tuple[DonkeyOptions, bool],
    laps: int,
    options: RaceOptions,
) -> dict[str, Any]:
    """Race, print the table, and return what the ledger keeps.

    :param policies: who races, by name; the first is filmed
    :param env_id: without an address
    :param world: options of the first policy's world, and whether its actions are discrete
    :param laps: to be driven
    :param options: of the comparison
    """
    own, discrete = world
    env = race_env(own, discrete, env_id)
    film = Film(_title(env_id)) if options.films else None
    races: dict[str, Race] = {}
    for name, policy in policies.items():
        watch = None if races else film
        races[name] = race(env, policy, laps, options.seed, watch)
    reference_sec = None
    if options.scripted:
        races[FOLLOWER] = scripted_race(own, env_id, laps, options.seed)
        reference_sec = race_reference(own, env_id, laps, options.seed)
    show_race(env_id, races, reference_sec)
    if film and options.films:
        show_files(film.save(options.films / film.title))
    return {
        "races": {name: each.to_json() for name, each in races.items()},
        "reference_lap_sec": reference_sec,
    }


def film_lap(
    policy: PolicyPredictor,
    env_id: str,
    world: tuple[DonkeyOptions, bool],
    seed: int,
    folder: Path,
) -> list[Path]:
    """Film a policy's first lap; returns the files.

    :param policy: who drives
    :param env_id: without an address
    :param world: options of the policy's world, and whether its actions are discrete
    :param seed: of the environment
    :param folder: for the files
    """
    film = Film(_title(env_id))
    race(race_env(*world, env_id), policy, 1, seed, film)
    return film.save(folder / film.title)


def _title(env_id: str) -> str:
    """The scene's name, which names the film's files too."""
    return short_name(scene_of(env_id))
