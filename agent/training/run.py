"""One whole trial: train, choose the best checkpoint, judge it in episodes that no choice saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, configure

from agent.config import files
from agent.config.parts import NO_TRACKER
from agent.config.trial import TrialConfig
from agent.evaluation.episodes import MAX_SIDE_BY_SIDE, Look, Score, evaluate
from agent.training.algorithms import build, check_device, prepare_torch
from agent.training.callbacks import Diverged, FiniteGuard, Pruned, PruneWatch, StepLog, fault_of
from agent.training.checkpoint_chooser import CheckpointChooser
from agent.training.checkpoints import save_model
from agent.training.cleanup import cleanup_stack, telling_errors
from agent.training.collapse import CollapseGuard
from agent.training.live_view import LiveView
from agent.training.metrics import Metrics
from agent.training.progress_display import ProgressBar, ProgressLines, progress_callback
from agent.training.resume import StateKeeper, begin_anew, continue_training, read_state
from agent.training.trackers import TrackerWriter
from agent.training.trial_folder import open_folder
from agent.training.vec_envs import MakeVec, TrainingEnvs, make_training_envs
from agent.training.warm_start import begin_with
from agent.worlds.base import Purpose, SimulatorLost
from agent.worlds.capabilities import SharesSimulator

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

# Ends of a training that say nothing against the model and its environments.
CUT_SHORT = (KeyboardInterrupt, SimulatorLost, Pruned)


def run_trial(
    config: TrialConfig,
    folder: Path,
    log_steps: int = 0,
    *,
    keep_state: bool = False,
    resume: bool = False,
    on_open: Callable[[], None] = lambda: None,
) -> tuple[Score, str | None]:
    """Trains a model, keeps its best checkpoint as ``model.zip`` in ``folder``, and judges that.

    Every environment is closed on every way out. Whatever ends training early, ``last_model.zip``
    is saved. A simulator that is lost ends the trial with the world's own error. Nothing is written
    or deleted before all of the trial is there.

    :param config: the trial's
    :param folder: of its files
    :param log_steps: print every so many steps' reward; 0 for none
    :param keep_state: at every evaluation, and when training is cut short, write down all that
        ``resume`` needs
    :param resume: go on with the training whose state is in ``folder``, and keep it
    :param on_open: called once the folder is this trial's
    :returns: the final evaluation, ``eval_episodes`` long (at least one episode per task), and why
        training stopped early, None if it did not
    :raises UserError: a device, memory limit, augmentation, folder or kept state that cannot be;
        nothing is written
    :raises Pruned: the controller had it stop; ``model.zip`` is the best checkpoint so far
    :raises Diverged: NaN or infinity in training; ``model.zip`` is the last finite checkpoint
    """
    prepare_torch(config.trial.seed, config.trial.deterministic)
    check_device(config.trial.device, config.trial.mixed_precision)
    state = read_state(config, folder) if resume else None
    with cleanup_stack() as stack:
        make_vec, takes_turns = _connect(config, stack)
        training = make_training_envs(config, make_vec)
        stack.callback(training.vec_env.close)
        if state is None:
            model = _new_model(config, training)
            chooser = _chooser(config, folder, make_vec, takes_turns)
            stack.callback(chooser.vec_env.close)
        else:
            chooser = _chooser(config, folder, make_vec, takes_turns)
            stack.callback(chooser.vec_env.close)
            model = continue_training(config, folder, state, training, chooser)
            state = None  # large, and the model has what it needs
        open_folder(config, folder, resume)
        on_open()
        model.set_logger(_open_logger(folder))
        stack.callback(model.logger.close)
        tracker = None
        if config.trial.tracker != NO_TRACKER:
            tracker = TrackerWriter(config, folder)
            model.logger.output_formats.append(tracker)
        keeper = None
        if keep_state or resume:
            keeper = StateKeeper(config, folder, training, chooser)
        metrics = Metrics()
        guard = CollapseGuard(config.trial.timesteps, metrics)
        view = LiveView(config, folder)
        stack.callback(view.snapshots.clear)
        chooser.look = view.look_at_evaluation
        watches = [metrics, guard, view]
        _learn(model, chooser, config.trial.timesteps, log_steps, watches, keeper)
        model.set_parameters(str(folder / files.MODEL), device=model.device)
        score = _judge(model, config, make_vec, log_steps, view.look_at_evaluation)
        if tracker:
            tracker.conclude(score)
    return score, guard.reason


class SharingChooser(CheckpointChooser):
    """Evaluates in the simulators that train, so training begins its episodes anew afterwards.

    That is between two rollouts: none ever holds a step across the break.
    """

    def _evaluate(self) -> None:
        super()._evaluate()
        begin_anew(self.model)


def _connect(config: TrialConfig, stack: ExitStack) -> tuple[MakeVec, bool]:
    """A function that opens environments, and True if all of them are in the same simulator."""
    world = config.the_world
    if not isinstance(world, SharesSimulator):
        return world.make_vec, False
    connection = stack.enter_context(world.connect(config.trial.env, config.world))
    return connection.make_vec, connection.takes_turns


def _new_model(config: TrialConfig, training: TrainingEnvs) -> BaseAlgorithm:
    model = build(config, training)
    if config.trial.warm_start:
        begin_with(model, Path(config.trial.warm_start))
    return model


def _open_logger(folder: Path) -> Logger:
    """A logger of curves, which does without them below a name that TensorBoard cannot say."""
    curves = str(folder / files.CURVES)
    kinds = ["tensorboard"]
    try:
        curves.encode()
    except UnicodeEncodeError:
        kinds = []
        print(f"no curves for TensorBoard: the name of {folder} is not UTF-8", flush=True)
    return configure(curves, kinds)


def _chooser(
    config: TrialConfig, folder: Path, make_vec: MakeVec, takes_turns: bool
) -> CheckpointChooser:
    trial = config.trial
    episodes = max(trial.choosing_episodes, len(trial.env))
    vec_env = make_vec(
        trial.env, config.world, episodes, Purpose.CHOOSE, trial.seed, config.learner
    )
    kind = SharingChooser if takes_turns else CheckpointChooser
    return kind(config, folder, vec_env)


def _learn(
    model: BaseAlgorithm,
    chooser: CheckpointChooser,
    timesteps: int,
    log_steps: int,
    watches: Sequence[BaseCallback],
    keeper: StateKeeper | None,
) -> None:
    """Trains the model up to ``timesteps``, whatever it has trained already."""
    guard = FiniteGuard()
    progress = progress_callback(timesteps)
    steps = [StepLog(log_steps)] if log_steps else []
    callbacks = [guard, *steps, PruneWatch(chooser.folder), progress, chooser, *watches]
    if keeper:
        callbacks.append(keeper)
    begun = model.num_timesteps
    with _saving_last(model, chooser.folder, keeper):
        try:
            with cleanup_stack() as stack:
                stack.callback(_close, progress)
                model.learn(timesteps - begun, callback=callbacks, reset_num_timesteps=begun == 0)
        except Exception as error:
            diverged = _divergence(error, model)
            if diverged is None:
                raise
            _restore(guard, model, chooser)
            if diverged is error:
                raise
            raise diverged from error


@contextmanager
def _saving_last(model: BaseAlgorithm, folder: Path, keeper: StateKeeper | None) -> Iterator[None]:
    """Saves the model as it is when the block ends, and all of the state if that is cut short.

    :param model: that learns in the block
    :param folder: of the trial
    :param keeper: of its state; None keeps none
    """
    path = folder / files.LAST_MODEL
    try:
        yield
    except BaseException as error:
        with telling_errors(f"saving {path}"):
            save_model(model, path)
        if keeper and isinstance(error, CUT_SHORT):
            with telling_errors("keeping the state"):
                keeper.keep_interrupted()
        raise
    save_model(model, path)


def _divergence(error: Exception, model: BaseAlgorithm) -> Diverged | None:
    """The divergence behind an error of training; None for an error of its own."""
    if isinstance(error, Diverged):
        return error
    # torch may meet a NaN parameter before the guard does, and calls it a ValueError.
    lost = fault_of(model)
    return Diverged(lost) if lost else None


def _restore(guard: FiniteGuard, model: BaseAlgorithm, chooser: CheckpointChooser) -> None:
    """Brings the last finite parameters back, as ``model.zip`` where there is none yet."""
    with telling_errors("restoring the last finite parameters"):
        guard.restore()
        if not chooser.has_chosen:
            save_model(model, chooser.folder / files.MODEL)


def _close(progress: ProgressLines | ProgressBar) -> None:
    if isinstance(progress, ProgressBar):
        progress.close()


def _judge(
    model: BaseAlgorithm, config: TrialConfig, make_vec: MakeVec, log_steps: int, look: Look
) -> Score:
    """Evaluates the model in the trial's final episodes and prints them.

    :param model: to be judged
    :param config: the trial's
    :param make_vec: opens environments
    :param log_steps: print every so many steps' reward; 0 for none
    :param look: called at every step
    :raises Diverged: NaN or infinity in a return
    """
    trial = config.trial
    episodes = max(trial.eval_episodes, len(trial.env))
    count = min(episodes, MAX_SIDE_BY_SIDE)
    vec_env = make_vec(trial.env, config.world, count, Purpose.JUDGE, trial.seed, config.learner)
    with cleanup_stack() as stack:
        stack.callback(vec_env.close)
        seed = Purpose.JUDGE.first_seed(trial.seed)
        score = evaluate(model, config.the_world, vec_env, episodes, seed, log_steps, look=look)
    if not score.finite:
        raise Diverged(f"final evaluation reward {score.mean_reward}")
    for number, episode in enumerate(score.episodes, start=1):
        print(f"episode {number}: {score.describe(episode)}", flush=True)
    return score
