"""The Tensor: a native array, its backend, and where its gradients go.

Most of Tensor's methods are operations: each declaration in :mod:`pullback.ops` adds its own. Here is what a tensor is:
its slots, its properties, its conversions to Python, and its part in the autograd graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Self, get_overloads, overload

from pullback.backend.transfers import note_reading
from pullback.meta.dtypes import DType
from pullback.meta.shapes import Size, normalize_dim
from pullback.tensor.levels import refuse_truth
from pullback.tensor.overriding import DisablePullbackFunction, default_function, know_tensor, register, use

if TYPE_CHECKING:
    import weakref

    from pullback.backend.base import Backend, NativeArray
    from pullback.meta.devices import Device
    from pullback.tensor.memory import Alias
    from pullback.tensor.methods import TensorMethods
    from pullback.tensor.node import AccumulateGrad, NodeHooks
else:
    TensorMethods = object  # the declarations attach the methods; type checkers read their stub


class _Mark:
    """A value of the ``edge`` slot that stands for something else than a node."""

    __slots__ = ("meaning",)

    def __init__(self, meaning: str) -> None:
        self.meaning = meaning

    def __repr__(self) -> str:
        return f"<{self.meaning}>"


#: The tensor is a leaf that requires gradients: its edge is itself (not stored, that would be a reference cycle).
LEAF: Final = _Mark("leaf that requires gradients")
#: The tensor is a view whose base has been written since: its edge must be regenerated.
STALE: Final = _Mark("view whose history must be regenerated")

#: Attributes that a user has no business with: what the package reads itself, and what only warns.
_HIDDEN: Final = frozenset(("accumulates", "alias", "edge", "fast_backend", "volatile"))
#: Of the names with an underscore those that are PyTorch's too.
_SHOWN: Final = frozenset(("_backward_hooks", "_base", "_is_view", "_make_subclass", "_version"))

_new = object.__new__


class Tensor(TensorMethods):
    """An array of one dtype on one backend, that can take part in automatic differentiation.

    ``Tensor(data)`` makes a tensor of the default floating dtype from a sequence; ``Tensor(2, 3)`` an uninitialised one
    of that shape, as PyTorch. Use :func:`pullback.tensor` to keep the data's own dtype.

    Attributes
    ----------
    array
        The native array of the backend's library.
    backend : Backend
        Whose kernels operate on it.
    edge
        Where gradients go: a node, a mark (``LEAF``, ``STALE``), or None where none are wanted.
    alias : Alias or None
        How it shares memory with other tensors, once it does.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.Tensor([1, 2])
    tensor([1., 2.])
    """

    __module__ = "pullback"  # where users find it
    __slots__ = ("__dict__", "__weakref__", "alias", "array", "backend", "edge")

    array: NativeArray
    backend: Backend
    edge: Any
    alias: Alias | None

    accumulates = True  # as an edge: gradients that reach a leaf accumulate
    __hash__ = object.__hash__  # by identity; equality is elementwise
    __array_priority__ = 1000  # NumPy arrays leave mixed arithmetic to the Tensor

    # Rarely set, so kept in the instance dictionary that most tensors never have.
    _grad: Tensor | None = None
    _tensor_hooks: dict[int, Callable[..., Any]] | None = None
    _post_accumulate_hooks: dict[int, Callable[..., Any]] | None = None
    _accumulate_hooks: NodeHooks | None = None
    _accumulator: weakref.ref[AccumulateGrad] | None = None
    _retains_grad = False
    _tangent: Tensor | None = None

    if TYPE_CHECKING:
        fast_backend: Any  # the second name of `backend`: see the end of the file

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        register(cls)

    @classmethod
    def __pullback_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """What a function does with instances of a subclass: it runs, and its results are instances of the subclass.

        The first subclass among the arguments' classes is asked in place of running a public function. It may do
        whatever it likes, call ``super().__pullback_function__(func, types, args, kwargs)`` to run the function, or
        return ``NotImplemented`` to leave it to the other classes.

        Parameters
        ----------
        func : callable
            The public function or method; a property's ``__get__``.
        types : sequence of type
            The classes of the arguments that override functions.
        args, kwargs
            What the function was called with.
        """
        return default_function(cls, func, types, args, kwargs)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        from pullback.ops.creation.from_data import legacy_tensor

        made: Self
        if use.begun:  # making an instance is no function that anything overrides
            with DisablePullbackFunction():
                made = legacy_tensor(cls, *args, **kwargs)
        else:
            made = legacy_tensor(cls, *args, **kwargs)
        return made

    @staticmethod
    def _wrap(array: NativeArray, backend: Backend) -> Tensor:
        """A Tensor around a native array, outside any graph."""
        tensor = _new(Tensor)
        tensor.array = array
        tensor.backend = backend
        tensor.edge = None
        tensor.alias = None
        return tensor

    @staticmethod
    def _make_subclass(cls: type[Tensor], data: Tensor, require_grad: bool = False) -> Any:
        """A leaf of the class ``cls`` that shares the memory of ``data``."""
        from pullback.dispatch.subclassing import make_subclass

        return make_subclass(cls, data, require_grad)

    def as_subclass(self, cls: type[Any]) -> Any:
        """The tensor as an instance of a Tensor subclass: a view of it, through which gradients flow.

        Raises
        ------
        TypeError
            For a class that does not inherit from Tensor.
        """
        from pullback.dispatch.subclassing import as_subclass

        return as_subclass(self, cls)

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def dtype(self) -> DType:
        """The type of the elements."""
        try:
            return self.backend.dtypes[self.array.dtype]
        except KeyError:
            return self.backend.dtype_of(self.array.dtype)  # raises, and says which

    @property
    def shape(self) -> Size:
        """The size along each dimension."""
        return Size(self.array.shape)

    @property
    def device(self) -> Device:
        """The device that holds the elements."""
        return self.backend.device_of(self.array)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.array.shape)

    def dim(self) -> int:
        """The number of dimensions."""
        return len(self.array.shape)

    ndimension = dim

    @overload
    def size(self, dim: None = None) -> Size: ...

    @overload
    def size(self, dim: int) -> int: ...

    def size(self, dim: int | None = None) -> Size | int:
        """The shape, or the size along ``dim``."""
        return self.shape if dim is None else int(self.array.shape[normalize_dim(dim, self.ndim)])

    def numel(self) -> int:
        """The number of elements."""
        count = 1
        for size in self.array.shape:
            count *= size
        return int(count)

    nelement = numel

    def element_size(self) -> int:
        """The size of one element in bytes."""
        return self.dtype.itemsize

    @property
    def itemsize(self) -> int:
        """The size of one element in bytes."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The size of all elements in bytes."""
        return self.numel() * self.dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether the dtype is a floating one."""
        return self.dtype.is_floating_point

    def is_signed(self) -> bool:
        """Whether the elements can be negative."""
        return self.dtype.is_signed

    def is_complex(self) -> bool:
        """Whether the dtype is complex."""
        return self.dtype.is_complex

    @property
    def is_cuda(self) -> bool:
        """Whether the elements are on a CUDA device."""
        return self.device.type == "cuda"

    # -- to Python ----------------------------------------------------------------------------------------------------

    def item(self) -> Any:
        """The only element as a Python number.

        Raises
        ------
        RuntimeError
            If there is more than one element, or none.
        """
        if self.numel() != 1:
            if self.backend.level:
                self._host()  # refuses elements that differ between examples
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
        value = self._host("item()").reshape(-1)[0]
        return value.item() if hasattr(value, "item") and self.dtype.name != "bfloat16" else float(value)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; a number for a 0-d tensor."""
        host = self._host()
        if self.dtype.name == "bfloat16":
            host = host.astype("float32")
        return host.tolist()

    def _host(self, action: str = "tolist()") -> Any:
        """The elements as a NumPy array, whatever the backend, for what is said to read them."""
        note_reading(action, self.backend, self.array)
        return self.backend.to_numpy(self.array)

    def numpy(self, *, force: bool = False) -> Any:
        """The elements as a NumPy array that shares memory where the backend can.

        Parameters
        ----------
        force : bool
            Detach first where the tensor requires gradients.

        Raises
        ------
        RuntimeError
            If the tensor requires gradients and ``force`` is False.
        """
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._host("numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        from pullback.interop.numpy_protocol import as_array

        return as_array(self, dtype, copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        from pullback.interop.numpy_protocol import array_ufunc

        return array_ufunc(self, ufunc, method, *inputs, **settings)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from pullback.interop.numpy_protocol import array_function

        return array_function(self, function, types, args, kwargs)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        from pullback.interop.dlpack import export

        return export(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.backend.dlpack_device(self.array)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if not self.is_cuda:
            raise AttributeError(
                f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {self.type()} If CUDA data is required"
                " use tensor.cuda() to copy tensor to device memory."
            )
        if self.requires_grad:
            raise RuntimeError(
                "Can't get __cuda_array_interface__ on Variable that requires grad. If gradients aren't required, use"
                " var.detach() to get Variable that doesn't require grad."
            )
        interface: dict[str, Any] = self.array.__cuda_array_interface__
        return interface

    def __bool__(self) -> bool:
        refuse_truth(self)
        count = self.numel()
        if count != 1:
            what = "no values" if count == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return bool(self.item())

    def __float__(self) -> float:
        self._warn_of_lost_gradient()
        return float(self._real_scalar("double"))

    def __int__(self) -> int:
        self._warn_of_lost_gradient()
        return int(self._real_scalar("int64_t"))

    def _scalar(self) -> Any:
        if self.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self.item()

    def _real_scalar(self, c_type: str) -> Any:
        value = self._scalar()
        if not isinstance(value, complex):
            return value
        if value.imag:
            raise RuntimeError(f"value cannot be converted to type {c_type} without overflow")
        return value.real

    def _warn_of_lost_gradient(self) -> None:
        if self.edge is not None:
            import warnings

            warnings.warn(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
                "Consider using tensor.detach() first.",
                UserWarning,
                stacklevel=3,
            )

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self.dtype.category > 1 or self.numel() != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __len__(self) -> int:
        if not self.array.shape:
            raise TypeError("len() of a 0-d tensor")
        return int(self.array.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.shape:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __delitem__(self, index: Any) -> None:
        raise TypeError("Tensor does not support deleting items")

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, Tensor | int | float | complex | bool):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self == element).any().item())

    def __repr__(self) -> str:
        own = self.backend.repr_of(self)
        if own is not None:
            return own
        from pullback.printing import subclass_repr, tensor_repr

        return tensor_repr(self) if type(self) is Tensor else subclass_repr(self)

    def __dir__(self) -> list[str]:
        """What works, and nothing of how it is kept."""
        private = {n for n in vars(Tensor) if n.startswith("_") and not n.endswith("__")} - _SHOWN
        names = {*object.__dir__(self)} - private - _HIDDEN
        if not self.is_cuda:
            names.discard("__cuda_array_interface__")
        return sorted(names)

    def __format__(self, spec: str) -> str:
        from pullback.printing import format_tensor

        return format_tensor(self, spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from pullback.interop.pickling import deep_copied

        return deep_copied(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self).__reduce__ is not object.__reduce__:
            return self.__reduce__()
        from pullback.interop.pickling import reduced

        return reduced(self)


def methods_of_tensor(methods: type) -> type:
    """Give Tensor the methods and properties of a class that stands in a file of its own, by what they are about.

    They are attached and not inherited, for what they do needs more of the package than a tensor itself may know.
    """
    for name, value in vars(methods).items():
        parts = (value.fget, value.fset, value.fdel) if isinstance(value, property) else (value,)
        functions = [part for part in parts if isinstance(part, FunctionType)]
        for function in functions:
            overloads: list[Any] = list(get_overloads(function))
            for written in (*overloads, function):  # errors say the name, and overloads are found by it
                written.__qualname__ = f"Tensor.{function.__name__}"
            for written in overloads:
                overload(written)
        if functions:
            setattr(Tensor, name, value)
    return methods


if TYPE_CHECKING:
    Methods = Tensor
else:
    Methods = object  # what :func:`methods_of_tensor` takes them from; type checkers know what ``self`` is

# The second name of the slot `backend`, which generated callables read: a subclass that overrides functions replaces it
# by a property that answers with no backend, so that plain tensors pay for no check. See pullback.tensor.overriding.
Tensor.fast_backend = vars(Tensor)["backend"]
know_tensor(Tensor)


def tensors_of(values: Iterable[Any]) -> list[Tensor]:
    """The Tensors among the values, looking into lists and tuples."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += tensors_of(value)
    return found
