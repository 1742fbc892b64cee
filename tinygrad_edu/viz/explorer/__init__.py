"""The backprop explorer: a computation as a page in which it is stepped through.

`exploring` has the function, `graph` the data of the page; they put together values, gradients,
formulas, the calls of modules and the layout. The page itself, with its styles and scripts, is in
the folder page/.
"""

from .exploring import explore, keep_values

__all__ = ["explore", "keep_values"]
