"""Whether an attention unit keeps the contract, and whether it learns to align."""
