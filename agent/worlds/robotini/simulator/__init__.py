"""Robotini's simulator without a window: tracks, cars, camera, sockets. Knows numpy alone."""
