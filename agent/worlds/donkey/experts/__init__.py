"""Scripted drivers that know where the car is and where the road goes."""
