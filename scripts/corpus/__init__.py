"""A seeded generator of an aligned English-French corpus from a hand-made grammar and lexicon."""
