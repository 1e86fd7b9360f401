"""The types of settings that are numbers, each with the bounds beyond which no training can be.

The upper ones are far above all that is in use. They stand before torch, where a size of 2^31 is a
crash, an hour of waiting or an overflow, and not a message.
"""

from typing import Annotated

from pydantic import Field

Units = Annotated[int, Field(ge=1, le=65_536)]
"""The size of a vector in the network."""
InnerUnits = Annotated[int, Field(ge=1, le=1_000_000)]
"""The size of a vector that lives between two matrices."""
Layers = Annotated[int, Field(ge=1, le=256)]
"""How often a part of the network is repeated: layers, blocks, heads of a memory."""
Heads = Annotated[int, Field(ge=1, le=1_024)]
"""Heads of attention."""
Slots = Annotated[int, Field(ge=1, le=65_536)]
"""Vectors of a memory, or places of a source, that the network holds at once."""
Length = Annotated[int, Field(ge=1, le=1_000_000)]
"""The length of a sequence, in pieces or in rows."""
Pieces = Annotated[int, Field(ge=8, le=1_000_000)]
"""The size of a vocabulary."""
MOST = 1_000_000_000
Count = Annotated[int, Field(ge=1, le=MOST)]
"""Steps, tokens, sentences: what is counted from 1."""
CountFrom0 = Annotated[int, Field(ge=0, le=MOST)]
"""Steps, tokens, sentences: what may be none."""
MOST_THREADS = 1_024
Threads = Annotated[int, Field(ge=1, le=MOST_THREADS)]
"""Threads or processes of one machine."""
MOST_TIMES = 1_000_000
"""How often something is done again: rounds, resamples, restarts."""
MOST_EXAMPLES = 10_000_000
"""Examples that are made at once, in memory."""
Frequencies = Annotated[int, Field(ge=0, le=64)]
"""Octaves of sines that say a place: beyond these, 2^n is finer than any number."""

Milliseconds = Annotated[float, Field(ge=0.01, le=60_000)]

Fraction = Annotated[float, Field(ge=0, le=1)]
BelowOne = Annotated[float, Field(ge=0, lt=1)]
"""A probability, or a share that is kept, which leaves something to learn."""
Positive = Annotated[float, Field(gt=0, le=1e9)]
Weight = Annotated[float, Field(ge=0, le=1_000)]
"""The factor of a term."""
LearningRate = Annotated[float, Field(gt=0, le=1_000)]
Alpha = Annotated[float, Field(gt=1, le=2)]
"""The exponent of entmax."""
Temperature = Annotated[float, Field(ge=1e-4, le=1e4)]
"""What scores are divided by, which must leave them finite."""
