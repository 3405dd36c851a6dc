"""Options of CarRacing-v3, one field each, in the order in which search spaces list them."""

from __future__ import annotations

from agent.config.errors import UserError
from agent.config.settings import SearchChoices, SearchRange, inherited, part, setting
from agent.worlds.base import WorldOptions

BACKENDS = ("own", "gymnasium")


@part
class CarRacingOptions(WorldOptions):
    """All that decides how CarRacing-v3 looks, drives and ends."""

    action_repeat: int = inherited(
        WorldOptions,
        "action_repeat",
        2,
        help="frames that a decision is held for, 50 a second; training counts decisions",
        search=SearchChoices((1, 2, 3, 4)),
    )
    actions: str = setting(
        "two",
        "continuous actions: two, steering and gas minus brake; three, steering, gas and brake."
        " Discrete learners have the five of Gymnasium: nothing, right, left, gas, brake",
        choices=("two", "three"),
    )
    steer_limit: float = setting(
        0.42,
        "largest steering command; the wheels turn no further than 0.4",
        above=0.0,
        high=1.0,
        search=SearchRange(0.2, 1.0),
    )
    creep: float = setting(
        0.0,
        "least gas of a car that is slower than 3 units/s, whatever the learner says: without it a"
        " car that has braked on the grass may stand there for ever",
        low=0.0,
        high=1.0,
    )
    frame_size: int = setting(
        96,
        "side of the picture: 96, or 84 without six columns left and right and without the bar",
        low=84,
        high=96,
        search=SearchChoices((84, 96)),
    )
    colour: bool = setting(False, "pictures in colour, not in grey")
    bar: str = setting(
        "read",
        "the indicators below the picture: keep them as drawn; crop them; or read their seven"
        " numbers off the pixels and show them as steps of grey, which a network sees better",
        choices=("keep", "crop", "read"),
        search=SearchChoices(("crop", "read")),
    )
    domain_randomize: bool = setting(
        False, "other colours of road and grass in every episode of training", judged=False
    )
    patience: int = setting(
        150,
        "frames without a new tile after which an episode of training is cut off, 0 for never",
        low=0,
        high=1000,
        judged=0,
    )
    lap_patience: int = setting(
        0,
        "the same once all tiles but one in fourteen are touched, 0 for as many frames as before",
        low=0,
        high=1000,
        judged=0,
    )
    speed_cost: float = setting(
        0.0,
        "share of the tiles' reward that the way along them costs in training, growing in its first"
        " half: a discounted return pays too much for speed, too little for tiles that are missed",
        low=0.0,
        high=1.0,
        search=SearchRange(0.0, 0.9),
        judged=0.0,
    )
    patience_pays: bool = setting(
        False,
        "such an episode is over instead and pays for the frames that were left, as if no tile had"
        " come: a learner does not see which tiles it has missed",
        judged=False,
    )
    expert_share: float = setting(
        0.0,
        "share of training, at its beginning, in which the expert drives more and more seldom",
        low=0.0,
        high=1.0,
        judged=0.0,
        needs="imitation",
    )
    backend: str = setting(
        "own",
        "what moves and draws: our own CarRacing-v3, which is exact, or the installed Gymnasium's",
        choices=BACKENDS,
        judged="gymnasium",
        hyperparameter=False,
    )

    def check(self) -> None:
        """Refuse impossible values and such as do not go together.

        :raises UserError: the first of them
        """
        super().check()
        if self.frame_size not in (84, 96):
            raise UserError(f"frame_size {self.frame_size} is neither 84 nor 96", "frame_size")
        if self.frame_size == 84 and self.bar == "keep":
            raise UserError(
                "bar 'keep' is not in pictures of 84 rows; give --bar read, --bar crop or"
                " --frame-size 96",
                "bar",
                "frame_size",
            )
