"""The same functions as the readable ones, faster; they know nothing of models and units."""
