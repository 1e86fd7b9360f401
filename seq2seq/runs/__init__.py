"""The run directory: its settings and data, its checkpoints, and the runs that there are."""
