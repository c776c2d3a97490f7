"""What PyTorch calls the values that nodes save: the names after ``_saved_``, and what can be said without saving it.

A node shows what its formulas save, under PyTorch's names. Where those differ from the names that the formulas use,
the operation's declaration says so (``shows``, a :class:`pullback.dispatch.declaration_values.Shows`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_REDUCTIONS: Final = ("none", "mean", "sum")


def shown_places(kind: Any) -> dict[str, int]:
    """PyTorch's names of what a class of nodes saves, each with its place among that."""
    operation, shows = kind.operation, kind.operation.shown_by(kind.__name__)
    first = operation.operands[0]
    places = {}
    for place, own in enumerate(kind.saved_names):
        operand, _, what = own.rpartition("_")
        if own == "out":
            shown = "result"
        elif what in ("shape", "dtype") and operand in operation.operands:
            if what == "dtype" or operand not in shows.sizes:  # other shapes and dtypes are never shown
                continue
            shown = f"{'self' if operand == first == 'input' else operand}_sym_sizes"
        else:
            shown = "self" if own == first == "input" else own
        shown = shows.renamed.get(shown, shown)
        if shown not in shows.hidden:
            places[shown] = place
    return places


def derived_values(kind: Any) -> dict[str, Any]:
    """What a class of nodes shows without saving it: constants, and functions of what it saves."""
    derived: dict[str, Any] = kind.operation.shown_by(kind.__name__).derived
    return derived


def is_number(kind: Any, name: str) -> bool:
    """Whether PyTorch keeps this operand as a number in such nodes."""
    return name in kind.operation.shown_by(kind.__name__).numbers


def as_pytorch_saves(kind: Any, name: str, value: Tensor) -> Tensor:
    """A saved operand as PyTorch's node has it."""
    if kind.operation.shown_by(kind.__name__).adjoint != name:
        return value
    if value.dtype.is_complex:
        return value.mH
    return value.t() if value.ndim == 2 else value.mT


def attribute_value(kind: Any, name: str, value: Any) -> Any:
    """An argument that a node keeps, as PyTorch's nodes give it."""
    dims = kind.operation.shown_by(kind.__name__).dims
    if dims is not None and name in ("dim", "dims", "shifts"):
        if value is None and dims == "empty for all":
            return ()
        if isinstance(value, bool):  # ``std(False)``
            return None
        return (value,) if isinstance(value, int) else value
    if name == "reduction" and value in _REDUCTIONS:
        return _REDUCTIONS.index(value)
    if name == "indices" and hasattr(value, "parts"):
        value.check()
        return value.parts
    return value
