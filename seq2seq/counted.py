"""A number and what it counts, in words."""


def counted(count: int, noun: str) -> str:
    """Return `1 pair` or `2,000 pairs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
