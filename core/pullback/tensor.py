"""The Tensor: a native array, its backend, and where its gradients go.

Most of Tensor's methods are operations: each declaration in :mod:`pullback.ops` adds its own. Here is what a tensor is:
its slots, its properties, its conversions to Python, and its part in the gradient graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Self, overload

from pullback import autograd
from pullback.autograd.grad_mode import FORWARD, INFERENCE, mode
from pullback.autograd.node import Node, OutputSlot, hooks_of, place_of
from pullback.batching.state import transforming
from pullback.dtypes import DType
from pullback.formats import channels_last, channels_last_3d, check_memory_format, lies_in_format
from pullback.function_protocol import DisablePullbackFunction, default_function, know_tensor, register, use
from pullback.ops.dims import normalize_dim
from pullback.size import Size

if TYPE_CHECKING:
    import weakref

    from pullback.autograd.hooks import RemovableHandle
    from pullback.autograd.node import AccumulateGrad, NodeHooks
    from pullback.backend.base import Backend, NativeArray
    from pullback.devices import Device
    from pullback.formats import MemoryFormat
    from pullback.storage import TypedStorage, UntypedStorage
    from pullback.tensor_methods import TensorMethods
    from pullback.views import Alias
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
        fast_backend: Any

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
        from pullback.ops.from_data import legacy_tensor

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
        from pullback.subclassing import make_subclass

        return make_subclass(cls, data, require_grad)

    def as_subclass(self, cls: type[Any]) -> Any:
        """The tensor as an instance of a Tensor subclass: a view of it, through which gradients flow.

        Raises
        ------
        TypeError
            For a class that does not inherit from Tensor.
        """
        from pullback.subclassing import as_subclass

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

    @overload
    def stride(self, dim: None = None) -> tuple[int, ...]: ...

    @overload
    def stride(self, dim: int) -> int: ...

    def stride(self, dim: int | None = None) -> tuple[int, ...] | int:
        """How many elements lie between two neighbours along each dimension, or along ``dim``."""
        from pullback.views import layout_of

        strides = layout_of(self).strides
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
        from pullback.views import layout_of

        return layout_of(self).offset

    def is_contiguous(self, memory_format: MemoryFormat | None = None) -> bool:
        """Whether the elements lie in memory in row-major order without gaps, or in that of a memory format."""
        from pullback.views import layout_of

        layout = layout_of(self)
        if memory_format is None:
            return layout.is_contiguous
        check_memory_format(memory_format, "is_contiguous")
        if memory_format is channels_last or memory_format is channels_last_3d:
            return lies_in_format(layout.shape, layout.strides, memory_format)
        return layout.is_contiguous

    def untyped_storage(self) -> UntypedStorage:
        """The memory that holds the elements, shared by the tensor's views and what it is a view of."""
        from pullback.storage import UntypedStorage

        return UntypedStorage(self)

    def storage(self) -> TypedStorage:
        """The memory that holds the elements, counted in elements; deprecated for :meth:`untyped_storage`."""
        import warnings

        from pullback.storage import TypedStorage

        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage"
            " class. This should only matter to you if you are using storages directly.  To access UntypedStorage"
            " directly, use tensor.untyped_storage() instead of tensor.storage()",
            UserWarning,
            stacklevel=2,
        )
        return TypedStorage(self)

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
        value = self._host().reshape(-1)[0]
        return value.item() if hasattr(value, "item") and self.dtype.name != "bfloat16" else float(value)

    def tolist(self) -> Any:
        """The elements as nested lists of Python numbers; a number for a 0-d tensor."""
        host = self._host()
        if self.dtype.name == "bfloat16":
            host = host.astype("float32")
        return host.tolist()

    def _host(self) -> Any:
        """The elements as a NumPy array, whatever the backend."""
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
        return self._host()

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
        if self.backend.level:
            from pullback.batching.levels import refuse_truth

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
        if self.backend.level:
            from pullback.batching.levels import level_repr

            return level_repr(self)
        from pullback.printing import subclass_repr, tensor_repr

        return tensor_repr(self) if type(self) is Tensor else subclass_repr(self)

    def __dir__(self) -> list[str]:
        from pullback.listing import names_of

        return names_of(self)

    def __format__(self, spec: str) -> str:
        from pullback.printing import format_tensor

        return format_tensor(self, spec)

    # -- the graph ----------------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for this tensor."""
        return self.edge is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        from pullback.views import has_node

        if has_node(self):
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables."
                if value
                else "you can only change requires_grad flags of leaf variables. If you want to use a computed variable"
                " in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if value and self.dtype.category < 2:
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        self.requires_grad_(value)

    @requires_grad.deleter
    def requires_grad(self) -> None:
        raise RuntimeError("requires_grad must be a bool")

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Start or stop computing gradients for a leaf, and return it.

        Raises
        ------
        RuntimeError
            For a dtype that is neither floating nor complex, or for a tensor that is not a leaf.
        """
        if not isinstance(requires_grad, bool):
            raise TypeError(
                "requires_grad_(): argument 'requires_grad' (position 1) must be bool, not"
                f" {type(requires_grad).__name__}"
            )
        if requires_grad and self.dtype.category < 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if transforming():
            from pullback.batching.levels import refuse_requires_grad

            refuse_requires_grad("requires_grad_()")
        if requires_grad and self.alias is not None and self.is_inference() and not mode() & INFERENCE:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if self.edge is None or self.edge is LEAF:
            base = self._base
            self.edge = LEAF if requires_grad else None if base is None or base.edge is None else STALE
            if self.alias is not None:
                from pullback.views import base_requires_grad

                base_requires_grad(self)
            return self
        from pullback.views import has_node, version_of

        if not has_node(self):
            assert self.alias is not None
            self.alias.asked = requires_grad
            if requires_grad and self.alias.seen == version_of(self):
                self.edge = LEAF
        elif not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a"
                " subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor is at the beginning of the graph: made by the user, or requiring no gradients."""
        edge = self.edge
        if edge is None or edge is LEAF or getattr(edge, "begins", False):
            return True
        return edge is STALE and self._node() is None

    @property
    def grad_fn(self) -> Node | Any:
        """The graph node that produced this tensor; None for a leaf."""
        edge: Any = self._node()
        if isinstance(edge, OutputSlot):
            return edge.node
        return None if edge is None or edge.begins else edge

    def _node(self) -> Node | None:
        """The edge of a tensor that is not a leaf: a node or one output of it."""
        if self.edge is None or self.edge is LEAF:
            return None
        if self.edge is STALE:
            from pullback.views import regenerate

            if regenerate(self) is None:
                return None
        edge = self.edge
        assert isinstance(edge, Node)
        return edge

    @property
    def output_nr(self) -> int:
        """Which of its node's outputs this tensor is."""
        edge = self._node()
        return edge.number if isinstance(edge, OutputSlot) else 0

    @property
    def grad(self) -> Tensor | Any:
        """The gradient accumulated by ``backward()``; None before the first."""
        if self._grad is None and not self.is_leaf and not self._retains_grad:
            import warnings

            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't"
                " be populated during autograd.backward(). If you indeed want the .grad field to be populated for a"
                " non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by"
                " mistake, make sure you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531"
                " for more information.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value.dtype is not self.dtype:
                raise RuntimeError(
                    f"attempting to assign a gradient with dtype '{value.dtype.name}' to a tensor with grad_dtype"
                    f" '{self.dtype.name}'. The gradient must match the tensor's dtype."
                )
            if value.backend is not self.backend:
                raise RuntimeError(
                    f"attempting to assign a gradient on backend {value.backend.name!r} to a tensor on backend"
                    f" {self.backend.name!r}. Please ensure that the gradient and the tensor are on the same backend"
                )
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size"
                    f" '{list(self.shape)}'. Please ensure that the gradient and the tensor are the same size"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether ``backward()`` will fill in ``grad`` although the tensor is not a leaf."""
        return self._retains_grad

    def retain_grad(self) -> None:
        """Have ``backward()`` fill in ``grad`` of a tensor that is not a leaf.

        Raises
        ------
        RuntimeError
            If the tensor does not require gradients.
        """
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if transforming():
            from pullback.batching.levels import refuse_requires_grad

            refuse_requires_grad("retain_grad()")
        from pullback.views import has_node, retain_at

        if self._retains_grad or not has_node(self):
            return
        node = self._node()
        assert node is not None
        self._retains_grad = True
        retain_at(self, node)

    @property
    def _backward_hooks(self) -> dict[int, Callable[..., Any]] | None:
        """The hooks that :meth:`register_hook` has added."""
        edge = self._node()
        if edge is None:
            return self._tensor_hooks
        node, number = place_of(edge)
        return None if node.hooks is None else node.hooks.tensor.get(number)

    @_backward_hooks.setter
    def _backward_hooks(self, hooks: dict[int, Callable[..., Any]] | None) -> None:
        edge = self._node()
        if edge is None:
            self._tensor_hooks = hooks
            return
        node, number = place_of(edge)
        if hooks is not None:
            hooks_of(node).tensor[number] = hooks
        elif node.hooks is not None:
            node.hooks.tensor.pop(number, None)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call ``hook(grad)`` whenever the gradient of this tensor is computed; its result, if any, replaces it.

        Returns
        -------
        RemovableHandle
            Its ``remove()`` takes the hook away.

        Raises
        ------
        RuntimeError
            If the tensor does not require gradients.

        Examples
        --------
        >>> import pullback as pb
        >>> x = pb.tensor([1., 2.], requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        from pullback.autograd.hooks import RemovableHandle

        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        edge = self._node()
        if edge is not None:
            node, number = place_of(edge)
            return RemovableHandle(hooks_of(node).tensor.setdefault(number, {}), hook)
        if self._tensor_hooks is None:
            self._tensor_hooks = {}
        return RemovableHandle(self._tensor_hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call ``hook(tensor)`` after a gradient has been accumulated into this leaf.

        Raises
        ------
        RuntimeError
            If the tensor is not a leaf that requires gradients.
        """
        from pullback.autograd.hooks import RemovableHandle

        if self.edge is not LEAF:
            if self.edge is None:
                raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        return RemovableHandle(self._post_accumulate_hooks, hook)

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:
        """Accumulate the gradient of this tensor into the leaves it was computed from.

        Parameters
        ----------
        gradient : Tensor, optional
            The gradient with respect to this tensor, of its shape; ones for a tensor of a single element.
        retain_graph : bool, optional
            Keep what the graph saved, to run through it again; by default as ``create_graph``.
        create_graph : bool
            Record the backward pass too, for higher derivatives.
        inputs : Tensor or sequence of Tensor, optional
            Accumulate into these only.

        Raises
        ------
        RuntimeError
            If there is no graph, it has been freed, or the gradient is missing or of another shape.

        Examples
        --------
        >>> import pullback as pb
        >>> x = pb.tensor(3., requires_grad=True)
        >>> (x ** 2).backward()
        >>> x.grad
        tensor(6.)
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """A tensor that shares this one's memory, outside the graph."""
        from pullback.views import attach_detached

        array = self.array
        if self.backend.level:
            from pullback.batching.levels import detached_array

            array = detached_array(array)
        out = Tensor._wrap(array, self.backend)
        attach_detached(out, self, shares_version=True)
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from pullback.pickling import deep_copied

        return deep_copied(self, memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if type(self).__reduce__ is not object.__reduce__:
            return self.__reduce__()
        from pullback.pickling import reduced

        return reduced(self)

    def detach_(self) -> Self:
        """Take this tensor out of the graph, in place.

        Raises
        ------
        RuntimeError
            For a view: use ``detach()``.
        """
        if self._is_view():
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for"
                " training, and gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence"
                " detach_() cannot be called on these gradients. To fix this error, please refer to the"
                " Optimizer.zero_grad() function in torch/optim/optimizer.py as the solution."
            )
        if self.edge is not None and self.edge is not LEAF:
            from pullback.views import alias_of

            alias_of(self)  # nodes look whether a tensor that they have saved has one: it tells them of the change
            self._tensor_hooks = self._backward_hooks
        self.edge = None
        if mode() & FORWARD:
            self._tangent = None
        if self.backend.level:
            from pullback.batching.levels import detached_array

            self.array = detached_array(self.array)
        if self.alias is not None:
            from pullback.views import base_requires_grad

            base_requires_grad(self)
        return self

    @property
    def data(self) -> Tensor:
        """The tensor's elements outside the graph and unknown to its version checks; prefer :meth:`detach`."""
        from pullback.views import attach_detached

        if self.backend.level:
            from pullback.batching.levels import refuse_mapped

            refuse_mapped("accessing `data` under vmap transform is not allowed", self)
        out = Tensor._wrap(self.array, self.backend)
        attach_detached(out, self, shares_version=False)
        return out

    @data.setter
    def data(self, value: Tensor) -> None:
        if self.backend.level:
            from pullback.batching.levels import refuse_mapped

            refuse_mapped("mutating directly with `.data` under vmap transform is not allowed.", self)
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self.edge is not None and value.dtype.category < 2:
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        from pullback.views import replace_memory

        replace_memory(self, value)

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    @property
    def _version(self) -> int:
        """How often the memory has been written in place."""
        from pullback.views import is_inference, version_of

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
        from pullback.views import is_inference

        return is_inference(self)

    def data_ptr(self) -> int:
        """The address of the first element, in bytes; 0 for a tensor without elements.

        Where arrays have no addresses, those of a storage are counted from a place of its own: they tell which tensors
        share memory and where, and nothing can be read there.
        """
        from pullback.views import address_of

        if self.backend.level:
            from pullback.batching.levels import refuse_mapped

            refuse_mapped("Cannot access data pointer of Tensor that doesn't have storage", self)
        return address_of(self)


# What operations read in place of `backend`: the same slot, except where a subclass must be asked first.
Tensor.fast_backend = vars(Tensor)["backend"]
know_tensor(Tensor)
