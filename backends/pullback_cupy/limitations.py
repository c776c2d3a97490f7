"""What the backend does otherwise than PyTorch, and why."""

from __future__ import annotations

from pullback.extend import Limitation
from pullback.extend import dtypes as dt

_SEVERAL = "which of several values for one element stays is not defined on a GPU"

#: As open as on PyTorch's GPU.
ALWAYS: tuple[Limitation, ...] = (
    *(Limitation(name, frozenset(), _SEVERAL, case="duplicate indices") for name in ("scatter", "index_put")),
    *(Limitation(name, frozenset({dt.float32}), _SEVERAL, case="state") for name in ("scatter", "index_put")),
)

_POSITIONS = "positions out of range wrap around, unless `checks_positions` is set: to look at them is to wait"
_ZEROS = "zero divisors of integers give zero, unless `checks_positions` is set: to look for them is to wait"

#: What is only looked at where somebody asks for it.
UNCHECKED: tuple[Limitation, ...] = (
    *(
        Limitation(operation, frozenset(), _POSITIONS, case="errors")
        for operation in (
            "gather", "take_along_dim", "index", "index_reduce", "scatter_value", "index_copy", "index_fill_tensor",
            "index_select", "take", "put", "scatter_reduce", "scatter_add", "index_add", "index_fill",
            "scatter", "nll_loss", "nll_loss_backward",
        )
    ),
    Limitation("index_put", frozenset({dt.float32}), _POSITIONS, case="errors"),
    *(
        Limitation(operation, frozenset({dt.int64}), _ZEROS, case="errors")
        for operation in ("floor_divide", "fmod", "remainder", "trunc_divide")
    ),
    Limitation("backend.any_negative", frozenset({dt.int64}), _POSITIONS, case="contract"),
    Limitation("backend.index_put_into", frozenset(), _POSITIONS, case="contract"),
)  # fmt: skip
