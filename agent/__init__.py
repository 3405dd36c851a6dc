"""DonkeyCar RL autoresearch: search, train, keep and judge champion drivers."""

__version__ = "0.1.0"
