"""Episodes of a policy, beside baselines, in any world."""
