"""From weights to text: models as steps of a search, translators, and interventions."""
