"""What a backend promises: its base class.

A backend is one object with a name, devices, dtypes, conversions and kernels. A kernel is a pure function
over native arrays whose operands already have one promoted dtype, named as the Python Array API standard
names it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from pullback.errors import BackendError, MissingKernelError
from pullback.meta.devices import CPU, Device
from pullback.meta.dtypes import DType
from pullback.meta.strides import is_contiguous

if TYPE_CHECKING:
    from pullback.backend.records import Limitation
    from pullback.tensor import Tensor

# A native array's class belongs to a library that core must not know, so there is no type to name here.
NativeArray: TypeAlias = Any
NativeDType: TypeAlias = Hashable
Kernel: TypeAlias = Callable[..., Any]


class Backend:
    """Base class of every backend: one instance per name, created by the registry when it is first used.

    A kernel is an attribute of the backend under its Array API name: ``backend.multiply(x, y)``. A subclass
    that wraps a library that follows the standard derives from
    :class:`~pullback.backend.array_api.ArrayAPIBackend` instead.

    Attributes
    ----------
    name : str
    mutable : bool
        Whether arrays can be written in place and views share memory.
    array_type : type
        The exact class of a concrete array; a kernel's result of another class goes through :meth:`as_array`.
    dtypes : dict
        The library's dtype objects, as ``array.dtype`` gives them, to pullback's dtypes.
    native_dtypes : dict
        The reverse.
    default_device : Device
    limitations : tuple of Limitation
    inplace_kernels : frozenset of str
        The kernels that accept ``out=``.
    strong_scalar_dtypes : frozenset of DType
        Dtypes that do not survive an operation with a Python scalar: there the scalar must be made an array
        first.
    float32_matmul_precision : str
        ``"highest"``, ``"high"`` or ``"medium"``, as in ``set_float32_matmul_precision``.
    computes_uint64 : bool or None
        Whether kernels compute in uint64, as random numbers are drawn; None where that is to be tried.
    boolean_keys : bool
        Whether ``getitem`` and ``index_put`` take a boolean array faster than the positions it stands for.
    compiles_each_shape : bool
        Whether the first call with a shape and dtype takes far longer than further ones. The conformance suite then
        shares shapes out among the dtypes.
    """

    name: str
    mutable: bool = False
    array_type: type
    dtypes: dict[NativeDType, DType]
    native_dtypes: dict[DType, Any]
    default_device: Device = CPU
    limitations: tuple[Limitation, ...] = ()
    inplace_kernels: frozenset[str] = frozenset()
    strong_scalar_dtypes: frozenset[DType] = frozenset()
    float32_matmul_precision: str = "highest"
    computes_uint64: bool | None = None
    boolean_keys: bool = False
    compiles_each_shape: bool = False
    level: int = (
        0  # of what transforms tensors, whose arrays those of :mod:`pullback.batching.levels` are; 0 for others
    )

    forgotten: bool = False  # whether it has been unregistered: operations keep nothing of it then

    def __getattr__(self, name: str) -> Kernel:
        # Only reached for what the backend lacks, so the kernels it has cost a plain attribute access.
        if name.startswith("_") or name in Backend.__annotations__:
            raise AttributeError(f"backend {type(self).__name__!r} does not define {name!r}")
        raise MissingKernelError(name, name, None, self)

    def __repr__(self) -> str:
        return f"<backend {self.__dict__.get('name', getattr(type(self), 'name', '?'))!r}>"

    def __reduce__(self) -> tuple[Callable[[str], Backend], tuple[str]]:
        # A backend is its name: there is one instance per process.
        from pullback.backend.selection import get_backend

        return get_backend, (self.name,)

    def _must_define(self, method: str) -> BackendError:
        return BackendError(f"backend {self.name!r} does not define {method}()")

    # -- levels: what :func:`pullback.vmap` and its like make of arrays; a backend of an array library keeps these

    @property
    def plain(self) -> Backend:
        """The backend beneath all levels: itself."""
        return self

    def home_of(self, array: NativeArray) -> Backend:
        """The backend of an array that a node saved, asked of the backend of the gradient it is used with."""
        return self

    def detached(self, array: NativeArray) -> NativeArray:
        """The array in the same memory, without a history on any level."""
        return array

    def repr_of(self, tensor: Tensor) -> str | None:
        """How a tensor is shown; None for elements in brackets."""
        return None

    def transferred(self, tensor: Tensor, backend: Backend, device: Device | None) -> Tensor | None:
        """A tensor whose array wraps another one, on another backend or device; None for plain tensors."""
        return None

    def widened(self, tensor: Tensor, like: Tensor) -> Tensor:
        """A copy of a tensor that can hold another one for each example wherever ``like``, of this backend, does."""
        return tensor.clone()

    def drawn(self, function: Callable[..., NativeArray], shape: Sequence[int], *rest: Any) -> NativeArray:
        """What ``function(backend, shape, *rest)`` draws, for each example of a level another one."""
        return function(self, tuple(shape), *rest)

    # -- availability

    @classmethod
    def unavailable_reason(cls) -> str | None:
        """None where the backend works on this machine, else one line that says why not."""
        return None

    def versions(self) -> dict[str, str]:
        """The versions of the libraries this backend stands on."""
        return {}

    # -- kernels

    def kernel(self, name: str) -> Kernel | None:
        """The kernel of that Array API name, or None."""
        found = getattr(self, name, None)
        return found if callable(found) and name not in _CONTRACT else None

    def kernel_for(self, name: str, dtype: DType) -> Kernel | None:
        """The kernel that operands of one dtype get: a backend may have a faster one where a dtype needs no care.

        A kernel with an attribute ``number_dtype`` gets a second operand in that one if it is a Python number or a 0-d
        array of another dtype.
        """
        return self.kernel(name)

    def add_kernels(self, kernels: Mapping[str, Kernel]) -> None:
        """Add kernels or replace them by faster ones."""
        for name, kernel in kernels.items():
            problem = kernel_problem(name, kernel)
            if problem:
                raise BackendError(f"{problem} (of backend {self.name!r})")
        for name, kernel in kernels.items():
            setattr(self, name, kernel)
            # An array library's in-place form of the kernel that was replaced is no longer its equal.
            self.inplace_kernels = self.inplace_kernels - {name}
            into = "fill_where_into" if name == "where" else f"{name}_into"
            if hasattr(Backend, into):
                setattr(self, into, getattr(Backend, into).__get__(self))

    def guard(self) -> AbstractContextManager[object]:
        """A context under which kernels raise no floating-point warnings."""
        return nullcontext()

    def silent(self, kernel: Kernel) -> Kernel:
        """A kernel, or what an operation computes by several, such that its caller hears no floating-point warnings.

        Those that the array library attributes to the caller itself, as NumPy's compiled functions do, are not heard:
        the calls of operations come from code of no module.
        """
        return kernel

    def silent_for(self, kernel: Kernel, dtype: DType) -> Kernel:
        """What :meth:`silent` makes of a kernel that is to run in this dtype."""
        return self.silent(kernel)

    def synchronize(self) -> None:
        """Wait until the kernels launched so far have finished, as far as anybody still has their results."""

    def clear_caches(self) -> None:
        """Forget what the array library has compiled for shapes and dtypes that it has met; it compiles them again."""

    def set_float32_matmul_precision(self, precision: str) -> None:
        """Choose how precise float32 matrix products are: ``"highest"``, ``"high"`` or ``"medium"``."""
        self.float32_matmul_precision = precision

    # -- devices

    def device_of(self, array: NativeArray) -> Device:
        """The device that holds ``array``."""
        return self.default_device

    def devices(self) -> list[Device]:
        """Every device this backend can use on this machine."""
        return [self.default_device]

    def to_device(self, array: NativeArray, device: Device) -> NativeArray:
        """``array`` on another device of this backend; the same array where it is there already."""
        if self.has_device(device):
            return array
        raise self.no_device(device)

    def has_device(self, device: Device) -> bool:
        """Whether ``device`` is one of :meth:`devices`; without an index, any of its kind."""
        return any(d.type == device.type and device.index in (None, d.index or 0) for d in self.devices())

    def no_device(self, device: Device) -> BackendError:
        """The error for a device that this backend lacks, to raise."""
        have = ", ".join(f"{str(d)!r}" for d in self.devices())
        return BackendError(f"backend {self.name!r} has no device {str(device)!r}; it has {have}")

    # -- arrays

    def is_array(self, obj: object) -> bool:
        """Whether ``obj`` is one of this backend's arrays."""
        return isinstance(obj, self.array_type)

    def as_array(self, obj: Any) -> NativeArray:
        """A kernel's result as an array: a scalar becomes a 0-d array."""
        raise self._must_define("as_array")

    def from_data(self, data: Any, dtype: DType, device: Device | None = None) -> NativeArray:
        """A new array from nested sequences, a scalar or a NumPy array."""
        raise self._must_define("from_data")

    def number(self, value: Any, dtype: DType) -> Any:
        """A Python number in ``dtype`` as elementwise kernels take it beside an array, now and in later calls."""
        return self.from_data(value, dtype, None)

    def from_numpy(self, array: Any) -> NativeArray:
        """A NumPy array as an array of this backend, sharing its memory where the backend can."""
        raise self._must_define("from_numpy")

    def to_numpy(self, array: NativeArray) -> Any:
        """A NumPy array with the elements of ``array``, sharing its memory where the backend can."""
        raise self._must_define("to_numpy")

    def to_dlpack(
        self,
        array: NativeArray,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A DLPack capsule of ``array``; the arguments are those of ``__dlpack__`` in the Array API standard."""
        raise self._must_define("to_dlpack")

    def dlpack_device(self, array: NativeArray) -> tuple[int, int]:
        """Where ``array`` is, as DLPack numbers kinds of device and devices."""
        raise self._must_define("dlpack_device")

    def from_dlpack(self, producer: Any, *, copy: bool | None = None) -> NativeArray:
        """An array of this backend with the elements of any object that has ``__dlpack__``.

        It shares memory where the library can; ``copy=False`` raises where it cannot, ``copy=True`` never shares.
        """
        raise self._must_define("from_dlpack")

    def copy(self, array: NativeArray) -> NativeArray:
        """A new, contiguous array with the elements of ``array``."""
        raise self._must_define("copy")

    def astype(self, array: NativeArray, dtype: DType) -> NativeArray:
        """A new array with the elements of ``array`` converted to ``dtype``.

        Of complex numbers a real dtype takes the real parts; bool says whether either part is nonzero.
        """
        raise self._must_define("astype")

    def native_dtype(self, dtype: DType) -> Any:
        """The library's dtype for ``dtype``, or an error that names both."""
        try:
            return self.native_dtypes[dtype]
        except KeyError:
            have = ", ".join(str(d) for d in self.native_dtypes)
            raise BackendError(f"backend {self.name!r} has no dtype {dtype}; it has {have}") from None

    def dtype_of(self, native: NativeDType) -> DType:
        """pullback's dtype for the library's ``native`` one, or an error that names both."""
        try:
            return self.dtypes[native]
        except KeyError:
            raise TypeError(
                f"backend {self.name!r} has arrays of dtype {native} that pullback does not support. The "
                f"only supported types are: {', '.join(d.name for d in self.native_dtypes)}."
            ) from None

    # -- kernels that may write into their first operand, which nobody reads afterwards; they return the result

    def index_put_into(self, x: NativeArray, key: Any, values: NativeArray, accumulate: bool = False) -> NativeArray:
        """``index_put`` into the memory of ``x``, where it can be written; nothing is written if it raises."""
        return self.index_put(x, key, values, accumulate)

    def scatter_into(
        self, x: NativeArray, axis: int, indices: NativeArray, values: NativeArray, reduce: str | None = None
    ) -> NativeArray:
        """``scatter`` into the memory of ``x``, where it can be written; nothing is written if it raises."""
        return self.scatter(x, axis, indices, values, reduce)

    def fill_where_into(self, x: NativeArray, mask: NativeArray, value: NativeArray) -> NativeArray:
        """``x`` with a 0-d value where ``mask``, which broadcasts to it, is true; in its memory, where that works."""
        return self.where(mask, value, x)

    def any_negative(self, indices: NativeArray) -> bool:
        """Whether an array of positions holds a negative one; False where that is not known without waiting."""
        return bool(0 not in indices.shape and self.min(indices) < 0)

    # -- memory

    def writable(self, array: NativeArray) -> bool:
        """Whether elements of ``array`` can be written in place."""
        return self.mutable

    def assign(self, target: NativeArray, value: Any) -> None:
        """Write ``value``, broadcast, into the memory of ``target``."""
        raise BackendError(f"arrays of backend {self.name!r} cannot be written in place")

    def owns_memory(self, array: NativeArray) -> bool:
        """Whether ``array`` owns its memory rather than viewing another array's."""
        return True

    def data_pointer(self, array: NativeArray) -> int | None:
        """The address of the first element; None where the library has no such thing."""
        return None

    def strides(self, array: NativeArray) -> tuple[int, ...] | None:
        """The strides in elements; None for immutable arrays."""
        return None

    def same_strides(self, array: NativeArray, other: NativeArray) -> bool:
        """Whether two arrays of one shape and dtype lie in memory in the same order."""
        return self.strides(array) == self.strides(other)

    def is_contiguous(self, array: NativeArray) -> bool:
        """Whether the elements lie in memory in row-major order without gaps."""
        strides = self.strides(array)
        return strides is None or is_contiguous(array.shape, strides)


_CONTRACT = frozenset(vars(Backend)) | frozenset(Backend.__annotations__)


def kernel_problem(name: object, kernel: object) -> str:
    """Why something cannot be added to a backend as a kernel; the empty string where it can."""
    if not isinstance(name, str) or not name.isidentifier():
        return f"{name!r} cannot be a kernel's name"
    if name in _CONTRACT or name.startswith("_"):
        return f"{name!r} cannot be a kernel: it is a part of what every backend is"
    if not callable(kernel):
        return f"{name!r} cannot be a kernel: it is not callable"
    return ""
