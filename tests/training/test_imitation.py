"""Learning from a teacher: the book of lessons, the loss, a whole training, and going on with one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from stable_baselines3.common.logger import configure

from agent.config.trial import TrialConfig, UserError
from agent.evaluation.episodes import Episode, Score
from agent.simulator.track_progress import CTE
from agent.training import callbacks
from agent.training.algorithms import build
from agent.training.algorithms.fast_ppo import FastPPO
from agent.training.imitation.background import BackgroundLearner, lesson_loss
from agent.training.imitation.dataset import LARGE, WEIGHTS, AggregatedDataset, ImitationBatch
from agent.training.run import run_trial
from agent.training.vec_envs import make_evaluation_worlds, make_training_worlds
from agent.training.warm_start import begin_with

Build = Callable[..., TrialConfig]


def test_the_book_keeps_the_newest_lessons() -> None:
    book = AggregatedDataset((1, 8, 8), kept=10)
    for first in (0, 6, 12):
        steps = np.arange(first, first + 6, dtype=np.float32)
        pictures = np.broadcast_to(steps.astype(np.uint8)[:, None, None, None], (6, 1, 8, 8))
        book.write(pictures, np.stack([steps, -steps, *[steps] * 6], axis=1), 2 * steps)
    book.set_homework(1, 200)
    assert book.homework is not None
    page = book.page(book.homework[0], torch.device("cpu"))
    assert len(book) == 10
    assert set(page.lessons[:, 0].tolist()) == set(map(float, range(8, 18)))
    assert torch.equal(page.pictures[:, 0, 0, 0].float(), page.lessons[:, 0])
    assert torch.equal(page.returns, -2 * page.lessons[:, 1])


def test_a_book_is_put_away_without_its_empty_pages() -> None:
    book = AggregatedDataset((1, 8, 8), kept=1000)
    book.write(
        np.ones((3, 1, 8, 8), dtype=np.uint8),
        np.ones((3, 8), dtype=np.float32),
        np.arange(3, dtype=np.float32),
    )
    saved = pickle.dumps(book)
    again = pickle.loads(saved)
    assert len(saved) < 2000
    assert len(again) == 3
    assert len(again.returns) == 1000
    assert again.returns[:4].tolist() == [0.0, 1.0, 2.0, 0.0]
    again.write(*(getattr(book, name)[:1] for name in ImitationBatch._fields))
    assert len(again) == 4


def test_the_loss_is_the_difference_from_the_teacher_and_the_critic_moves_no_feature(
    tiny: Build,
) -> None:
    config = tiny(taught=1.0)
    worlds = make_training_worlds(config, config.gamma)
    model = build(config, worlds)
    assert isinstance(model, FastPPO)
    pictures = torch.from_numpy(np.asarray(worlds.reset()))
    policy: Any = model.policy
    with torch.no_grad():
        mean = policy.get_distribution(pictures).mode()
        said = torch.cat((mean, policy.ahead_net(policy.features_extractor(pictures))), dim=1)
    apart = torch.tensor([0.2, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.1])
    returns = torch.tensor([3.0, -1.0])
    loss, numbers = lesson_loss(
        policy, ImitationBatch(pictures, said + apart, returns), model.vf_coef
    )
    expected = WEIGHTS[0] * 0.04 + WEIGHTS[1] * LARGE * (2.0 * 2.0 - LARGE)
    values = model.policy.predict_values(pictures).flatten()
    assert numbers[0].item() == pytest.approx(expected, rel=1e-5)
    assert numbers[1].item() == pytest.approx((values - returns).square().mean().item(), rel=1e-4)
    expected += WEIGHTS[2] * LARGE * (2.0 * 1.0 - LARGE) + WEIGHTS[7] * 0.01
    assert loss.item() == pytest.approx(
        expected + config.settings.vf_coef * numbers[1].item(), rel=1e-5
    )
    only_critic = lesson_loss(policy, ImitationBatch(pictures, said, returns), model.vf_coef)[0]
    gradient = torch.autograd.grad(
        only_critic, list(model.policy.features_extractor.parameters()), materialize_grads=True
    )
    assert all(part.abs().max() < 1e-6 for part in gradient)
    worlds.close()


def mind(policy: Any) -> list[torch.Tensor]:
    """Copies of weights and of Adam's moments."""
    optimizer = policy.optimizer
    return [
        optimizer.row.detach().clone(),
        *(value.clone() for value in optimizer.state[optimizer.row].values()),
    ]


def test_a_study_leaves_the_policy_alone_until_it_ends_and_then_makes_it_what_it_would_have_become(
    tiny: Build,
) -> None:
    config = tiny(taught=1.0)
    worlds = make_training_worlds(config, config.gamma)
    models = [cast(FastPPO, build(config, worlds)) for _ in range(2)]
    book, rng = (
        AggregatedDataset(models[0].observation_space.shape or (), kept=64),
        np.random.default_rng(3),
    )
    book.write(
        rng.integers(0, 256, (64, *book.pictures.shape[1:]), dtype=np.uint8),
        rng.normal(size=book.lessons.shape).astype(np.float32),
        rng.normal(size=64).astype(np.float32),
    )
    for _ in range(2):  # the second time optimisers have a past
        book.set_homework(3, 16)
        homework = book.homework
        assert homework is not None
        here, there = (cast(Any, model.policy) for model in models)
        study = BackgroundLearner(here, 0.5, 0.5)
        before = mind(here)
        study.begin(here, book)
        for at in homework:
            there.optimizer.descend(
                lesson_loss(there, book.page(at, models[1].device), 0.5)[0], 0.5
            )
        assert all(map(torch.equal, mind(here), before))
        study.end(here, book)
        assert book.homework is None
        assert not torch.equal(here.optimizer.row, before[0])
        assert all(map(torch.equal, mind(here), mind(there)))
        assert torch.equal(here.action_net.weight, there.action_net.weight)
    worlds.close()


def test_a_taught_driver_comes_nearer_to_its_teacher(tiny: Build) -> None:
    config = tiny(timesteps=8192, n_envs=16, n_steps=32, batch_size=64, taught=1.0, max_episode_steps=200,
                  log_std_init=-2.0, lr_end=0.1)  # fmt: skip
    worlds = make_training_worlds(config, config.gamma)
    model, fresh = build(config, worlds), build(config, worlds)
    assert isinstance(model, FastPPO)
    assert isinstance(fresh, FastPPO)
    model.set_logger(configure(None, []))
    model.learn(8192)
    assert model.lessons is not None
    page = model.lessons.page(np.arange(512), model.device)
    errors = [lesson_loss(each.policy, page, each.vf_coef)[1][0].item() for each in (model, fresh)]
    assert errors[0] < 0.8 * errors[1]
    assert model.study is not None
    (group,) = model.study.copy.optimizer.param_groups
    assert group["lr"] == pytest.approx(0.1 * config.settings.learning_rate), (
        "steps shrink as training goes on"
    )
    worlds.close()


def test_after_its_share_of_training_the_teacher_goes_and_ppo_begins(tiny: Build) -> None:
    config = tiny(timesteps=128, n_steps=16, taught=0.5)
    worlds = make_training_worlds(config, config.gamma)
    model = build(config, worlds)
    logger, seen = configure(None, []), set[str]()
    model.set_logger(logger)

    def look(*_: Any) -> bool:
        seen.update(logger.name_to_value)
        return True

    model.learn(128, callback=look)
    seen |= logger.name_to_value.keys()
    assert isinstance(model, FastPPO)
    assert model.lessons is None  # hundreds of megabytes that nobody reads any more
    assert "train/lesson_loss" in seen and "train/approx_kl" in seen
    assert cast(Any, worlds.unwrapped).batch.teacher is None
    worlds.close()


def note_lessons(model: FastPPO, books: list[AggregatedDataset], *_: Any) -> bool:
    books += [model.lessons] if model.lessons else []
    return True


def test_lessons_that_weigh_beside_the_reward_go_on_and_move_the_policy(tiny: Build) -> None:
    """Where nothing is ever to be gained or lost (clipped to nothing), it is the lessons alone that are learned."""
    errors = []
    for weight in (0.0, 3.0):
        config = tiny(timesteps=4096, n_envs=16, n_steps=32, batch_size=64, taught=0.25, lesson_weight=weight,
                      max_episode_steps=200, log_std_init=-2.0, clip_range=1e-9, vf_coef=0.0)  # fmt: skip
        worlds = make_training_worlds(config, config.gamma)
        model = cast(FastPPO, build(config, worlds))
        logger = configure(None, [])
        model.set_logger(logger)
        books: list[AggregatedDataset] = []
        model.learn(4096, callback=partial(note_lessons, model, books))
        page = books[0].page(np.arange(512), model.device)
        errors.append(lesson_loss(model.policy, page, 0.0)[1][0].item())
        assert (model.lessons is not None) == bool(weight)
        assert ("train/lesson_loss" in logger.name_to_value) == bool(weight)
        assert "train/approx_kl" in logger.name_to_value
        worlds.close()
    assert errors[1] < 0.8 * errors[0]


@pytest.mark.parametrize(("taught", "weight"), [(1.0, 0.0), (0.5, 0.0), (0.5, 1.0)])
def test_who_is_taught_to_the_end_keeps_the_latest_checkpoint(
    tiny: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taught: float, weight: float
) -> None:
    worse = iter(range(9, 0, -1))
    monkeypatch.setattr(
        callbacks, "evaluate", lambda *_: Score([Episode(float(next(worse)), 1, 0.0, 0)])
    )
    run_trial(tiny(timesteps=128, n_steps=16, taught=taught, lesson_weight=weight), tmp_path)
    first, *later = [
        json.loads(line)["best"] for line in (tmp_path / "progress.jsonl").read_text().splitlines()
    ]
    assert first and later and set(later) == {taught == 1.0 or weight > 0.0}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"taught": 0.5, "env": ["donkey-warren-track-v0@9091"]},
            "taught 0.5 is for embedded worlds in one batch",
        ),
        ({"taught": 0.5, "reward_term": ["scale=3"]}, "drop it or scale=3"),
        ({"taught": 0.5, "agent": "sac"}, "taught 0.5 is no setting of sac"),
        ({"road_replay": 0.5}, "needs roads to choose from; give --roads"),
        ({"taught": 1.5}, "too large"),
        ({"lesson_weight": 1.0}, "lesson_weight 1.0 needs lessons to weigh; give --taught"),
        ({"crossroads": 0.5}, "crossroads 0.5 is for lessons; give --taught"),
        (
            {"taught": 0.5, "crossroads": 0.5, "growing": 0.3},
            "growing 0.3 and crossroads 0.5 both choose roads",
        ),
    ],
)
def test_what_cannot_be_taught_is_refused(tiny: Build, changes: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line.replace("(", r"\(")):
        tiny(**changes)


def test_a_warm_start_drives_as_its_model_does_and_another_network_is_refused(
    tiny: Build, tmp_path: Path
) -> None:
    run_trial(tiny(seed=1), tmp_path / "first")
    model = tmp_path / "first" / "model.zip"
    warm = tiny(seed=2, warm_start=str(model), learning_rate=1e-12)
    score, _ = run_trial(warm, tmp_path / "warm")
    assert json.loads((tmp_path / "warm" / "config.json").read_text())["warm_start"] == str(model)
    judged, _ = run_trial(tiny(seed=2, warm_start=str(tmp_path / "warm" / "model.zip"), learning_rate=1e-12),
                          tmp_path / "third")  # fmt: skip
    assert judged.mean_reward == pytest.approx(score.mean_reward, rel=1e-3)
    with pytest.raises(UserError, match=r"its \S+ is \[16, 16\], this trial's is \[16, 48\]"):
        run_trial(tiny(warm_start=str(model), frame_stack=3), tmp_path / "other")
    assert not (tmp_path / "other").exists()
    (tmp_path / "torn.zip").write_bytes(b"PK")
    with pytest.raises(UserError, match="is no saved model"):
        run_trial(tiny(warm_start=str(tmp_path / "torn.zip")), tmp_path / "other")


def test_a_taught_driver_warms_an_untaught_one_and_the_other_way(
    tiny: Build, tmp_path: Path
) -> None:
    for taught in (0.0, 1.0):
        config = tiny(taught=taught)
        worlds = make_training_worlds(config, config.gamma)
        build(config, worlds).save(tmp_path / f"{taught:g}")
        worlds.close()
    for taught in (0.0, 1.0):
        config = tiny(taught=taught, seed=5)
        worlds = make_training_worlds(config, config.gamma)
        model = build(config, worlds)
        begin_with(model, tmp_path / f"{1.0 - taught:g}.zip")
        theirs = FastPPO.load(tmp_path / f"{1.0 - taught:g}.zip")
        own, given = (cast(Any, each.policy).action_net.weight for each in (model, theirs))
        assert own.equal(given)
        worlds.close()


def test_who_is_taught_begins_astray_and_who_is_judged_does_not(tiny: Build) -> None:
    aside = {}
    for taught in (0.0, 1.0):
        config = tiny(taught=taught, n_envs=32)
        worlds = make_training_worlds(config, config.gamma)
        worlds.reset()
        aside[taught] = np.abs(cast(Any, worlds.unwrapped).batch.fleet.progress_states[:, CTE]).max()
        worlds.close()
    assert aside[0.0] < 2.0
    assert 3.0 < aside[1.0] < 0.8 * config.max_cte
    judged = make_evaluation_worlds(config, config.env, 8)
    judged.reset()
    assert np.abs(cast(Any, judged).batch.fleet.progress_states[:, CTE]).max() < 1.0
    judged.close()
