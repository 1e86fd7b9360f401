"""From weights to text: search over a step, and the translator on top of it."""
