"""The world: vehicle physics, camera, tracks and their scenes. Knows no other room."""
