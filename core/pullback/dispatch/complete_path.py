"""The complete path of an operation: coercion, backends, promotion, errors, special modes, any arity.

The generated callables of :mod:`pullback.dispatch.codegen` serve the common case and come here for everything else, so
this is where each rule is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from pullback.backend.kernel_exits import refuse_exit
from pullback.dispatch.arguments import checked_attributes, refuse_missing
from pullback.dispatch.finishing import finish
from pullback.dispatch.numbers import fitted as fitted_number
from pullback.dispatch.numbers import python_number
from pullback.dispatch.overridable import begin_use
from pullback.errors import BackendError, MissingKernelError
from pullback.meta import dtypes
from pullback.meta.allocation import check_size, memory_error
from pullback.meta.argument_names import UNSET
from pullback.meta.dtype_names import type_name
from pullback.meta.dtypes import DType, dtype_of_scalar, result_type_of
from pullback.meta.shapes import broadcast_shape
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import Tensor
from pullback.tensor.levels import ESCAPED, levels
from pullback.tensor.modes import INTERCEPTED, KERNELS, mode
from pullback.tensor.overriding import NOT_OVERRIDDEN, answered, ask_for_operation, overrides, overriding, use
from pullback.tensor.seams import NO_LEVEL, seams

if TYPE_CHECKING:
    from pullback.backend.base import Backend, NativeArray
    from pullback.dispatch.declaration import Operation
    from pullback.meta.devices import Device
    from pullback.tensor import Tensor


def general(
    operation: Operation,
    operands: tuple[Any, ...],
    attributes: dict[str, Any],
    public: Callable[..., Any] | None = None,
) -> Any:
    """Run an operation on whatever it was called with; ``public`` was called where not the operation's own callable.

    Raises
    ------
    TypeError
        An operand that is neither a tensor nor, where allowed, a number.
    RuntimeError
        Operands on two backends, shapes or dtypes the operation does not take.
    MissingKernelError
        The backend has no kernel for it.

    Notes
    -----
    The messages are PyTorch's, and those often leave out the operation: it follows, with what it was given, as a note
    of the exception, which a traceback shows.
    """
    if use.begun:
        answer = ask_for_operation(operation, operands, attributes, public)
        if answer is not NOT_OVERRIDDEN:
            return answered(public or operation.call, answer, (*operands, *attributes.values()))
    try:
        return _general(operation, operands, attributes)
    except Exception as error:
        if isinstance(error, MissingKernelError):
            from pullback.dispatch.fallback import NO_FALLBACK, run_elsewhere  # what programs hardly ever need

            elsewhere = run_elsewhere(operation, operands, attributes, error)
            if elsewhere is not NO_FALLBACK:
                return elsewhere
        if isinstance(error, MemoryError) and not isinstance(error, RuntimeError):
            raise memory_error(error) from error
        overridden = not use.begun and bool(overriding((*operands, *attributes.values())))
        overridden = overridden and not raised_by_handler(error)
        if not overridden and not any(note.startswith("in ") for note in getattr(error, "__notes__", ())):
            error.add_note(f"in {described_call(operation, operands, attributes)}")
        if not overridden:
            raise
    # An operand that is no tensor says what to do; nothing had told of its class before.
    begin_use()
    return general(operation, operands, attributes, public)


def described_call(operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any]) -> str:
    """A call as an error's note shows it: operands with dtype, shape and backend, attributes that aren't defaults."""
    given = [f"{name}={_described(value)}" for name, value in zip(operation.operands, operands, strict=False)]
    given += [f"{name}={value!r}" for name, value in attributes.items() if value is not operation.defaults.get(name)]
    return f"{operation.name}({', '.join(given)})"


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype.name}{list(value.array.shape)} on {value.backend.name}"
    if isinstance(value, list | tuple) and len(value) <= 4:
        return f"[{', '.join(_described(item) for item in value)}]"
    return repr(value) if isinstance(value, int | float | complex | str | None) else type(value).__name__


def _general(operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    active = mode()
    if active & INTERCEPTED:
        return seams.run_intercepted(operation, operands, attributes)
    if attributes:
        attributes = checked_attributes(operation, attributes)
    if operation.scales is not None and (attributes["alpha"] != 1 or attributes["alpha"] is True):
        attributes = dict(attributes)
        alpha = attributes.pop("alpha")
        scaled = operation.operands.index(operation.scales)
        operands = (*operands[:scaled], scaled_operand(operation, operands, scaled, alpha), *operands[scaled + 1 :])
        return operation.call(*operands, **attributes)
    if operation.otherwise is not None and any(getattr(o, "ndim", None) != operation.ndim for o in operands):
        return operation.otherwise(*operands, **attributes)
    flat = coerce(operation, operands)
    asked = attributes.get("dtype")
    if asked is not None and operation.check is None:  # a check has its own words for it
        if asked not in operation.dtypes and not _takes_nothing(operation, flat):
            raise_unsupported(operation, asked, "Optional")
        if flat[0].dtype not in operation.dtypes and asked in operation.dtypes:
            flat[0] = flat[0].to(asked)  # ``mean(integers, dtype=float32)`` converts first
    if levels():
        found = seams.run_at_level(operation, flat, attributes)
        if found is not NO_LEVEL:
            return found
    return run(operation, flat, attributes)


def scaled_operand(operation: Operation, operands: tuple[Any, ...], position: int, alpha: Any) -> Any:
    """An operand times ``alpha``, in the dtype that the operands have together."""
    dtype_of_scalar(alpha)  # refuses integers of more than 64 bits
    flat = coerce(operation, operands)
    if operation.refuses is not None:
        operation.refuses(*flat)
    dtype = common_dtype(operation, flat)
    if isinstance(alpha, bool) and dtype.category != dtypes.BOOL:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if dtype.category < dtypes.FLOATING and isinstance(alpha, float | complex):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and not dtype.is_complex:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")
    operand = flat[position]
    if isinstance(operand, bool | int | float | complex):
        return operand * alpha
    if dtype.category == dtypes.BOOL:
        return operand if alpha else operand & False
    return (operand if operand.dtype is dtype else operand.to(dtype)) * fitted(alpha, dtype)


def general_function(operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Run an operation called as the function that takes ``out``: that is the one to ask classes about."""
    return general(operation, operands, attributes, operation.exported)


def general_operator(operation: Operation, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Run an operation called as a Python operator: an operand of an unknown type is left to that type."""
    if use.begun:
        answer = ask_for_operation(operation, operands, attributes)
        if answer is not NOT_OVERRIDDEN:
            return answer
    for value in operands:
        if isinstance(value, Tensor):
            continue
        if python_number(value) is not None:
            if not operation.numbers:
                return NotImplemented
            continue
        if overrides(type(value)):
            begin_use()
            return general_operator(operation, operands, attributes)
        if not hasattr(value, "__array__"):
            return NotImplemented
    if operation.otherwise is not None and any(not isinstance(value, Tensor) for value in operands):
        from pullback.interop.numpy_arguments import promoted_pair

        operands = promoted_pair(*operands)  # products of matrices take one dtype, and arrays are often of float64
    if operation.kernel == "bitwise_invert" and operands[0].dtype not in operation.dtypes:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return general(operation, operands, attributes)


def coerce(operation: Operation, operands: tuple[Any, ...]) -> list[Any]:
    """The operands as Tensors, Python numbers where the operation takes them, or None where optional."""
    names: Sequence[str] = operation.operands
    values: list[Any] = list(operands)
    if operation.sequence:
        tensors = operands[0]
        if isinstance(tensors, Tensor) or not isinstance(tensors, list | tuple):
            raise TypeError(
                f"{operation.name}(): argument '{names[0]}' (position 1) must be tuple of Tensors, not"
                f" {type(tensors).__name__}"
            )
        if not tensors:
            if operation.check is not None:
                operation.check((), **operation.defaults)  # its own words for an empty list
            raise RuntimeError(f"{operation.name}(): expected a non-empty list of Tensors")
        names = [f"{names[0]}[{i}]" for i in range(len(tensors))]
        values = list(tensors)
    for position, (name, value) in enumerate(zip(names, values, strict=True)):
        if isinstance(value, Tensor) or (value is None and name in operation.optional):
            continue
        number = python_number(value)
        if number is not None and name in operation.numbers:
            values[position] = number
        elif number is None and hasattr(value, "__array__") and not operation.sequence and not overrides(type(value)):
            from pullback.interop.numpy_arguments import array_operand

            values[position] = array_operand(value, values)
        elif value is UNSET:
            refuse_missing(operation.name, dict(zip(names, values, strict=True)))
        elif operation.sequence:
            raise TypeError(f"expected Tensor as element {position} in argument 0, but got {type(value).__name__}")
        else:
            raise TypeError(
                f"{operation.name}(): argument '{name}' (position {position + 1}) must be Tensor, not"
                f" {type(value).__name__}"
            )
    if not any(isinstance(v, Tensor) for v in values):
        raise TypeError(
            f"{operation.name}(): argument '{names[0]}' (position 1) must be Tensor, not {type(values[0]).__name__}"
        )
    return values


def run(operation: Operation, flat: list[Any], attributes: dict[str, Any]) -> Any:
    """Promote, call the kernel or body, wrap the result, and :func:`finish` it."""
    active = mode()
    tensors = [v for v in flat if isinstance(v, Tensor)]
    backend = common_backend(operation, tensors)
    if backend.level:
        raise RuntimeError(ESCAPED)
    dtype = promoted_dtype(operation, flat)
    if operation.check is not None:
        if operation.sequence:
            operation.check(flat, **attributes)
        else:
            operation.check(*flat, **attributes)
    kernel = table_entry(operation, backend, dtype)[0]
    arrays = native_operands(operation, flat, backend, dtype, getattr(kernel, "number_dtype", dtype))
    if operation.broadcasts:
        check_size(broadcast_shape([tuple(a.shape) for a in arrays if hasattr(a, "shape")]), dtype.itemsize)
    if active & KERNELS:
        results = seams.compute_intercepted(
            operation, flat, attributes, lambda: call_kernel(operation, backend, dtype, kernel, arrays, attributes)
        )
    else:
        results = call_kernel(operation, backend, dtype, kernel, arrays, attributes)
    outs = [Tensor._wrap(a, backend) for a in (results if operation.outputs is not None else (results,))]
    return finish(operation, flat, attributes, outs, dtype, active)


def common_backend(operation: Operation, tensors: list[Tensor]) -> Backend:
    """The one backend all operands live on."""
    backend = tensors[0].backend
    for other in tensors:
        if other.backend is not backend:
            if backend.level or other.backend.level:
                raise RuntimeError(ESCAPED)
            raise RuntimeError(
                f"{operation.name}(): expected all tensors to be on one backend, got {backend.name!r} and"
                f" {other.backend.name!r}. Move one of them: .to({backend.name!r}) or .to({other.backend.name!r})"
            )
    device = backend.device_of(tensors[0].array)
    for other in tensors:
        if backend.device_of(other.array) != device and other.array.ndim:
            raise RuntimeError(
                f"Expected all tensors to be on the same device, but found at least two devices, {device} and"
                f" {backend.device_of(other.array)}! (when checking arguments of {operation.name})"
            )
    return backend


def promoted_dtype(operation: Operation, flat: list[Any]) -> DType:
    """The dtype the kernel gets its operands in."""
    if operation.refuses is not None:
        operation.refuses(*flat)
    dtype = common_dtype(operation, flat)
    if dtype not in operation.dtypes and not _takes_nothing(operation, flat):
        raise_unsupported(operation, dtype)
    return dtype


def _takes_nothing(operation: Operation, flat: list[Any]) -> bool:
    """Whether an operation takes operands of any dtype, since one of them has no elements."""
    return operation.takes_nothing and any(0 in getattr(getattr(v, "array", None), "shape", ()) for v in flat)


def common_dtype(operation: Operation, flat: list[Any]) -> DType:
    """The dtype that the operands have together, whether or not the operation takes it."""
    if operation.promotion == "same":
        dtype: DType = next(v for v in flat if isinstance(v, Tensor)).dtype
    else:
        values = (
            flat
            if operation.sequence
            else [v for n, v in zip(operation.operands, flat, strict=True) if n in operation.promotes]
        )
        dtype = result_type_of(
            [v.dtype for v in values if isinstance(v, Tensor) and v.array.ndim],
            [v.dtype for v in values if isinstance(v, Tensor) and not v.array.ndim],
            [dtype_of_scalar(v) for v in values if not isinstance(v, Tensor) and v is not None],
        )
        if operation.promotion == "float" and dtype.category < dtypes.FLOATING:
            dtype = dtypes.get_default_dtype()
    return dtype


def raise_unsupported(operation: Operation, dtype: DType, role: str = "Input") -> NoReturn:
    """Say which dtypes an operation takes instead of this one."""
    said = operation.unsupported if operation.unsupported is not None else f"{operation.name}_cpu"
    kind = type_name(dtype)
    error: Exception
    if not isinstance(said, str):
        error = said(dtype)
    elif said.isidentifier():
        error = NotImplementedError(f"\"{said}\" not implemented for '{kind}'")
    else:
        error = RuntimeError(said.format(dtype=dtype, kind=kind, name=operation.name, role=role))
    error.add_note(f"{operation.name}() takes {', '.join(d.name for d in dtypes.ALL if d in operation.dtypes)}")
    raise error


class ConstantCache(dict[Any, Any]):
    """Python numbers as kernels take them beside arrays of one dtype: converting one costs more than a small operation.

    What a kernel gets must not depend on earlier calls: numbers that are equal, and so one key, must be one constant.
    """

    def __init__(self, backend: Backend, dtype: DType, fits: bool = False) -> None:
        self.backend = backend
        self.dtype = dtype
        self.fits = fits

    def __missing__(self, value: Any) -> Any:
        array = self.made(value)
        # 0.0 and -0.0 are equal as keys; a NaN never is, and would fill the cache.
        if len(self) < 256 and value == value and (value or self.dtype.category < dtypes.FLOATING):
            self[value] = array
        return array

    def made(self, value: Any) -> Any:
        """The constant, made anew."""
        return number_operand(self.backend, fitted(value, self.dtype) if self.fits else value, self.dtype)


class ComplexConstantCache(ConstantCache):
    """The same for a complex dtype: a complex number with a zero part equals others, as keys, that it is not."""

    def __getitem__(self, value: Any) -> Any:
        if value.__class__ is complex and not (value.real and value.imag):
            return self.made(value)
        return dict.__getitem__(self, value)


def fitted(value: Any, dtype: DType) -> Any:
    """A Python number as one that ``dtype`` can hold, or PyTorch's error."""
    return fitted_number(value, dtype)


def constant(backend: Backend, value: Any, dtype: DType) -> NativeArray:
    """A Python number as a 0-d array; integers wrap around, as PyTorch's do."""
    return _converted(backend, value, dtype, backend.from_data)


def filled(backend: Backend, shape: tuple[int, ...], value: Any, dtype: DType, device: Device | None) -> NativeArray:
    """A new array of a Python number, which becomes an element as :func:`constant` has it."""

    def make(number: Any, dtype: DType) -> NativeArray:
        return backend.full(shape, number, dtype=backend.native_dtype(dtype), device=device)

    return _converted(backend, value, dtype, make)


def number_operand(backend: Backend, value: Any, dtype: DType) -> Any:
    """The same as an elementwise kernel takes it."""
    return _converted(backend, value, dtype, backend.number)


def _converted(backend: Backend, value: Any, dtype: DType, make: Callable[..., Any]) -> Any:
    if value.__class__ is int:
        dtype_of_scalar(value)  # refuses integers of more than 64 bits
        if dtype.category == dtypes.FLOATING:
            value = float(value)
        elif dtype.category == dtypes.BOOL:
            value = bool(value)
    if value.__class__ is float and not -65504.0 <= value <= 65504.0:  # may become infinite, which is no mishap
        with backend.guard():
            return make(value, dtype)
    if dtype.category == dtypes.INTEGER:
        bits = 8 * dtype.itemsize
        value = int(value) & ((1 << bits) - 1)
        if dtype.is_signed and value >> (bits - 1):
            value -= 1 << bits
    return make(value, dtype)


_SCALARS_BY_CATEGORY = (
    frozenset((bool,)),
    frozenset((bool, int)),
    frozenset((bool, int, float)),
    frozenset((bool, int, float, complex)),
)


def table_entry(operation: Operation, backend: Backend, dtype: DType) -> tuple[Any, ...]:
    """What the fast path looks up by native dtype: kernel, node class, number classes that don't promote, constants."""
    native = backend.native_dtypes.get(dtype)
    if native is None:
        raise NotImplementedError(
            f"{operation.name}(): the backend {backend.name!r} has no {dtype!r}; it has"
            f" {', '.join(d.name for d in backend.native_dtypes)}"
        )
    table = {} if backend.forgotten else operation.tables.setdefault(backend, {})
    entry = table.get(native)
    if entry is None:
        kernel = operation.body
        if kernel is None:
            kernel = backend.kernel_for(operation.kernel, dtype)
            if kernel is None:
                raise MissingKernelError(operation.name, operation.kernel, dtype, backend)
        if not operation.view:
            kernel = backend.silent_for(kernel, dtype)
        node_type = None
        if operation.differentiable:
            name = operation.node_name if isinstance(operation.node_name, str) else operation.name
            node_type = operation.node_type(name, conjugates=dtype.is_complex)
        scalars = _SCALARS_BY_CATEGORY[dtype.category] if operation.numbers else frozenset()
        if operation.refuses is not None:
            scalars = scalars - {bool}
        fits = bool(operation.fits.intersection(operation.promotes[1:]))
        cache = ComplexConstantCache if dtype.is_complex else ConstantCache
        constants = cache(backend, getattr(kernel, "number_dtype", dtype), fits)
        entry = (kernel, node_type, scalars, constants)
        # Promotion can change an integer operand's dtype: then the fast path must not find an entry for it. Nor for a
        # dtype that only tensors without elements may have.
        if dtype in operation.dtypes:
            entry = table.setdefault(native, entry)
    return entry


def native_operands(
    operation: Operation, flat: list[Any], backend: Backend, dtype: DType, number_dtype: DType
) -> list[Any]:
    """The operands as native arrays, those that take part in promotion in the promoted dtype.

    After the first one, numbers and 0-d operands of other dtypes come in ``number_dtype``.
    """
    names = operation.operands if not operation.sequence else operation.operands * len(flat)
    arrays: list[Any] = []
    for name, value in zip(names, flat, strict=True):
        promotes = operation.promotion != "same" and name in operation.promotes
        if isinstance(value, Tensor):
            array = value.array
            if promotes and value.dtype is not dtype:
                array = backend.astype(array, dtype if array.ndim or not arrays else number_dtype)
        elif value is None:
            array = None
        else:
            number = fitted(value, dtype) if name in operation.fits else value
            array = number_operand(backend, number, number_dtype if arrays else dtype)
        arrays.append(array)
    return arrays


def call_kernel(
    operation: Operation,
    backend: Backend,
    dtype: DType,
    kernel: Callable[..., Any],
    arrays: list[Any],
    attributes: dict[str, Any],
) -> Any:
    """Run the kernel or body on native arrays; its results are arrays of the backend's own class."""
    with backend.guard():
        try:
            if operation.body is not None:
                operands = [arrays] if operation.sequence else arrays
                results = kernel(backend, *operands, **attributes)
            else:
                results = kernel(*arrays)
        except MissingKernelError as error:
            raise MissingKernelError(operation.name, error.kernel, dtype, backend) from None
        except BaseException as error:
            if isinstance(error, Exception):
                raise
            refuse_exit(operation, backend, error)
    made = [backend.as_array(r) for r in (results if operation.outputs is not None else (results,))]
    for array in made:
        problem = _result_problem(operation, backend, dtype, arrays, array)
        if problem:
            # Only this path looks at results: it must be taken next time too.
            operation.tables.get(backend, {}).pop(backend.native_dtypes[dtype], None)
            raise BackendError(
                f"{operation.name}(): the kernel {operation.kernel!r} of backend {backend.name!r} gave an array of"
                f" {problem}"
            )
    return made if operation.outputs is not None else made[0]


def _result_problem(
    operation: Operation, backend: Backend, dtype: DType, arrays: list[Any], array: NativeArray
) -> str | None:
    """What is wrong with the dtype or shape of a kernel's result, as far as the declaration tells what is right."""
    got = backend.dtypes.get(array.dtype)
    if got is None:
        return f"dtype {array.dtype} for {dtype}; the backend has {', '.join(d.name for d in backend.native_dtypes)}"
    if operation.body is not None or operation.outputs is not None:
        return None
    expected = operation.result or dtype
    if got is not expected and not (dtype.is_complex and got is dtype.to_real()):  # a complex number's absolute value
        return f"dtype {got.name} for {dtype}; expected {expected.name}"
    if not operation.broadcasts:
        return None
    shape = broadcast_shape([tuple(a.shape) for a in arrays if hasattr(a, "shape")])
    if tuple(array.shape) != shape:
        return f"shape {list(array.shape)}; expected {list(shape)}"
    return None
