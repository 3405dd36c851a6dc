"""Robotini: small cars that race by camera; docs/robotini.md."""
