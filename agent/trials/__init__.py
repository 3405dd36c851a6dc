"""Running and remembering trials: configuration, processes, ledger, champion. Never imports torch."""
