"""What a driver is worth beside others: races, floors, tables and films of laps."""
