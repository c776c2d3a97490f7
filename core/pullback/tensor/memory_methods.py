"""Methods that tell of a tensor's memory: strides, storage, data pointer, base, version."""

from __future__ import annotations

import warnings
from typing import overload

from pullback.meta.formats import MemoryFormat, channels_last, channels_last_3d, check_memory_format, lies_in_format
from pullback.meta.shapes import normalize_dim
from pullback.tensor import Tensor, methods_of_tensor
from pullback.tensor.geometry import address_of, geometry_of
from pullback.tensor.levels import refuse_mapped
from pullback.tensor.memory import is_inference, version_of
from pullback.tensor.storage import TypedStorage, UntypedStorage
from pullback.tensor.tensor import Methods
from pullback.tensor.views import attach_detached, replace_memory


@methods_of_tensor
class MemoryMethods(Methods):
    """What a tensor knows of its memory."""

    @overload
    def stride(self, dim: None = None) -> tuple[int, ...]: ...

    @overload
    def stride(self, dim: int) -> int: ...

    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """How many elements lie between two neighbours along each dimension, or along ``dim``."""
        strides = geometry_of(self).strides
        if dim is None:
            return strides

        return strides[normalize_dim(dim, len(strides))]

    def storage_offset(self) -> int:
        """How many elements of the storage come before this tensor's first.

        Examples
        --------
        >>> import pullback as pb
        >>> pb.arange(5)[2:].storage_offset()
        2
        """
        return geometry_of(self).offset

    def is_contiguous(self, memory_format: MemoryFormat | None = None) -> bool:
        """Whether the elements lie in memory in row-major order without gaps, or in that of a memory format."""
        geometry = geometry_of(self)
        if memory_format is None:
            return geometry.is_contiguous
        check_memory_format(memory_format, "is_contiguous")
        if memory_format is channels_last or memory_format is channels_last_3d:
            return lies_in_format(geometry.shape, geometry.strides, memory_format)
        return geometry.is_contiguous

    def untyped_storage(self) -> UntypedStorage:
        """The memory that holds the elements, shared by the tensor's views and what it is a view of."""
        return UntypedStorage(self)

    def storage(self) -> TypedStorage:
        """The memory that holds the elements, counted in elements; deprecated for :meth:`untyped_storage`."""
        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage"
            " class. This should only matter to you if you are using storages directly.  To access UntypedStorage"
            " directly, use tensor.untyped_storage() instead of tensor.storage()",
            UserWarning,
            stacklevel=2,
        )
        return TypedStorage(self)

    @property
    def data(self) -> Tensor:
        """The tensor's elements outside the graph and unknown to its version checks; prefer :meth:`detach`."""
        refuse_mapped("accessing `data` under vmap transform is not allowed", self)
        out = Tensor._wrap(self.array, self.backend)
        attach_detached(out, self, shares_version=False)
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        refuse_mapped("mutating directly with `.data` under vmap transform is not allowed.", self)
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.edge is not None and value.dtype.category < 2:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        replace_memory(self, value)

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    @property
    def _version(self) -> int:
        """How often the memory has been written in place."""
        if is_inference(self):
            raise RuntimeError("Inference tensors do not track version counter.")
        return version_of(self)

    @property
    def _base(self) -> Tensor | None:
        """The tensor this one is a view of, or None."""
        return self.alias.base if self.alias is not None else None

    def _is_view(self) -> bool:
        """Whether this tensor is a view of another; views of what was made in inference mode are not told apart."""
        return self._base is not None and not self.is_inference()

    def is_inference(self) -> bool:
        """Whether the tensor was made in inference mode."""
        return is_inference(self)

    def data_ptr(self) -> int:
        """The address of the first element, in bytes; 0 for a tensor without elements.

        Where arrays have no addresses, those of a storage are counted from a place of its own: they tell which tensors
        share memory and where, and nothing can be read there.
        """
        refuse_mapped("Cannot access data pointer of Tensor that doesn't have storage", self)
        return address_of(self)
