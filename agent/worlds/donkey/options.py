"""Options of the DonkeyCar world, one field each, in the order in which search spaces list them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from agent.config.errors import UserError
from agent.config.settings import Part, SearchChoices, SearchRange, inherited, part, setting
from agent.worlds.base import WorldOptions, shown_address, split_task
from agent.worlds.donkey.reward_terms import describe_terms, parse_terms

JUDGED_STEPS = 3000  # chosen: 1.5 reference laps of the longest track by a trial's usual throttle
RANDOM_ROADS = 2**31  # how many random roads there are where ``roads`` sets no bound


@part
class RewardOptions(Part):
    """Options of what a driver is paid for and sees."""

    reward: str = setting(
        "sim",
        "reward to train on",
        choices=("sim", "speed", "efficiency", "race"),
        common=True,
        search=SearchChoices(("sim", "efficiency")),
        spellings={"speed": {"reward": "sim", "reward_shaping": True}},
        judged="sim",
    )
    reward_shaping: bool = setting(
        False,
        "train on speed*(1-|cte|/max_cte) instead of the simulator's reward: --reward speed",
        common=True,
        judged=False,
        search=SearchChoices((True, False), when=("reward", "sim")),
    )
    reward_term: list[str] = setting(
        [],
        "NAME[=VALUE][,SETTING=VALUE...]: a term that changes the training reward; repeat for"
        f" several, which act in this order: {describe_terms()}",
        metavar="TERM",
        judged=[],
    )
    observation: str = setting(
        "fast",
        "fast: sky cropped, 40x80, grey, frames stacked; raw: 120x160 RGB",
        choices=("fast", "raw"),
        search=SearchChoices(("fast", "raw")),
    )


@part
class DriveOptions(Part):
    """Options of how a car drives and looks, and how its episodes end."""

    steer_limit: float = setting(
        1.0, "largest steering command", above=0.0, high=1.0, search=SearchRange(0.5, 1.0)
    )
    throttle_min: float = setting(
        0.1, "smallest throttle command", low=0.0, high=1.0, search=SearchRange(0.0, 0.2)
    )
    throttle_max: float = setting(
        0.35, "largest throttle command", above=0.0, high=1.0, search=SearchRange(0.25, 0.6)
    )
    n_steer: int = setting(
        7,
        "steering bins of the discretised action space (DQN)",
        low=2,
        high=99,
        needs="discrete",
        search=SearchRange(3, 11),
        in_spec=True,
    )
    n_throttle: int = setting(
        3,
        "throttle bins of the discretised action space (DQN)",
        low=2,
        high=99,
        needs="discrete",
        search=SearchRange(2, 6),
        in_spec=True,
    )
    max_episode_steps: int = setting(
        1000, "steps after which an episode is truncated (20 a second)", low=1, judged=JUDGED_STEPS
    )
    max_cte: float = setting(
        8.0, "cross-track error that ends an episode, Unity units (8 u = 1 m)", above=0.0
    )
    appearance: str = setting(
        "plain",
        "random: training worlds look otherwise in every episode (light, colours, worn lines,"
        " camera, things beside)",
        choices=("plain", "random"),
        judged="plain",
    )


@part
class DonkeyOptions(DriveOptions, WorldOptions, RewardOptions):
    """All that decides how the DonkeyCar world looks, drives and pays."""

    frame_stack: int = inherited(
        WorldOptions,
        "frame_stack",
        1,
        help="pictures in a fast observation, the newest last",
        search=SearchChoices((1, 2, 4), when=("observation", "fast")),
    )
    action_repeat: int = inherited(
        WorldOptions,
        "action_repeat",
        1,
        help="control steps that a decision is held for, 20 a second; training counts decisions",
    )
    roads: int = setting(
        0,
        "random roads to train on, again and again; 0 for another in every episode",
        low=0,
        judged=0,
    )
    road_replay: float = setting(
        0.0,
        "share of training's roads drawn by how much was left to learn there",
        low=0.0,
        high=1.0,
        judged=0.0,
        needs="level_replay",
    )
    narrow_crossing_share: float = setting(
        0.0,
        "share of generated roads that are drawn for a narrow crossing while an expert labels them",
        low=0.0,
        high=1.0,
        old_names=("crossroads",),
        judged=0.0,
    )
    curriculum_share: float = setting(
        0.0,
        "share of training in which roads grow from the gentlest to all, and speed with them",
        low=0.0,
        high=1.0,
        old_names=("growing",),
        judged=0.0,
    )
    teacher_grip: float = setting(
        0.5,
        "share of the tyres' grip that the expert uses",
        above=0.0,
        high=1.0,
        needs="imitation",
    )
    client: str = setting(
        "own",
        "what speaks to simulators on ports",
        choices=("own", "gym-donkeycar"),
        hyperparameter=False,
    )
    reconnect: bool = setting(
        False,
        "when a simulator is lost, end the episode and connect anew, instead of the trial",
        hyperparameter=False,
    )

    def check(self) -> None:
        """Refuse impossible values and such as do not go together.

        :raises UserError: the first of them
        """
        super().check()
        try:
            parse_terms(self.reward_term)
        except ValueError as error:
            raise UserError(str(error), "reward_term") from error
        if self.throttle_min >= self.throttle_max:
            raise UserError(
                f"throttle_min {self.throttle_min} is not below throttle_max {self.throttle_max};"
                " lower it",
                "throttle_min",
                "throttle_max",
            )
        if self.road_replay and not self.roads:
            raise UserError(
                f"road_replay {self.road_replay} needs roads to choose from; give --roads 512",
                "road_replay",
            )
        for one, other in combinations(
            ("road_replay", "curriculum_share", "narrow_crossing_share"), 2
        ):
            if getattr(self, one) and getattr(self, other):
                raise UserError(
                    f"{one} {getattr(self, one)} and {other} {getattr(self, other)} both choose"
                    " roads; set one to 0",
                    one,
                    other,
                )

    @property
    def training_reward(self) -> str:
        """Name of the reward that training sees: ``reward``, or ``speed`` by ``reward_shaping``."""
        return "speed" if self.reward_shaping and self.reward == "sim" else self.reward


def addresses(tasks: Sequence[str]) -> list[str]:
    """``HOST:PORT`` of every task that is not embedded.

    :raises UserError: an address that is none
    """
    split = (split_task(task)[1] for task in tasks)
    return [shown_address(*address) for address in split if address]
