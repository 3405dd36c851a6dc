"""Running and remembering trials: loop, ledger, champion. Never imports torch."""
