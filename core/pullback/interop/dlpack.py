"""Tensors through DLPack: exchange of arrays between libraries without copies."""

from __future__ import annotations

from typing import Any, Final

from pullback.backend.base import Backend
from pullback.backend.selection import backend_for_device, backend_of_array, current_backend, get_backend
from pullback.dispatch.overridable import asks
from pullback.meta.devices import Device
from pullback.tensor import Tensor

#: DLPack's numbers of the kinds of device, and what pullback calls these.
_KINDS: Final = {1: "cpu", 2: "cuda", 3: "cpu", 10: "rocm", 11: "cpu", 13: "cuda"}
_NUMBERS: Final = {"cpu": 1, "cuda": 2, "rocm": 10}

_INVALID: Final = (
    "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have"
    " already constructed a tensor from it once."
)


def export(
    tensor: Tensor,
    stream: Any,
    max_version: tuple[int, int] | None,
    dl_device: tuple[int, int] | None,
    copy: bool | None,
) -> Any:
    """``Tensor.__dlpack__``: a capsule of the tensor's memory.

    Raises
    ------
    BufferError
        If the tensor requires gradients, which a capsule would lose.
    """
    if tensor.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if stream == -1 and tensor.device.type == "cpu":  # "do not synchronize": nothing to do there
        stream = None
    return tensor.backend.to_dlpack(
        tensor.array, stream=stream, max_version=max_version, dl_device=dl_device, copy=copy
    )


class _Capsule:
    """A bare capsule as the object with ``__dlpack__`` that libraries take."""

    def __init__(self, capsule: Any) -> None:
        import ctypes  # here, so that importing pullback need not

        class Head(ctypes.Structure):
            """The beginning of DLPack's ``DLManagedTensor``."""

            _fields_ = (("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32))

        pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
        pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
        try:
            address: int = pointer_of(capsule, b"dltensor")
        except ValueError:
            raise RuntimeError(_INVALID) from None
        head = Head.from_address(address)
        self.capsule = capsule
        self.device = (head.device_type, head.device_id)

    def __dlpack__(self, **asked: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the tensor's memory, to be consumed once; libraries take the tensor itself, too.

    Raises
    ------
    BufferError
        If the tensor requires gradients.

    Examples
    --------
    >>> import pullback as pb
    >>> capsule = pb.utils.dlpack.to_dlpack(pb.tensor([1., 2.]))
    >>> pb.utils.dlpack.from_dlpack(capsule)
    tensor([1., 2.])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"to_dlpack(): argument 'tensor' (position 1) must be Tensor, not {type(tensor).__name__}")
    return tensor.__dlpack__()


@asks("modes")
def from_dlpack(
    ext_tensor: Any,
    *,
    device: Device | str | None = None,
    copy: bool | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor of any library's array that has ``__dlpack__``, sharing its memory where the backend can.

    Parameters
    ----------
    ext_tensor
        The array, or a capsule.
    device : Device or str, optional
        Where the tensor shall be; by default where the array is.
    copy : bool, optional
        True never shares memory, False raises where a copy is needed.
    backend : str or Backend, optional
        Who receives it; by default an array's own backend where it has one, else the selected one if it has that kind
        of device, else the first that has.

    Raises
    ------
    RuntimeError
        For an object without ``__dlpack__``, and a capsule that has been consumed.
    BufferError
        Where the array cannot be exported, such as a Tensor that requires gradients, and where ``copy=False`` and it
        runs backwards through its memory.
    ValueError
        Where ``copy=False`` and the device is another.

    Examples
    --------
    >>> import numpy as np
    >>> import pullback as pb
    >>> a = np.zeros(2)
    >>> t = pb.from_dlpack(a)
    >>> a[0] = 5
    >>> t
    tensor([5., 0.], dtype=torch.float64)
    """
    producer = _Capsule(ext_tensor) if type(ext_tensor).__name__ == "PyCapsule" else ext_tensor
    if not hasattr(producer, "__dlpack__"):
        raise RuntimeError(_INVALID)
    receiver = get_backend(backend) if backend is not None else _receiver(producer)
    array = receiver.from_dlpack(producer, copy=copy)
    if any(stride < 0 and size > 1 for stride, size in zip(receiver.strides(array) or (), array.shape, strict=False)):
        if copy is False:
            raise BufferError("an array that runs backwards through its memory cannot be shared: leave copy=False out")
        array = receiver.copy(array)
    tensor = Tensor._wrap(array, receiver)
    if device is None:
        return tensor
    place = Device(device)
    if copy is False and (tensor.device.type != place.type or place.index not in (None, tensor.device.index)):
        wanted = (_NUMBERS.get(place.type, place.type), place.index or 0)
        raise ValueError(
            f"cannot move DLPack tensor from device {tensor.__dlpack_device__()} to {wanted} without copying."
            " Set copy=None or copy=True."
        )
    return tensor.to(place)


def _receiver(producer: Any) -> Backend:
    """The backend that gets an array when nobody says which."""
    if isinstance(producer, Tensor):
        return producer.backend
    own = None if isinstance(producer, _Capsule) else backend_of_array(producer)
    if own is not None and own is not get_backend("numpy"):
        return own
    number, index = producer.__dlpack_device__()
    kind = _KINDS.get(int(number))
    if kind is None:
        raise BufferError(f"from_dlpack: no backend has DLPack's device type {int(number)}")
    current = current_backend()
    if kind == "cpu":
        return current if current.has_device(Device("cpu")) else backend_for_device("cpu")
    return backend_for_device(Device(kind, int(index)))
