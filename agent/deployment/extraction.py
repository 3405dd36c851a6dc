"""The network of a saved model, taken out of its PyTorch modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from agent.config.errors import UserError
from agent.config.trial import TrialConfig
from agent.deployment.network import (
    Clipping,
    CommandRange,
    CommandTable,
    Convolution,
    Dense,
    Evening,
    Flattening,
    Floats,
    Layer,
    Network,
    Normalisation,
    Rectification,
    Sensing,
    Squashing,
)
from agent.training.algorithms.patch_encoder import FAINT, INNER, PATCH, PatchEncoder
from agent.worlds.donkey.actions import command_table
from agent.worlds.donkey.options import DonkeyOptions

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


def network_of(model: BaseAlgorithm, config: TrialConfig) -> Network:
    """The deterministic driver that a model is.

    :param model: a saved one, not a recurrent one
    :param config: the configuration beside it
    :raises UserError: a network of another make, or one that does not fit its configuration
    """
    options = config.world
    assert isinstance(options, DonkeyOptions)
    encoder, head = _modules(model.policy)
    if not isinstance(encoder, PatchEncoder):
        raise UserError(
            f"the model sees through a {type(encoder).__name__}, which cannot be exported;"
            " give one that this project trained"
        )
    sensing = sensing_of(options)
    rows, columns, channels = sensing.picture_shape
    seen = (encoder.channels, encoder.rows * PATCH[encoder.layers])
    if seen != (channels, rows):
        raise UserError(
            f"the model sees {seen[0]} channels of {seen[1]} rows and its configuration has"
            f" {channels} of {rows}; put the one that trained it beside it"
        )
    with torch.no_grad():
        layers = (*_encoder_layers(encoder, columns), *_head_layers(head))
    mirror_signs = tuple(getattr(model.policy, "mirror_signs", ()))
    return Network(sensing, layers, mirror_signs, commands_of(options, config.learner.discrete))


def sensing_of(options: DonkeyOptions) -> Sensing:
    """The camera frames that a driver with these options sees."""
    if options.observation == "raw":
        return Sensing(grey=False)
    return Sensing(grey=True, frames=options.frame_stack, gap=options.frame_gap)


def commands_of(options: DonkeyOptions, discrete: bool) -> CommandRange | CommandTable:
    """Commands that a driver's answers stand for.

    :param options: of its world
    :param discrete: the driver chooses among numbered actions
    """
    low = np.array([-options.steer_limit, options.throttle_min], dtype=np.float32)
    high = np.array([options.steer_limit, options.throttle_max], dtype=np.float32)
    if discrete:
        return CommandTable(command_table(low, high, options.n_steer, options.n_throttle))
    return CommandRange(low, high)


def _modules(policy: Any) -> tuple[torch.nn.Module, list[torch.nn.Module]]:
    """The module that sees, and those from its features to the answers."""
    if hasattr(policy, "q_net"):  # DQN
        return policy.q_net.features_extractor, [policy.q_net.q_net]
    if hasattr(policy, "action_net"):  # PPO
        return policy.features_extractor, [policy.mlp_extractor.policy_net, policy.action_net]
    actor = policy.actor
    if hasattr(actor, "latent_pi"):  # SAC and TQC, whose answers are squashed
        return policy.encoder, [actor.latent_pi, actor.mu, torch.nn.Tanh()]
    return policy.encoder, [actor.mu]  # TD3 and DDPG


def _encoder_layers(encoder: PatchEncoder, columns: int) -> Iterator[Layer]:
    """Layers of a ``PatchEncoder``, whose products of patches are convolutions.

    :param encoder: of a model
    :param columns: of its pictures
    """
    patch = PATCH[encoder.layers]
    shapes = _numbers(encoder.contrast_weight())
    assert encoder.shapes.bias is not None
    bias = _numbers(encoder.shapes.bias)
    if encoder.windows is not None:
        # Two by two patches with half their overlap: one window of twice the side.
        split = shapes.reshape(len(bias), encoder.channels, patch, patch, 2, 2)
        windows = split.transpose(0, 4, 2, 5, 3, 1)
        windows = windows.reshape(len(bias), 2 * patch, 2 * patch, encoder.channels)
    else:
        split = shapes.reshape(len(bias), encoder.channels, patch, patch)
        windows = split.transpose(0, 2, 3, 1)
    yield Convolution(windows, np.zeros_like(bias), stride=patch)
    yield Evening(FAINT, bias)
    yield Rectification()
    if encoder.groups is not None:
        weight = _numbers(encoder.groups.weight)
        inner = INNER[encoder.layers]
        yield Convolution(
            weight.reshape(len(weight), inner, inner, -1), _numbers(encoder.groups.bias), inner
        )
        yield Rectification()
    whole = _numbers(encoder.whole.weight)
    if encoder.windows is not None:
        for module in encoder.windows:
            if isinstance(module, torch.nn.Conv2d):
                assert module.bias is not None
                weight = _numbers(module.weight).transpose(0, 2, 3, 1)
                yield Convolution(weight, _numbers(module.bias), module.stride[0], padded=True)
                yield Rectification()
                answers = len(weight)
        cells = columns // (2 * patch)
        split = whole.reshape(len(whole), answers, -1, cells)
        whole = split.transpose(0, 2, 3, 1).reshape(len(whole), -1)
    yield Flattening()
    yield Dense(whole, _numbers(encoder.whole.bias))
    if encoder.norm is None:
        yield Rectification()
    else:
        norm = encoder.norm
        yield Normalisation(norm.eps, _numbers(norm.weight), _numbers(norm.bias))
        yield Squashing()


def _head_layers(modules: Iterable[torch.nn.Module]) -> Iterator[Layer]:
    for module in modules:
        if isinstance(module, torch.nn.Sequential):
            yield from _head_layers(module)
        elif isinstance(module, torch.nn.Linear):
            yield Dense(_numbers(module.weight), _numbers(module.bias))
        elif isinstance(module, torch.nn.ReLU):
            yield Rectification()
        elif isinstance(module, torch.nn.Tanh):
            yield Squashing()
        elif isinstance(module, torch.nn.Hardtanh):
            yield Clipping(module.min_val, module.max_val)
        elif not isinstance(module, torch.nn.Identity):
            raise UserError(
                f"the model has a {type(module).__name__}, which cannot be exported;"
                " give one that this project trained"
            )


def _numbers(tensor: torch.Tensor) -> Floats:
    numbers: Floats = tensor.detach().cpu().numpy().astype(np.float32)
    return numbers
