"""The storage behind tensors, as users see it: whether two tensors share it, and how many bytes there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.backend.geometry import Geometry
from pullback.meta.dtypes import DType, uint8
from pullback.tensor.geometry import geometry_of
from pullback.tensor.memory import alias_of
from pullback.tensor.views import strided_view

if TYPE_CHECKING:
    from pullback.meta.devices import Device
    from pullback.tensor import Tensor
    from pullback.tensor.memory import Memory


class UntypedStorage:
    """The bytes that a tensor and its views lie in.

    It answers questions and holds no elements of its own: read and write them through tensors.

    Examples
    --------
    >>> import pullback as pb
    >>> x = pb.zeros(4)
    >>> x[1:].untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    True
    >>> x[1:].untyped_storage().nbytes()
    16
    """

    __slots__ = ("_origin",)

    def __init__(self, tensor: Tensor) -> None:
        alias = alias_of(tensor)
        self._origin = tensor if alias.origin is None else alias.origin

    def data_ptr(self) -> int:
        """The address of the first byte; equal for tensors that share memory, whatever the backend."""
        if not self.nbytes():
            return 0
        pointer = self._origin.backend.data_pointer(self._origin.array)
        return self._identity.address if pointer is None else pointer

    def nbytes(self) -> int:
        """How many bytes there are."""
        return geometry_of(self._origin).extent * self._origin.dtype.itemsize

    size = __len__ = nbytes

    def element_size(self) -> int:
        """The size of an element in bytes: an untyped storage counts bytes."""
        return 1

    @property
    def device(self) -> Device:
        """The device that holds the bytes."""
        return self._origin.device

    @property
    def _identity(self) -> Memory:
        return alias_of(self._origin).storage

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self._identity is other._identity

    def __hash__(self) -> int:
        return id(self._identity)

    def elements(self, dtype: DType) -> Tensor:
        """All of the storage as a tensor of one dimension, outside of any graph."""
        geometry = Geometry.contiguous(dtype, (self.nbytes() // dtype.itemsize,))
        origin = self._origin.detach()
        return strided_view(origin, geometry_of(origin), geometry)

    def tolist(self) -> list[int]:
        """The bytes as numbers from 0 to 255."""
        return list(self.elements(uint8).tolist()) if self.nbytes() else []

    def __getitem__(self, index: int) -> int:
        return self.tolist()[index]

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def __repr__(self) -> str:
        lines = "".join(f" {byte}\n" for byte in self.tolist())
        return f"{lines}[torch.storage.UntypedStorage(device={self.device}) of size {self.nbytes()}]"


class TypedStorage:
    """A storage seen as elements of one dtype: what the deprecated ``Tensor.storage()`` returns.

    Examples
    --------
    >>> import pullback as pb
    >>> storage = TypedStorage(pb.arange(3)[1:])
    >>> storage.size(), storage.tolist()
    (3, [0, 1, 2])
    """

    __slots__ = ("_untyped_storage", "dtype")

    def __init__(self, tensor: Tensor) -> None:
        self._untyped_storage = UntypedStorage(tensor)
        self.dtype = tensor.dtype

    def untyped(self) -> UntypedStorage:
        """The same memory, counted in bytes."""
        return self._untyped_storage

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._untyped_storage.data_ptr()

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """The size of an element in bytes."""
        return self.dtype.itemsize

    def size(self) -> int:
        """How many elements there are."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    @property
    def device(self) -> Device:
        """The device that holds the elements."""
        return self._untyped_storage.device

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        return list(self._untyped_storage.elements(self.dtype).tolist())

    def __getitem__(self, index: int) -> Any:
        return self.tolist()[index]

    def __iter__(self) -> Any:
        return iter(self.tolist())

    def __repr__(self) -> str:
        lines = "".join(f" {element}\n" for element in self.tolist())
        return f"{lines}[torch.storage.TypedStorage(dtype={self.dtype}, device={self.device}) of size {self.size()}]"
