"""Systems side by side: trained with equal budgets, measured on one test set, told apart by tests.

`pipeline` does all of it. `members` says who takes part, `conditions` on what; `trials` trains
those that are not trained yet, `measuring` has the figures of each; `comparison` holds each system
against a baseline by `significance` and `differences`; `report` and `plot` show it.
"""
