"""``out=``: writing a function's result into a tensor that the caller gives.

Which functions take it, and what ``out`` may be, an operation's declaration says with one of the rules of
:mod:`pullback.dispatch.out_rules`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.dispatch.arguments import checking, dressed
from pullback.dispatch.codegen import make_callable, stub
from pullback.dispatch.general import common_backend
from pullback.dispatch.inplace import check_inference, check_writable, overlap_partly, resize
from pullback.dispatch.out_rules import EXACT, Out, _making
from pullback.dispatch.overridable import make_function_overridable
from pullback.process.blocks import surely
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import Tensor
from pullback.tensor.memory import alias_of, bump_version
from pullback.tensor.modes import FORWARD, MODE, MUTATION, NO_GRAD, mode
from pullback.tensor.overriding import NOT_OVERRIDDEN, answered, ask, public_arguments, use
from pullback.tensor.registry import registry
from pullback.tensor.seams import seams
from pullback.tensor.tensor import tensors_of
from pullback.tensor.writing import write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FunctionType

    from pullback.dispatch.declaration import Composite, Operation
    from pullback.tensor import Tensor


class FunctionsWithOut:
    """Those functions of a module whose declarations let them take ``out=``, each made when it is first asked for.

    Methods and operators, and the functions that formulas call, are those without it, as it makes a call slower.

    Parameters
    ----------
    exported : dict
        The module's names; those of such functions are taken out of it until they are made.
    """

    def __init__(self, exported: dict[str, Any]) -> None:
        from types import FunctionType

        from pullback.dispatch.declaration import public_function

        self._exported = exported
        self._waiting: dict[str, tuple[Operation | Composite, FunctionType]] = {}
        for record in registry.values():
            for name in (record.name, *record.aliases):
                function = exported.get(name)
                if not isinstance(function, FunctionType):
                    continue
                if record.out is not None:
                    self._waiting[name] = record, function
                    del exported[name]
                elif function is record.call:
                    exported[name] = record.public
        for name, function in tuple(exported.items()):
            # Those that make tensors of anything say themselves what is wrong.
            home: str = getattr(function, "__module__", "")
            if home.startswith("pullback.ops.") and home != "pullback.ops.creation.from_data":
                exported[name] = public_function(function)

    def __contains__(self, name: str) -> bool:
        return name in self._waiting

    def make(self, name: str) -> Callable[..., Any]:
        """The function of that name, now in the module under this name and its aliases."""
        with _making:
            return self._exported[name] if name in self._exported else self._make(name)

    def _make(self, name: str) -> Callable[..., Any]:
        from pullback.dispatch.declaration import Operation

        record, function = self._waiting[name]
        if function is record.call and isinstance(record, Operation):
            made: Callable[..., Any] = make_callable(record, takes_out=True)
        else:
            made = _with_out(record, function)
        for other, (_, same) in tuple(self._waiting.items()):
            if same is function:
                self._exported[other] = made
        return made

    def later(self, name: str, function: Any) -> Any:
        """A function of a module that is only imported now, as it is exported: with ``out=`` where it takes that."""
        record = registry.get(name)
        if record is None or record.out is None:
            return record.public if record is not None and function is record.call else function
        self._waiting[name] = record, function
        return self.make(name)

    def make_all(self) -> None:
        """Make those that nobody has asked for yet."""
        for name in tuple(self._waiting):
            if name not in self._exported:
                self.make(name)


_VARIADIC, _KEYWORDS = 4, 8  # the flags of a code object with *arguments and **keywords


def _with_out(record: Operation | Composite, declared: FunctionType) -> Callable[..., Any]:
    """A function written by hand, with the keyword ``out``."""
    function = checking(declared)
    keywords = declared.__kwdefaults__ or {}

    def public(*args: Any, **kwargs: Any) -> Any:
        if "out" not in kwargs:
            return function(*args, **kwargs)
        given = {**keywords, **kwargs}
        out = given.pop("out")
        if out is None:
            return function(*args, **given)

        return write_result(record, args, given, out, function)

    made = dressed(public, _shown_with_out(record, declared))
    made.__module__ = declared.__module__
    make_function_overridable(made)
    return made


def _shown_with_out(record: Operation | Composite, declared: FunctionType) -> FunctionType:
    """A function that stands for one written by hand where its signature is asked for: it has ``out`` too."""
    import types

    code = getattr(declared, "__wrapped__", declared).__code__  # its own, where it may be overridden already
    count, keyword_count = code.co_argcount, code.co_kwonlyargcount
    further = code.co_varnames[count + keyword_count :][
        : bool(code.co_flags & _VARIADIC) + bool(code.co_flags & _KEYWORDS)
    ]
    names = (*code.co_varnames[: count + keyword_count], "out", *further)
    made = stub.__code__.replace(
        co_name=record.name,
        co_qualname=record.name,
        co_varnames=names,
        co_nlocals=len(names),
        co_argcount=count,
        co_kwonlyargcount=keyword_count + 1,
        co_flags=stub.__code__.co_flags | code.co_flags & (_VARIADIC | _KEYWORDS),
        co_filename=f"<pullback function {record.name}>",
    )
    function = types.FunctionType(made, {"__name__": declared.__module__}, record.name, declared.__defaults__)
    function.__kwdefaults__ = {**(declared.__kwdefaults__ or {}), "out": None}
    function.__doc__ = declared.__doc__
    function.__qualname__ = declared.__qualname__
    function.__annotations__ = declared.__annotations__
    return function


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
