"""How operations run on tensors that :func:`pullback.vmap` has taken a dimension from.

Inside ``vmap`` a tensor of the function is an ordinary Tensor whose array is a
:class:`~pullback.batching.levels.LevelArray`: a value that has the mapped dimension, and where it is. No backend has
kernels for such arrays, so operations on them take the general path, which hands them to
:func:`pullback.batching.run.run_at_level`: the operation's batching rule runs it on the values. Graph, views, versions
and writing in place are those of any other tensor.
"""

from pullback.batching import (  # they register rules, and what operations ask of levels
    functions,
    indexing_rules,
    levels,
    loss_rules,
    product_rules,
    random_rules,
    run,
    shape_rules,
)

__all__ = [
    "functions", "indexing_rules", "levels", "loss_rules", "product_rules", "random_rules", "run", "shape_rules",
]  # fmt: skip
