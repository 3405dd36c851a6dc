"""The bundled driver of CarRacing comes round, seeing pictures alone."""

from __future__ import annotations

from agent.evaluation.episodes import evaluate
from agent.training.saved_model import load_model, read_driver
from agent.trials.champion import bundled_model
from agent.worlds.base import Purpose

MOST_BYTES = 5_000_000
EPISODES = 4


def test_it_laps_tracks_that_it_has_not_seen() -> None:
    path = bundled_model("car_racing")
    assert path.stat().st_size < MOST_BYTES
    _, driver = read_driver(path)
    config = driver.changed(backend="own")
    model = load_model(path, config, "cpu")
    world = config.the_world
    vec_env = world.make_vec(config.trial.env, config.world, EPISODES, Purpose.JUDGE, 11)
    try:
        score = evaluate(model, world, vec_env, EPISODES, Purpose.JUDGE.first_seed(11))
    finally:
        vec_env.close()
    assert score.mean_reward > 900.0
    assert [episode.end_reason for episode in score.episodes] == ["lap"] * EPISODES
