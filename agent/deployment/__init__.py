"""Trained drivers outside of training: in a program, on a car."""

from agent.deployment.pilot import Pilot

__all__ = ["Pilot"]
