"""Why is my gradient None, or zero? `tg.explain_grad(tensor)` answers in sentences.

`question.py` decides what is the matter; `walk.py` looks through the graph and behind the places
where it was cut; `zero.py` finds where a gradient becomes exactly zero, `causes.py` says what of;
`explanation.py` is the answer.
"""

from .explanation import Explanation
from .question import explain_grad

__all__ = ["Explanation", "explain_grad"]
