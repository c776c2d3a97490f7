"""Forward mode: dual tensors carry a tangent, and every operation propagates it by its JVP.

Follows https://pytorch.org/docs/stable/autograd.html#forward-mode-automatic-differentiation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.autograd.grad_mode import FORWARD, MODE, mode
from pullback.op_callable import formula_arguments
from pullback.op_general import _saved_value
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from contextvars import Token

    from pullback.op import Operation

_duals: ContextVar[list[Tensor] | None] = ContextVar("pullback duals", default=None)


class UnpackedDualTensor(NamedTuple):
    """The parts of a dual tensor."""

    primal: Tensor
    tangent: Tensor | None


class dual_level:
    """The block in which dual tensors exist; at its end their tangents are gone.

    Examples
    --------
    >>> import pullback as pb
    >>> import pullback.autograd.forward_ad as fwd
    >>> with fwd.dual_level():
    ...     x = fwd.make_dual(pb.tensor(2.), pb.tensor(1.))
    ...     fwd.unpack_dual(x ** 3).tangent
    tensor(12.)
    """

    _mode: Token[int]
    _saved: Token[list[Tensor] | None]

    def __enter__(self) -> int:
        if _duals.get() is not None:
            raise RuntimeError("Nested forward mode AD is not supported at the moment")
        self._saved = _duals.set([])
        self._mode = MODE.set(mode() | FORWARD)
        return 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for tensor in _duals.get() or ():
            tensor._tangent = None
        MODE.reset(self._mode)
        _duals.reset(self._saved)


def make_dual(tensor: Tensor, tangent: Tensor) -> Tensor:
    """A view of ``tensor`` that carries ``tangent``.

    Raises
    ------
    RuntimeError
        Outside a dual level, or when shape or dtype of the two differ.
    """
    duals = _duals.get()
    if duals is None:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if not (tensor.dtype.category >= 2 and tangent.dtype.category >= 2):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"Expected tangent to have the same shape as the primal, got {list(tangent.shape)} and {list(tensor.shape)}"
        )
    if tensor.dtype is not tangent.dtype:
        raise RuntimeError(
            f"Expected tangent to have the same dtype as the primal, got {tangent.dtype} and {tensor.dtype}"
        )
    dual = tensor.view_as(tensor)
    set_tangent(dual, tangent)
    return dual


def unpack_dual(tensor: Tensor) -> UnpackedDualTensor:
    """The primal and the tangent of a tensor; the tangent is None for one that is not dual."""
    tangent = tensor._tangent
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    token = MODE.set(mode() & ~FORWARD)
    try:
        primal = tensor.view_as(tensor)
    finally:
        MODE.reset(token)
    return UnpackedDualTensor(primal, tangent)


def set_tangent(tensor: Tensor, tangent: Tensor) -> None:
    """Let ``tensor`` carry ``tangent`` until the level ends."""
    tensor._tangent = tangent
    duals = _duals.get()
    if duals is not None:
        duals.append(tensor)


def write_tangent(tensor: Tensor, tangent: Tensor | None) -> None:
    """Give a tensor written in place its new tangent, in the tangent's own memory so that views see it."""
    token = MODE.set(mode() & ~FORWARD)
    try:
        held = tensor._tangent
        if held is None:
            assert tangent is not None
            alias = tensor.alias
            if alias is None or alias.base is None:
                set_tangent(tensor, tangent)
                return
            base = alias.base
            if base._tangent is None:
                set_tangent(base, base.new_zeros(base.shape))
            held = base._tangent
            assert held is not None
            for call, arguments in alias.steps:
                held = call(held, *arguments)
            set_tangent(tensor, held)
        if tangent is None:
            held.zero_()
        else:
            held.copy_(tangent)
    finally:
        MODE.reset(token)


def propagate(operation: Operation, flat: Sequence[Any], attributes: Mapping[str, Any], result: Any) -> None:
    """Give the result of an operation its tangent, where an operand carries one."""
    tangents = [v._tangent if isinstance(v, Tensor) else None for v in flat]
    if all(t is None for t in tangents) or operation.nondifferentiable is not None:
        return
    outs = list(result) if operation.outputs is not None else [result]
    if not outs or outs[0].dtype.category < 2:
        return
    token = MODE.set(mode() & ~FORWARD)
    try:
        produced = _tangents_of(operation, flat, dict(attributes), tangents, outs)
        for out, tangent in zip(outs, produced, strict=True):
            if tangent is not None and out.dtype.category >= 2:
                if tangent.dtype is not out.dtype:
                    tangent = tangent.to(out.dtype)
                if tangent.shape != out.shape:
                    tangent = tangent.expand(out.shape)
                set_tangent(out, tangent)
    finally:
        MODE.reset(token)


def _tangents_of(
    operation: Operation, flat: Sequence[Any], attributes: dict[str, Any], tangents: list[Any], outs: list[Tensor]
) -> list[Any]:
    """The tangent of each result."""
    if operation.linear:
        return _linear_tangents(operation, flat, attributes, tangents)
    by_name = dict(zip(operation.operands, flat, strict=True)) | attributes
    out_names = operation.outputs or ("out",)
    total: Any = None
    for operand, tangent in zip(operation.operands, tangents, strict=True):
        formula: Any = (operation.partials or operation.jvp).get(operand)
        if tangent is None or formula is None:
            continue
        values = {
            name: tangent if name == "tangent" else _value(name, by_name, operation, outs, out_names)
            for name in formula_arguments(formula)
        }
        if operation.partials is None:
            part = formula(**values)
        elif isinstance(formula, str):
            part = tangent * values[formula]
        else:
            part = tangent * (formula if isinstance(formula, int | float) else formula(**values))
        if isinstance(part, tuple):
            total = part if total is None else tuple(a + b for a, b in zip(total, part, strict=True))
        else:
            total = part if total is None else total + part
    several = list(total) if isinstance(total, tuple) else [total]
    return several + [None] * (len(outs) - len(several))


def _value(
    name: str, by_name: dict[str, Any], operation: Operation, outs: list[Tensor], out_names: tuple[str, ...]
) -> Any:
    """What a formula asks for; a result as a Tensor that has no tangent of its own."""
    if name in out_names:
        return outs[out_names.index(name)]
    return _saved_value(name, by_name, operation, outs, out_names)


def _linear_tangents(
    operation: Operation, flat: Sequence[Any], attributes: dict[str, Any], tangents: list[Any]
) -> list[Any]:
    """A linear operation's tangent is the operation itself, applied to the tangents."""

    def run(operands: list[Any]) -> list[Any]:
        result = (
            operation.call(operands, **attributes) if operation.sequence else operation.call(*operands, **attributes)
        )
        return list(result) if operation.outputs is not None else [result]

    names = operation.operands if not operation.sequence else operation.operands * len(flat)
    linear = [n in operation.differentiable for n in names]
    if operation.linear == "each":
        total: list[Any] | None = None
        for position, tangent in enumerate(tangents):
            if tangent is None or not linear[position]:
                continue
            operands = list(flat)
            operands[position] = tangent
            part = run(operands)
            total = part if total is None else [a + b for a, b in zip(total, part, strict=True)]
        return total or []
    return run(
        [
            v if not is_linear else _zeros_like(v) if t is None else t
            for v, t, is_linear in zip(flat, tangents, linear, strict=True)
        ]
    )


def _zeros_like(value: Any) -> Any:
    return value.new_zeros(value.shape) if isinstance(value, Tensor) else 0 * value
