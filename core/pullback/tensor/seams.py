"""Where features stand in an operation's way, without operations knowing them.

What lies below asks a feature through this table, and imports nothing of it. Only a feature's own modules set its bit
of the mode or enter its levels: by then they have been imported, and have put their functions here. Where a function
comes from is said beside each name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from pullback.backend.geometry import Geometry
    from pullback.dispatch.declaration import Operation
    from pullback.tensor import Tensor
    from pullback.tensor.node import Node
    from pullback.tensor.saved_tensors import SavedTensor


class _Propagate(Protocol):
    def __call__(self, operation: Operation, flat: Sequence[Any], attributes: Any, result: Any, /) -> None: ...


class Seams:
    """One function for each place; an attribute is missing until the feature is imported."""

    # -- pullback.dispatch.interception: code that sees operations (mode INTERCEPTED) and kernels (mode KERNELS)
    #: Run an operation inside the interceptors.
    run_intercepted: Callable[[Operation, tuple[Any, ...], dict[str, Any]], Any]
    #: Compute inside the kernel interceptors.
    compute_intercepted: Callable[[Operation, list[Any], dict[str, Any], Callable[[], Any]], Any]
    #: Show kernel interceptors the tensors that have the results.
    show_results: Callable[[list[Tensor]], None]

    # -- pullback.dispatch.overridable: where a class or a mode overrides functions
    #: Have the functions that are written by hand look whether to ask, from now on.
    begin_overriding: Callable[[], None]

    # -- pullback.batching: where levels are active
    #: Run an operation at the level of its operands; :data:`NO_LEVEL` where they are of none.
    run_at_level: Callable[[Operation, list[Any], dict[str, Any]], Any]
    #: Apply a Function at the level of its arguments; :data:`NO_LEVEL` where they are of none.
    apply_at_level: Callable[[type[Any], tuple[Any, ...], dict[str, Any]], Any]
    #: What is drawn by the weights in each row, inside ``vmap``; None for weights that are not mapped.
    drawn_from_rows: Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor | None]
    #: A tensor of a level as it is before it is written in place.
    stand_in: Callable[[Tensor, Sequence[Tensor]], Tensor]
    #: The result of an in-place operation on the level of the tensor that it goes into.
    to_be_written: Callable[[Operation, Tensor, Tensor], Tensor | None]
    #: Refuse ``out=`` for tensors that are other ones for each example.
    check_out: Callable[[str, Sequence[Tensor], Sequence[Tensor]], None]

    # -- pullback.autograd.forward_ad: tangents (mode FORWARD)
    #: Give an operation's results their tangents.
    propagate: _Propagate
    #: Give a view by strides its tangent.
    propagate_strided: Callable[[Tensor, Tensor, Geometry, Geometry], None]
    tangent_of: Callable[[Tensor], Tensor | None]
    set_tangent: Callable[[Tensor, Tensor], None]
    #: Write into the tangent of a tensor that has been written.
    write_tangent: Callable[[Tensor, Tensor | None], None]
    #: Keep the tangent of what a node saves, and give it back.
    remember_saved: Callable[[SavedTensor, Tensor], None]
    restore_tangent: Callable[[Tensor, Node | SavedTensor, int], None]

    # -- pullback.autograd.anomaly_mode (mode ANOMALY)
    #: Keep the traceback of where a node was made.
    remember_origin: Callable[[Node], None]

    # -- pullback.tensor.saved_tensors: hooks on what nodes save (mode SAVING)
    pack_saved: Callable[[Node, Sequence[Tensor]], None]

    # -- pullback.autograd.mutation: saved tensors that may be written (mode MUTATION)
    before_write: Callable[[Tensor], None]


seams: Final = Seams()
#: What is returned where no operand is of a level.
NO_LEVEL: Final = object()
