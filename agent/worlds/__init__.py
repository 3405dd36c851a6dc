"""Worlds that can be driven, behind the interface of ``base``."""
