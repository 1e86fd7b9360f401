"""Systems side by side: trained with equal budgets, measured on one test set, told apart by tests.

`members` says who takes part, `trials` trains those that are not trained yet, `measuring` has the
figures of each, `significance` and `differences` compare with a baseline, `report` and `plot` show
it. `comparison` does all of it.
"""
