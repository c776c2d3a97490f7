"""What programs ask of a tensor beside its elements: its size, its device, and kinds of storage there are none of."""

from __future__ import annotations

from typing import Any

from pullback.dispatch.declaration import attach, in_namespace
from pullback.dispatch.overridable import asks
from pullback.meta.dtypes import DType
from pullback.tensor import Tensor
from pullback.tensor.geometry import geometry_of
from pullback.tensor.storage import UntypedStorage


@in_namespace("pullback")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_same_size(pb.ones(2), pb.ones(2, 1))
    False
    """
    if not isinstance(other, Tensor):
        raise TypeError(f"is_same_size(): argument 'other' (position 1) must be Tensor, not {type(other).__name__}")
    return bool(input.array.shape == other.array.shape)


@in_namespace("pullback")
def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not zero.

    Raises
    ------
    RuntimeError
        If there is more than one element, or none.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_nonzero(pb.tensor([0.5]))
    True
    """
    return bool(input)


@in_namespace("pullback")
def get_device(input: Tensor) -> int:
    """The index of the device that holds the elements; -1 for the CPU.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.get_device(pb.ones(1))
    -1
    """
    device = input.device
    return -1 if device.type == "cpu" else device.index or 0


@in_namespace("pullback")
def is_conj(input: Tensor) -> bool:
    """Whether conjugation of the elements is put off: never, :func:`pullback.conj` computes them.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_conj(pb.tensor([1j]).conj())
    False
    """
    return False


@in_namespace("pullback")
def is_neg(input: Tensor) -> bool:
    """Whether negation of the elements is put off: never.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_neg(pb.ones(1))
    False
    """
    return False


@in_namespace("pullback")
def is_inference(input: Tensor) -> bool:
    """Whether the tensor was made in inference mode.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_inference(pb.ones(1))
    False
    """
    return input.is_inference()


@in_namespace("pullback")
def resolve_conj(input: Tensor) -> Tensor:
    """The tensor with its elements conjugated where that is put off: itself, as it never is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.resolve_conj(pb.tensor([1j]).conj())
    tensor([0.-1.j])
    """
    return input


@in_namespace("pullback")
def resolve_neg(input: Tensor) -> Tensor:
    """The tensor with its elements negated where that is put off: itself, as it never is.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.resolve_neg(pb.ones(1))
    tensor([1.])
    """
    return input


@asks("nobody")
@in_namespace("pullback")
def is_storage(obj: Any) -> bool:
    """Whether ``obj`` is the memory behind a tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.is_storage(pb.ones(1).untyped_storage())
    True
    """
    return isinstance(obj, UntypedStorage)


@asks("nobody")
@in_namespace("pullback")
def typename(obj: Any) -> str:
    """The name of an object's type; of a tensor as PyTorch spells it.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.typename(pb.ones(1)), pb.typename(3)
    ('torch.FloatTensor', 'int')
    """
    if isinstance(obj, Tensor):
        return str(obj.type())
    kind = type(obj)
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", None) else f"{module}.{kind.__qualname__}"


def _is_pinned(input: Tensor) -> bool:
    """Whether the elements are in page-locked memory: never."""
    return False


def _is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both tensors show the same elements of the same memory.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> x.is_set_to(x.view(2)), x.is_set_to(x.clone())
    (True, False)
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"is_set_to(): argument 'tensor' (position 1) must be Tensor, not {type(tensor).__name__}")
    own, other = input.alias, tensor.alias
    shares = input is tensor or (own is not None and other is not None and own.storage is other.storage)
    return shares and geometry_of(input) == geometry_of(tensor)


def _reversed(input: Tensor) -> Tensor:
    """The tensor's rows in reverse order; a 0-d tensor as it is.

    Examples
    --------
    >>> import pullback as pb
    >>> reversed(pb.arange(3))
    tensor([2, 1, 0])
    """
    return input.flip(0) if input.ndim else input


def _grad_dtype(input: Tensor) -> DType | None:
    """The dtype of the gradient: the tensor's own."""
    return input.dtype


def _name(input: Tensor) -> None:
    """PyTorch's name of a variable: always None."""
    return


def _volatile(input: Tensor) -> bool:
    """What PyTorch once had in place of ``no_grad``: always False."""
    import warnings

    warnings.warn("volatile was removed (Variable.volatile is always False)", UserWarning, stacklevel=2)
    return False


def _set_volatile(input: Tensor, value: object) -> None:
    import warnings

    warnings.warn(
        "volatile was removed and now has no effect. Use `with torch.no_grad():` instead.", UserWarning, stacklevel=2
    )


def _is_cpu(input: Tensor) -> bool:
    """Whether the elements are in the memory of the CPU."""
    return input.device.type == "cpu"


def _never(what: str) -> property:
    def answer(input: Tensor) -> bool:
        return False

    answer.__doc__ = f"Whether the tensor is {what}: never."
    return property(answer)


for _function in (is_same_size, is_nonzero, get_device, is_conj, is_neg, resolve_conj, resolve_neg):
    attach(_function.__name__, _function)
for _attribute, _what in {
    "is_sparse": "sparse",
    "is_sparse_csr": "sparse by rows",
    "is_quantized": "quantized",
    "is_meta": "without elements",
    "is_nested": "a nested one",
    "is_mkldnn": "in a layout of MKL-DNN",
    "is_ipu": "on an IPU",
    "is_maia": "on a Maia device",
    "is_mps": "on a device of Metal",
    "is_mtia": "on an MTIA device",
    "is_vulkan": "on a device of Vulkan",
    "is_xla": "on a device of XLA",
    "is_xpu": "on an XPU",
}.items():
    attach(_attribute, _never(_what))
attach("is_cpu", property(_is_cpu))
attach("is_pinned", _is_pinned)
attach("is_set_to", _is_set_to)
attach("__reversed__", _reversed)
attach("grad_dtype", property(_grad_dtype))
attach("name", property(_name))
attach("volatile", property(_volatile, _set_volatile))
