"""Systems side by side: trained with equal budgets, measured on one test set, told apart by tests.

`seq2seq.compare("demo", units=["dot", "general"])` calls this package: `seq2seq.api.compare`.

`pipeline` does all of it. `members` says who takes part, `conditions` on what; `trials` trains
those that are not trained yet, `measuring` has the figures of each; `comparison` holds each system
against a baseline by `significance` and `differences`, as `results`; `report` and `plot` show it.
"""

from seq2seq import api
from seq2seq.callables import make_callable

make_callable(__name__, api.compare)
