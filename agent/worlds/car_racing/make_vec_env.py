"""The vectorised environments of CarRacing for a purpose."""

from __future__ import annotations

from stable_baselines3.common.vec_env import VecEnv

from agent.worlds.base import Learner, Purpose
from agent.worlds.car_racing.actions import Actions
from agent.worlds.car_racing.backend import Backend
from agent.worlds.car_racing.exact_backend import ExactBackend
from agent.worlds.car_racing.gymnasium_backend import GymnasiumBackend
from agent.worlds.car_racing.observation import window_of
from agent.worlds.car_racing.options import CarRacingOptions
from agent.worlds.car_racing.self_check import difference
from agent.worlds.car_racing.teacher import PATIENT, Teacher
from agent.worlds.car_racing.training_rules import TrainingRules
from agent.worlds.car_racing.vec_env import NO_RULES, CarRacingVecEnv
from agent.worlds.car_racing.worker_backend import WorkerBackend

MANY = 4  # cars that are worth the seconds in which processes start


GROWTH = 0.5  # share of training in which the speed's cost grows; chosen


def make_vec_env(
    options: CarRacingOptions, n: int, purpose: Purpose, seed: int, learner: Learner
) -> VecEnv:
    """Cars side by side; see ``World.make_vec``.

    :param options: of the world
    :param n: how many
    :param purpose: training, choosing or judging
    :param seed: the trial's
    :param learner: facts about who learns in them
    """
    training = purpose is Purpose.TRAIN
    window = window_of(options)
    backend = open_backend(options, n, purpose)
    teacher = None
    if training and learner.labelled:
        takeover = int(options.expert_share * learner.timesteps)
        first = purpose.first_seed(seed)
        teacher = Teacher(n, PATIENT, options.steer_limit, takeover, first)
    vec_env = CarRacingVecEnv(
        backend,
        window.shape,
        (options.frame_stack, options.frame_gap),
        Actions(
            "five" if learner.discrete else options.actions, options.steer_limit, options.creep
        ),
        options.action_repeat,
        rules_of(options, learner.timesteps) if training else NO_RULES,
        teacher,
        options.bar != "keep",
    )
    vec_env.seed(purpose.first_seed(seed))
    return vec_env


def rules_of(options: CarRacingOptions, timesteps: int) -> TrainingRules:
    """Rules of the episodes of training, which is so many decisions long."""
    return TrainingRules(
        options.patience,
        options.lap_patience,
        options.patience_pays,
        options.speed_cost,
        int(GROWTH * timesteps),
    )


def open_backend(options: CarRacingOptions, n: int, purpose: Purpose) -> Backend:
    """The backend that the options ask for.

    :param options: of the world
    :param n: cars
    :param purpose: judged in many cars, Gymnasium's are in processes of their own
    """
    colours = options.domain_randomize and purpose is Purpose.TRAIN
    window = window_of(options)
    if options.backend == "own":
        differs = difference()
        if not differs:
            return ExactBackend(n, window, colours)
        print(
            f"the installed CarRacing-v3 is another than ours by {differs};"
            " Gymnasium's own drives and draws, which takes longer",
            flush=True,
        )
    if purpose is Purpose.JUDGE and n >= MANY:
        return WorkerBackend(n, window)
    return GymnasiumBackend(n, window, colours)
