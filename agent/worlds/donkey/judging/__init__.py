"""Races, baselines and films of the DonkeyCar world."""
