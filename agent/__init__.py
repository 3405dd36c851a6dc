"""DonkeyCar RL autoresearch: search, train, keep and judge champion drivers."""

__version__ = "0.1.0"

PRODUCT = "donkeycar-rl-autoresearch"  # its name among packages
