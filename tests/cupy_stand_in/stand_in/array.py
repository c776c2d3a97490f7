"""The array (cupy/_core/core.pyx): memory of a device, and what one can see of it without copying it to the host."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from stand_in import launches
from stand_in.counters import count
from stand_in.devices import Device, Stream, getDevice
from stand_in.dtypes import SCALARS, get_dtype
from stand_in.launches import launch, result, silently
from stand_in.memory import MemoryPointer, alloc

_MAX_NDIM = 64


class Flags:
    """Whether an array's elements lie in order, and whether the memory is its own (cupy/_core/flags.pyx)."""

    def __init__(self, c_contiguous: bool, f_contiguous: bool, owndata: bool) -> None:
        self.c_contiguous, self.f_contiguous, self.owndata = c_contiguous, f_contiguous, owndata
        self.fnc = f_contiguous and not c_contiguous
        self.forc = f_contiguous or c_contiguous

    def __getitem__(self, name: str) -> bool:
        return {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}[name]

    def __repr__(self) -> str:
        return f"  C_CONTIGUOUS : {self.c_contiguous}\n  F_CONTIGUOUS : {self.f_contiguous}\n  OWNDATA : {self.owndata}"


class ndarray:
    """An array on a device. ``_host`` are its elements, which nobody else can reach without a copy."""

    __slots__ = ("__weakref__", "_host", "base", "data")
    __array_priority__ = 100
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str | None = "C"
    ) -> None:
        shape = tuple(map(int, shape)) if np.iterable(shape) else (int(shape),)
        if len(shape) > _MAX_NDIM:
            raise ValueError(f"maximum supported dimension for an ndarray is {_MAX_NDIM}, found {len(shape)}")
        if any(n < 0 for n in shape):
            raise ValueError("Negative dimensions are not allowed")
        dtype = get_dtype(dtype)
        self.base = None
        if memptr is None:
            size = dtype.itemsize
            for n in shape:
                size *= n
            memptr = alloc(size)
        self.data = memptr
        memory = memptr.mem
        if memory.content is None or 0 in shape:
            # Strides that are asked for stay, as they do where there is memory.
            self._host = np.ndarray(shape, dtype, order=order or "C")
            if strides is not None:
                self._host = np.lib.stride_tricks.as_strided(self._host, shape, strides)
        else:
            self._host = np.ndarray(shape, dtype, memory.content, memptr.ptr - memory.ptr, strides, order or "C")

    def _view(self, host: Any) -> ndarray:
        """Another view of the same memory; NumPy has worked out where it lies."""
        view = object.__new__(ndarray)
        view._host = host
        view.base = self if self.base is None else self.base
        memory = self.data.mem
        if memory.content is None or not host.size:
            view.data = self.data
        else:
            view.data = MemoryPointer(memory, host.__array_interface__["data"][0] - memory.ptr)
        return view

    # -- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self._host.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        view = self._host.view()
        view.shape = shape
        self._host = view

    @property
    def dtype(self) -> Any:
        return self._host.dtype

    @property
    def strides(self) -> tuple[int, ...]:
        return self._host.strides

    @property
    def ndim(self) -> int:
        return self._host.ndim

    @property
    def size(self) -> int:
        return self._host.size

    @property
    def itemsize(self) -> int:
        return self._host.itemsize

    @property
    def nbytes(self) -> int:
        return self._host.nbytes

    @property
    def flags(self) -> Flags:
        return Flags(self._host.flags.c_contiguous, self._host.flags.f_contiguous, self.base is None)

    @property
    def device(self) -> Device:
        return self.data.device

    @property
    def T(self) -> ndarray:
        return self._view(self._host.T)

    @property
    def mT(self) -> ndarray:
        return self._view(self._host.mT)

    @property
    def real(self) -> ndarray:
        return self._view(self._host.real) if self.dtype.kind == "c" else self

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> ndarray:
        if self.dtype.kind == "c":
            return self._view(self._host.imag)
        return result(np.zeros(self.shape, self.dtype))

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("cupy.ndarray does not have imaginary part to set")
        self.imag[...] = value

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    # -- to the host and back

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        if out is not None:
            if not isinstance(out, np.ndarray):
                raise TypeError("Only numpy.ndarray can be obtained from cupy.ndarray")
            if out.dtype != self.dtype:
                raise TypeError(f"{out.dtype} array cannot be obtained from {self.dtype} array")
            if out.shape != self.shape:
                raise ValueError(f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}")
            if not out.flags.forc:
                raise RuntimeError("`out` cannot be specified when copying to non-contiguous ndarray")
        host = np.empty(self.shape, self.dtype, "F" if order == "A" and self.flags.fnc else "C") if out is None else out
        host[...] = self._host
        count("to host")
        if blocking:
            count("synchronizations")
        return host

    def set(self, arr: Any, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not self.flags.forc:
            raise RuntimeError("Cannot set to non-contiguous array")
        count("to device")
        self._host[...] = arr

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def tobytes(self, order: str = "C") -> bytes:
        return self.get().tobytes(order)

    def __bool__(self) -> bool:
        if self.size == 0:
            warnings.warn("The truth value of an empty array is ambiguous.", DeprecationWarning, stacklevel=2)
            return False
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __reduce__(self) -> Any:
        from stand_in.creation import array

        return array, (self.get(order="A"),)

    def __array__(self, dtype: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
            "explicitly."
        )

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "descr": self.dtype.descr,
            "stream": 1,
            "version": 3,
            "strides": None if self.flags.c_contiguous else self.strides,
            "data": (self.data.ptr, False),
        }

    def __dlpack__(
        self, *, stream: Any = None, max_version: tuple[int, ...] | None = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        from stand_in.dlpack import exported

        return exported(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.data.device_id

    # -- copies

    def astype(self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: Any = True) -> ndarray:
        if casting is not None:
            raise TypeError("casting is not supported yet")
        if subok is not None:
            raise TypeError("subok is not supported yet")
        dtype = get_dtype(dtype)
        if dtype == self.dtype and not copy and order in "KA":
            return self
        launch(self)
        host = self._host
        if host.dtype.kind == "c" and dtype.kind not in "cb":
            if not self.size:
                warnings.warn(
                    "Casting complex values to real discards the imaginary part",
                    np.exceptions.ComplexWarning,
                    stacklevel=2,
                )
            host = host.real
        with silently():
            laid_out = host.astype(dtype, order=order)
        made = ndarray(self.shape, dtype, alloc(laid_out.nbytes), laid_out.strides if laid_out.size else None)
        made._host[...] = laid_out
        return made

    def copy(self, order: str = "C") -> ndarray:
        if self.data.device_id == getDevice() or not self.size:
            return self.astype(self.dtype, order=order)
        with self.device:
            there = self.astype(self.dtype, order=order, copy=False)
        if not there.flags.forc:
            raise NotImplementedError("CuPy cannot copy non-contiguous array between devices.")
        made = ndarray(there.shape, there.dtype, alloc(there.nbytes), there.strides)
        made._host[...] = there._host
        return made

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> ndarray:
        with self.device:
            return self.copy()

    def fill(self, value: Any) -> None:
        if isinstance(value, ndarray):
            if value.shape != ():
                raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
            launch(self, value)
            value = value.astype(self.dtype, copy=False)._host
        else:
            launch(self)
            value = np.asarray(value, dtype=self.dtype)
            if value.shape != ():
                raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        self._host[...] = value

    def flatten(self, order: str = "C") -> ndarray:
        return self.copy().reshape(-1)

    # -- views, where they can be

    def view(self, dtype: Any = None, array_class: Any = None) -> ndarray:
        if dtype is None:
            return self._view(self._host.view())
        dtype = np.dtype(dtype)
        if dtype.itemsize != self.itemsize:
            if not self.ndim:
                raise ValueError("Changing the dtype of a 0d array is only supported if the itemsize is unchanged")
            if self.shape[-1] != 1 and self.size and self.strides[-1] != self.itemsize:
                raise ValueError("To change to a dtype of a different size, the last axis must be contiguous")
            if self.shape[-1] * self.itemsize % dtype.itemsize:
                raise ValueError(
                    "When changing to a larger dtype, its size must be a divisor of the total size in bytes of the "
                    "last axis of the array."
                )
        return self._view(self._host.view(dtype))

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> ndarray:
        shape = tuple(shape[0]) if len(shape) == 1 and np.iterable(shape[0]) else shape
        reshaped = self._host.reshape(shape, order=order)
        if not self.size or np.may_share_memory(reshaped, self._host):
            return self._view(reshaped)
        return result(reshaped)

    def ravel(self, order: str = "C") -> ndarray:
        return self.reshape(-1)

    def transpose(self, *axes: Any) -> ndarray:
        return self._view(self._host.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        return self._view(self._host.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> ndarray:
        if axis == () or (axis is None and 1 not in self.shape):
            return self  # itself, not a view
        return self._view(self._host.squeeze(axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> ndarray:
        found = self._host.diagonal(offset, axis1, axis2)
        return self._view(writable(found, self)) if found.size else ndarray(found.shape, self.dtype)

    # -- elements

    def __getitem__(self, slices: Any) -> Any:
        from stand_in.indexing import getitem

        return getitem(self, slices)

    def __setitem__(self, slices: Any, value: Any) -> None:
        from stand_in.indexing import scatter

        scatter(self, slices, value, "update")

    def _scatter_op(self, slices: Any, value: Any, op: str) -> None:
        from stand_in.indexing import scatter

        scatter(self, slices, value, op)

    def scatter_add(self, slices: Any, value: Any) -> None:
        self._scatter_op(slices, value, "add")

    def scatter_max(self, slices: Any, value: Any) -> None:
        self._scatter_op(slices, value, "max")

    def scatter_min(self, slices: Any, value: Any) -> None:
        self._scatter_op(slices, value, "min")

    # -- NumPy's functions of CuPy's arrays

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        found = _functions.get(function.__name__)
        given = inputs
        if "out" in kwargs:
            given += kwargs["out"]
            kwargs["out"] = kwargs["out"][0]
        if found is None or any(not isinstance(x, (*SCALARS, np.generic, np.ndarray, ndarray)) for x in given):
            return NotImplemented
        if method != "__call__":
            found = getattr(found, method, None)
            if found is None:
                return NotImplemented
        return found(*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        found = _functions.get(function.__name__)
        if (
            found is None
            or function.__module__ != "numpy"
            or any(not issubclass(t, (ndarray, np.ndarray)) for t in types)
        ):
            return NotImplemented
        return found(*args, **kwargs)


launches._array_type.append(ndarray)
#: The functions by name that operators and NumPy's functions lead to; the module ``cupy`` fills it.
_functions: dict[str, Any] = {}


def _yields(x: Any, y: Any) -> bool:
    """Whether the other operand is to answer (``_should_use_rop``)."""
    unset = object()
    theirs = getattr(y, "__array_ufunc__", unset)
    if theirs is not unset:
        return theirs is None
    return x.__array_priority__ < getattr(y, "__array_priority__", 0)


def _operator(name: str, swapped: bool = False) -> Any:
    def operate(self: ndarray, other: Any) -> Any:
        if isinstance(other, ndarray) or not _yields(self, other):
            operands = (other, self) if swapped else (self, other)
            if isinstance(other, ndarray):
                return _functions[name](*operands)
            return getattr(np, name)(*operands)
        return NotImplemented

    return operate


def _in_place(name: str) -> Any:
    def operate(self: ndarray, other: Any) -> Any:
        return _functions[name](self, other, self)

    return operate


for _symbol, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "lshift": "left_shift", "rshift": "right_shift", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "matmul": "matmul",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_symbol}__", _operator(_name))
    setattr(ndarray, f"__r{_symbol}__", _operator(_name, swapped=True))
    if _symbol != "matmul":
        setattr(ndarray, f"__i{_symbol}__", _in_place(_name))
for _symbol, _name in {
    "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_symbol}__", _operator(_name))
for _symbol, _name in {"neg": "negative", "abs": "absolute", "invert": "invert", "pos": "positive"}.items():
    setattr(ndarray, f"__{_symbol}__", lambda self, _name=_name: _functions[_name](self))


def _power_of_number(self: ndarray, other: Any, modulo: Any = None) -> Any:
    # __pow__ has short cuts for the commonest powers.
    if type(other) is int and other == 2 and self.dtype.kind in "ifc":
        return _functions["square"](self)
    if type(other) is float and other in (0.5, 2.0, -1.0) and self.dtype.kind in "fc":
        return _functions[{0.5: "sqrt", 2.0: "square", -1.0: "reciprocal"}[other]](self)
    return _plain_power(self, other)


_plain_power = ndarray.__pow__
ndarray.__pow__ = _power_of_number  # type: ignore[method-assign]
ndarray.__module__ = "cupy"


def writable(view: Any, array: ndarray) -> Any:
    """A view that NumPy has made read-only, which CuPy does not."""
    if view.flags.writeable:
        return view
    if not view.size:
        return np.lib.stride_tricks.as_strided(np.empty(view.shape, view.dtype), view.shape, view.strides)
    memory = array.data.mem
    start = view.__array_interface__["data"][0] - memory.ptr
    return np.ndarray(view.shape, view.dtype, memory.content, start, view.strides)


def method(function: Any) -> Any:
    """Make a function of an array a method of arrays too."""
    setattr(ndarray, function.__name__, function)
    return function


__all__ = ["Device", "Stream", "method", "ndarray"]
