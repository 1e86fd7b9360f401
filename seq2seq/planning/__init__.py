"""From one corpus to a training that suits it: split, survey, sizes, pace, recipe."""
