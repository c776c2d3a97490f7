"""Copies and casts: ``clone``, ``to``, ``float()`` and the like, and writing one tensor into another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from pullback import dtypes
from pullback.autograd.node import Node, start_node
from pullback.backend.base import Backend
from pullback.backend.selection import backend_for_device, get_backend
from pullback.devices import Device
from pullback.dtypes import DType
from pullback.inplace import apply_inplace
from pullback.op import Array, Number, attach, composite, op
from pullback.ops.zeros import zeros_of
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.backend.base import NativeArray


@op(linear=True, vjp=lambda grad: grad)
def clone(backend: Backend, input: Array, *, memory_format: Any = None) -> Array:
    """A copy with memory of its own, through which gradients flow.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> y = x.clone()
    >>> y[0] = 5
    >>> x
    tensor([1., 1.])
    """
    return backend.copy(input)


@op(
    name="to_dtype",
    node="ToCopyBackward0",
    linear=True,
    vjp=lambda grad, input_dtype: cast_gradient(grad, input_dtype),
    method=False,
)
def to_dtype(backend: Backend, input: Array, dtype: DType) -> Array:
    """The elements converted to another dtype; what :func:`to` records."""
    if backend.dtypes[input.dtype].is_complex and not dtype.is_complex:
        input = backend.real(input)
    return backend.astype(input, dtype)


def cast_gradient(grad: Tensor, dtype: DType) -> Tensor:
    """A gradient in the dtype its operand had before a cast."""
    from pullback.autograd.engine import reduce_gradient

    return reduce_gradient(grad, None, dtype)


class TransferBackward0(Node):
    """Gradient of a move to another backend or device: the move back."""

    __slots__ = ("source",)

    source: tuple[Backend, Device]

    def apply(self, grad: Any) -> tuple[Tensor | None, ...]:
        return (_transfer(grad, *self.source),)

    def name(self) -> str:
        return "ToCopyBackward0"


def _transfer(value: Tensor, backend: Backend, device: Device | None) -> Tensor:
    """The tensor's elements on another backend or device; differentiable."""
    from pullback.autograd.grad_mode import FORWARD, NO_GRAD, mode
    from pullback.views import edge_of

    source = value.backend
    if source is backend:
        array: NativeArray = backend.to_device(value.array, device) if device is not None else value.array
    else:
        array = backend.from_numpy(source.to_numpy(value.array))
        if backend.mutable:  # the two must not share memory, or a write on one side would show on the other
            array = backend.copy(array)
        if device is not None:
            array = backend.to_device(array, device)
    out = Tensor._wrap(array, backend)
    edge = None if mode() & NO_GRAD else edge_of(value)
    if edge is not None:
        node = TransferBackward0()
        start_node(node, (edge,))
        node.source = (source, value.device)
        out.edge = node
    if mode() & FORWARD and value._tangent is not None:
        from pullback.autograd.forward_ad import set_tangent

        set_tangent(out, _transfer(value._tangent, backend, device))
    return out


@composite()
def to(
    input: Tensor,
    *args: DType | Device | Backend | Tensor | str | bool | None,
    dtype: DType | None = None,
    device: Device | str | None = None,
    backend: str | Backend | None = None,
    copy: bool = False,
    non_blocking: bool = False,
) -> Tensor:
    """The tensor with another dtype, on another device or another backend; itself where nothing changes.

    Gradients flow through it, also between backends.

    Parameters
    ----------
    *args
        A dtype, a device, a backend's name or a Tensor to be like, in any order; then ``non_blocking`` and ``copy``.
    copy : bool
        Copy even where nothing changes.

    Raises
    ------
    RuntimeError, UnknownBackendError
        For a device or backend that isn't there.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.tensor([1.5, 2.5]).to(pb.int64)
    tensor([1, 2])
    >>> pb.ones(2).to("numpy").backend.name
    'numpy'
    """
    flags = [a for a in args if isinstance(a, bool)]
    if len(flags) == 2:
        copy = flags[1]
    for argument in args:
        if isinstance(argument, DType):
            dtype = argument
        elif isinstance(argument, Tensor):
            dtype, backend, device = argument.dtype, argument.backend, argument.device
        elif isinstance(argument, Backend):
            backend = argument
        elif isinstance(argument, Device):
            device = argument
        elif isinstance(argument, str):
            if _names_device(argument):
                device = argument
            else:
                backend = argument
        elif not isinstance(argument, bool) and argument is not None:
            raise TypeError(
                f"to() received an invalid argument of type {type(argument).__name__}: expected a dtype, a device, a"
                " backend's name or a Tensor"
            )
    result = input
    place = Device(device) if device is not None else None
    if backend is not None:
        target = get_backend(backend)
        if target is not input.backend or place is not None:
            result = _transfer(result, target, place)
    elif place is not None and not _is_on(input, place):
        target = input.backend if input.backend.has_device(place) else backend_for_device(place)
        result = _transfer(result, target, place)
    if dtype is not None and dtype is not result.dtype:
        return to_dtype(result, dtype)
    return clone(result) if copy and result is input else result


def _names_device(text: str) -> bool:
    """Whether a string names a device rather than a backend: ``"cpu"``, ``"cuda:1"``."""
    from pullback.backend.registry import known_backends

    kinds = {kind for spec in known_backends().values() for kind in spec.device_types}
    return text.partition(":")[0] in kinds


def _is_on(tensor: Tensor, place: Device) -> bool:
    device = tensor.device
    return device.type == place.type and place.index in (None, device.index)


def _cast_method(name: str, dtype: DType) -> Callable[[Tensor], Tensor]:
    def cast(input: Tensor) -> Tensor:
        return to(input, dtype)

    cast.__name__ = cast.__qualname__ = name
    cast.__doc__ = f"The tensor as ``{dtype.name}``; itself where it has that dtype."
    return cast


for _name, _dtype in {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "bfloat16": dtypes.bfloat16,
    "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128,
    "bool": dtypes.bool_,
    "byte": dtypes.uint8,
    "char": dtypes.int8,
    "short": dtypes.int16,
    "int": dtypes.int32,
    "long": dtypes.int64,
}.items():
    attach(_name, _cast_method(_name, _dtype))


@composite()
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """``input`` in the dtype and on the backend of ``other``."""
    return to(input, other)


@composite()
def cpu(input: Tensor) -> Tensor:
    """The tensor on the CPU; itself where it is there already.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2).cpu().device
    device(type='cpu')
    """
    return to(input, Device("cpu"))


@overload
def _type(input: Tensor, dtype: None = None) -> str: ...


@overload
def _type(input: Tensor, dtype: DType | str) -> Tensor: ...


def _type(input: Tensor, dtype: DType | str | None = None) -> str | Tensor:
    """The tensor's type as PyTorch spells it, or the tensor converted to another dtype.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.ones(2).type()
    'torch.FloatTensor'
    """
    if dtype is None:
        prefix = "torch.cuda." if input.is_cuda else "torch."
        return prefix + input.dtype.tensor_type_name
    if isinstance(dtype, str):
        named = {f"torch.{d.tensor_type_name}": d for d in dtypes.ALL}
        if dtype not in named:
            raise ValueError(f"invalid type: {dtype!r}; expected one of {', '.join(named)}")
        dtype = named[dtype]
    return to(input, dtype)


attach("type", _type)


@op(
    name="copy",
    node="CopyBackwards",
    vjp={
        "input": lambda grad, input_shape: zeros_of(grad, input_shape),
        "src": lambda grad, src_shape, src_dtype: written_gradient(grad, src_shape, src_dtype),
    },
    jvp={
        "input": lambda tangent: zeros_of(tangent, tangent.shape),
        "src": lambda tangent, input_shape, input_dtype: tangent.to(input_dtype).expand(input_shape),
    },
    method=False,
)
def copy(backend: Backend, input: Array, src: Array) -> Array:
    """``src`` broadcast and cast to the shape and dtype of ``input``; what writing into a tensor records."""
    dtype = backend.dtypes[input.dtype]
    if backend.dtypes[src.dtype] is not dtype:
        if backend.dtypes[src.dtype].is_complex and not dtype.is_complex:
            src = backend.real(src)
        src = backend.astype(src, dtype)
    if tuple(src.shape) != tuple(input.shape):
        src = _without_leading_ones(backend, src, len(input.shape))
        src = backend.broadcast_to(src, expanded_shape(backend, src, input.shape))
    return src


def _without_leading_ones(backend: Backend, array: Array, ndim: int) -> Array:
    """Assignment drops leading dimensions of size 1 that the target does not have."""
    extra = len(array.shape) - ndim
    if extra > 0 and all(size == 1 for size in array.shape[:extra]):
        return backend.reshape(array, array.shape[extra:])
    return array


def written_gradient(grad: Tensor, shape: tuple[int, ...], dtype: DType) -> Tensor:
    """The gradient of a source that was broadcast and cast into a tensor."""
    from pullback.autograd.engine import reduce_gradient

    extra = max(len(shape) - grad.ndim, 0)
    return reduce_gradient(grad, tuple(shape[extra:]), dtype).reshape(shape)


def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write ``src``, broadcast and cast, into the tensor; a source on another backend is moved.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2).copy_(pb.tensor([1, 2]))
    tensor([1., 2.])
    """
    if not isinstance(src, Tensor):
        src = self.new_tensor(src)
    if src.backend is not self.backend:
        src = to(src, self.backend)
    return apply_inplace(_operation("copy"), self, (src,), {})


def fill_(self: Tensor, value: Tensor | Number) -> Tensor:
    """Write one value into every element.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.zeros(2).fill_(7)
    tensor([7., 7.])
    """
    if isinstance(value, Tensor):
        if value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions."
            )
        return apply_inplace(_operation("copy"), self, (value,), {})
    return apply_inplace(_operation("fill"), self, (), {"value": value})


def zero_(self: Tensor) -> Tensor:
    """Write zero into every element."""
    return fill_(self, 0)


@op(
    node="FillBackward0",
    vjp=lambda grad, input_shape: zeros_of(grad, input_shape),
    jvp=lambda tangent: zeros_of(tangent, tangent.shape),
    method=False,
)
def fill(backend: Backend, input: Array, value: Any) -> Array:
    """A tensor of the shape and dtype of ``input`` filled with one value.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.fill(pb.zeros(2), 3.)
    tensor([3., 3.])
    """
    from pullback.op_general import constant

    return backend.broadcast_to(constant(backend, value, backend.dtypes[input.dtype]), input.shape)


def _operation(name: str) -> Any:
    from pullback.op import registry

    return registry[name]


attach("copy_", copy_)
attach("fill_", fill_)
attach("zero_", zero_)


from pullback.ops.shape import expanded_shape  # noqa: E402
