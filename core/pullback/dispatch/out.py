"""``out=``: writing a function's result into a tensor that the caller gives.

Which functions take it, and what ``out`` may be, an operation's declaration says with one of the rules of
:mod:`pullback.dispatch.out_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.dispatch.complete_path import common_backend
from pullback.dispatch.inplace import check_inference, check_writable, overlap_partly, resize
from pullback.dispatch.out_rules import EXACT, Out
from pullback.process.blocks import surely
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import Tensor
from pullback.tensor.memory import alias_of, bump_version
from pullback.tensor.modes import FORWARD, MODE, MUTATION, NO_GRAD, mode
from pullback.tensor.overriding import NOT_OVERRIDDEN, answered, ask, public_arguments, use
from pullback.tensor.seams import seams
from pullback.tensor.tensor import tensors_of
from pullback.tensor.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pullback.dispatch.declaration import Composite, Operation
    from pullback.tensor import Tensor


def write_result(
    record: Operation | Composite,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    out: Any,
    function: Callable[..., Any] | None = None,
) -> Any:
    """Run an operation and write what it returns into ``out``: a tensor, or a tuple of them where it has several.

    ``function`` is what it runs where that is not the operation's own callable.

    Raises
    ------
    RuntimeError
        For tensors that require gradients while a graph is recorded; for a dtype, a device or memory that the result
        cannot be written to. All tensors are unchanged then.
    """
    if function is None and _written_by_kernel(record, arguments, keywords, out):
        return out
    if use.begun and function is None:
        relevant = (*arguments, *keywords.values(), out)
        args, kwargs = public_arguments(record, arguments, keywords)  # type: ignore[arg-type]
        public: Any = record.exported  # type: ignore[union-attr]
        answer = ask(public, args, kwargs | {"out": out}, relevant)
        if answer is not NOT_OVERRIDDEN:
            return answered(public, answer, relevant)
    outs = _tensors(record.name, out)
    for tensor in outs:
        check_inference(tensor)
    active = mode()
    operands = tensors_of([*arguments, *keywords.values()])
    if not active & NO_GRAD:
        _check_no_gradients(record, operands, outs)
    if active & FORWARD and any(t._tangent is not None for t in (*operands, *outs)):
        raise NotImplementedError(
            f"Trying to use forward AD with {record.name}_out that does not support it because it is an out= function"
        )
    if any(t.backend.level for t in (*operands, *outs)):
        seams.check_out(record.name, operands, outs)
    rule: Out = record.out  # type: ignore[assignment]  # only functions that take it come here
    requires_grad = keywords.get("requires_grad", False)
    if rule.decides:
        keywords = _decided(record.name, rule, keywords, outs[0])
    mode_before = mode()
    try:
        MODE.set(active | NO_GRAD)
        result = (function or record.call)(*arguments, **keywords)
        results = [result] if outs[0] is out else list(result)
        _check_outs(record.name, rule, operands, results, outs)
        for target, value in zip(outs, results, strict=True):
            _write(target, value)
    finally:
        MODE.set(mode_before)
    if requires_grad:
        outs[0].requires_grad_()
    return out if outs[0] is out else _as_result(result, outs)


def _tensors(name: str, out: Any) -> list[Tensor]:
    """The tensors to write to."""
    found = list(out) if isinstance(out, list | tuple) else [out]
    for tensor in found:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(tensor).__name__}")
    if not found:
        raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
    return found


def _check_no_gradients(record: Operation | Composite, operands: Sequence[Tensor], outs: Sequence[Tensor]) -> None:
    differentiable = getattr(record, "differentiable", None)
    wanted = any(t.edge is not None for t in outs)
    if not wanted and (differentiable is None or differentiable):
        wanted = record.nondifferentiable is None and any(t.edge is not None for t in operands)
    if wanted:
        raise RuntimeError(
            f"{record.name}(): functions with out=... arguments don't support automatic differentiation, but one of the"
            " arguments requires grad."
        )


def _decided(name: str, rule: Out, keywords: dict[str, Any], out: Tensor) -> dict[str, Any]:
    """The keywords with the dtype, and where the function makes a tensor its place, that ``out`` decides."""
    given = keywords.get("dtype")
    if given is None:
        keywords = keywords | {"dtype": out.dtype}
    elif given is not out.dtype:
        rule.check(name, given, out.dtype)
    if "requires_grad" in keywords:
        keywords = keywords | {"requires_grad": False}
    if "backend" in keywords and keywords["backend"] is None and keywords.get("device") is None:
        keywords = keywords | {"backend": out.backend, "device": out.device}
    return keywords


def _check_outs(
    name: str, rule: Out, operands: Sequence[Tensor], results: Sequence[Tensor], outs: Sequence[Tensor]
) -> None:
    """Refuse tensors that the results cannot be written to."""
    if len(outs) != len(results):
        raise TypeError(f"expected tuple of {len(results)} elements but got {len(outs)}")
    for position, (out, result) in enumerate(zip(outs, results, strict=True)):
        common_backend(_Named(name), [result, out])  # type: ignore[arg-type]
        # Of several results those after the first are indices, of one dtype whatever the operands' is.
        (rule if not position else EXACT).check(name, result.dtype, out.dtype, operands)
        check_writable(out, operands)
    for out, result in zip(outs, results, strict=True):
        if out.numel() and out.array.shape != result.array.shape and rule.resizing != "":
            _warn_of_resizing(rule.resizing or _RESIZING_TEXT, out, result)


_RESIZING_TEXT = (
    "An output with one or more elements was resized since it had shape {shape}, which does not match the required"
    " output shape {needed_shape}. This behavior is deprecated, and in a future PyTorch release outputs will not be"
    " resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero"
    " elements with t.resize_(0)."
)


def _warn_of_resizing(text: str, out: Tensor, result: Tensor) -> None:
    import warnings

    sizes = {"shape": list(out.shape), "count": out.numel()}
    sizes |= {"needed_shape": list(result.shape), "needed_count": result.numel()}
    warnings.warn(text.format(**sizes), UserWarning, stacklevel=5)


class _Named:
    """What an error about backends asks of an operation: its name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


_NOTHING: dict[Any, Any] = {}
_NO_FACTOR = {"alpha": 1}


def _written_by_kernel(record: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], out: Any) -> bool:
    """Have the kernel itself write into ``out`` where it can, and nothing needs more care."""
    active = mode()
    if active > NO_GRAD or record.body is not None or record.result is not None:
        return False
    backend: Any = getattr(out, "fast_backend", None)
    if backend is None or record.kernel not in backend.inplace_kernels or (keywords and keywords != _NO_FACTOR):
        return False
    target = out.array
    native, shape = target.dtype, target.shape
    entry = record.tables.get(backend, _NOTHING).get(native)
    if entry is None or (active == 0 and out.edge is not None):
        return False
    kernel, _, scalars, constants = entry
    shared = out.alias is not None
    if constants.dtype.is_complex or (shared and not backend.is_contiguous(target)):
        return False
    arrays, fits = [], False
    for value in arguments:
        if value.__class__ in scalars:
            arrays.append(constants[value])
            continue
        if getattr(value, "fast_backend", None) is not backend or (active == 0 and value.edge is not None):
            return False
        array = value.array
        if array.dtype is not native or (shared and value is not out and overlap_partly(out, value)):
            return False
        fits = fits or array.shape == shape
        arrays.append(array)
    # Without an operand of its shape `out` might have to be resized: the general path sees to that.
    if not fits or (record.check is not None and not record.kernel_checks):
        return False
    if shared:
        check_inference(out)
    try:
        with backend.guard():
            try:
                kernel(*arrays, out=target)
            except Exception as error:
                if raised_by_handler(error):
                    raise
                return False  # the general path says what is wrong
        bump_version(out)
    except BaseException:
        surely(bump_version, out)  # it may have been written when the interrupt came
        raise
    return True


def _write(out: Tensor, result: Tensor) -> None:
    """Write a result into one tensor, which takes its shape."""
    if mode() & MUTATION:
        seams.before_write(out)
    array = result.array
    if result.dtype is not out.dtype:
        array = out.backend.astype(array, out.dtype)
    if tuple(out.array.shape) != tuple(array.shape):
        counter, edge = alias_of(out).counter, out.edge
        version = counter.version
        out.edge = None  # a leaf keeps its place in the graph, whatever its size
        try:
            resize(out, tuple(array.shape))
        finally:
            out.edge = edge
        counter.version = version  # resizing and writing count as one change
    write(out, array)


def _as_result(result: Any, outs: list[Tensor]) -> Any:
    """The tensors written to, in the class of the function's results."""
    kind = type(result)
    return tuple(outs) if kind is tuple else kind(*outs)
