"""The base class of everything that has parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pullback.autograd.grad_mode import no_grad
from pullback.meta.dtypes import DType, float16, float32, float64
from pullback.nn.parameter import Parameter
from pullback.optim.optimizer import clear_gradients
from pullback.tensor import Tensor

if TYPE_CHECKING:
    from pullback.meta.dtypes import DType

T = TypeVar("T", bound="Module")


class IncompatibleKeys(NamedTuple):
    """What :meth:`Module.load_state_dict` found missing, and found too much."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


class Module:
    """A function with parameters, made of other such functions.

    Subclasses call ``super().__init__()``, set parameters and modules as attributes and define ``forward``.

    Examples
    --------
    >>> import pullback as pb
    >>> class Scale(pb.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = pb.nn.Parameter(pb.tensor(2.0))
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Scale()(pb.tensor([1., 2.]))
    tensor([2., 4.], grad_fn=<MulBackward0>)
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _transient: set[str]

    def __init__(self) -> None:
        set_directly = super().__setattr__
        set_directly("training", True)
        set_directly("_parameters", {})
        set_directly("_buffers", {})
        set_directly("_modules", {})
        set_directly("_transient", set())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What calling the module computes; each subclass defines its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    # -- attributes

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            if "_parameters" not in own:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, self._parameters)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if "_modules" not in own:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, self._modules)
            self._modules[name] = value
        elif name in own.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self._parameters[name] = None
        elif name in own.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif name in own.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{_type_name(value)}' as buffer '{name}' (torch.Tensor or None expected)"
                )
            self._buffers[name] = value
        else:
            super().__setattr__(name, value)

    def _forget(self, name: str, unless: Any) -> None:
        """Drop what the name stood for, unless it was of the same kind: then it keeps its place."""
        for kept in (self.__dict__, self._parameters, self._buffers, self._modules):
            if kept is not unless:
                kept.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        # Only reached for what is no plain attribute.
        own = self.__dict__
        for kind in ("_parameters", "_modules", "_buffers"):
            if name in own.get(kind, ()):
                return own[kind][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for kept in (self._parameters, self._modules, self._buffers):
            if name in kept:
                del kept[name]
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._parameters, *self._modules, *self._buffers})

    def _check_name(self, name: str, kind: str, kept: Mapping[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if not name:
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in kept:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None reserves the name.

        Raises
        ------
        KeyError
            For a name that is taken, empty or has a dot.
        TypeError
            For anything but a Parameter.
        """
        self._check_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{_type_name(param)}' object to parameter '{name}'"
                " (torch.nn.Parameter or None required)"
            )
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly."
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module's state and is not learnt.

        Parameters
        ----------
        persistent : bool
            Whether it is part of :meth:`state_dict`.
        """
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_type_name(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._transient.discard if persistent else self._transient.add)(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name.

        Raises
        ------
        KeyError
            For a name that is taken, empty or has a dot.
        TypeError
            For anything but a Module.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{_type_name(module)} is not a Module subclass")
        self._check_name(name, "module", self._modules)
        self._modules[name] = module

    register_module = add_module

    # -- what it is made of

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and those inside it with their dotted names; each once, unless duplicates are to stay."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and those inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one, each once, with their names."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one, each once."""
        return (module for _, module in self.named_children())

    def _named_members(self, kind: str, prefix: str, recurse: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else [(prefix, self)]:
            for name, value in module.__dict__[kind].items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """The parameters, each once, with their dotted names."""
        return self._named_members("_parameters", prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and those inside it, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """The buffers, each once, with their dotted names."""
        return self._named_members("_buffers", prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and those inside it, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of that dotted name.

        Raises
        ------
        AttributeError
            If there is none.
        """
        found: Module = self
        for name in target.split(".") if target else ():
            child = found._modules.get(name)
            if child is None:
                raise AttributeError(f"{type(found).__name__} has no attribute `{name}`")
            found = child
        return found

    # -- state

    def _own_state(self) -> Iterator[tuple[str, Tensor]]:
        """Names and tensors of what is saved, shared ones under each of their names."""

        def walk(module: Module, prefix: str) -> Iterator[tuple[str, Tensor]]:
            for kept in (module._parameters, module._buffers):
                for name, value in kept.items():
                    if value is not None and name not in module._transient:
                        yield prefix + name, value
            for name, child in module._modules.items():
                if child is not None:
                    yield from walk(child, f"{prefix}{name}.")

        return walk(self, "")

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers by their dotted names, detached, sharing memory with the module's."""
        return {name: value.detach() for name, value in self._own_state()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """Copy the tensors of a :meth:`state_dict` into the module's.

        Parameters
        ----------
        strict : bool
            Whether a missing or unexpected name is an error.

        Raises
        ------
        RuntimeError
            If names, where ``strict``, or shapes do not match; the module is unchanged then.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = dict(self._own_state())
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        problems = []
        if strict and unexpected:
            problems.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{n}"' for n in unexpected) + ". ")
        if strict and missing:
            problems.append("Missing key(s) in state_dict: " + ", ".join(f'"{n}"' for n in missing) + ". ")
        for name, value in state_dict.items():
            if name in own and value.shape != own[name].shape:
                problems.append(
                    f"size mismatch for {name}: copying a param with shape {value.shape} from checkpoint, the shape in"
                    f" current model is {own[name].shape}."
                )
        if problems:
            listing = "".join(f"\n\t{problem}" for problem in problems)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:{listing}")
        with no_grad():
            for name, value in own.items():
                if name in state_dict:
                    value.copy_(state_dict[name])
        return IncompatibleKeys(missing, unexpected)

    def apply(self: T, fn: Callable[[Module], Any]) -> T:
        """Call ``fn`` on each module inside this one, then on itself, and return it."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self: T, mode: bool = True) -> T:
        """Switch to training (dropout drops), or with ``mode=False`` to evaluation, and return the module."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: T) -> T:
        """Switch to evaluation and return the module."""
        return self.train(False)

    def requires_grad_(self: T, requires_grad: bool = True) -> T:
        """Start or stop computing gradients for all parameters, and return the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with ``set_to_none=False`` write zeros into them."""
        clear_gradients(self.parameters(), set_to_none)

    def to(self: T, *args: Any, **kwargs: Any) -> T:
        """Move parameters and buffers, in place, to another backend or device, or cast the floating ones; as Tensor's
        :func:`~pullback.to`.

        Raises
        ------
        TypeError
            For a dtype that is neither floating nor complex.
        """
        dtype = kwargs.pop("dtype", None)
        places = []
        for argument in args:
            if isinstance(argument, DType):
                dtype = argument
            else:
                places.append(argument)
        if dtype is not None and dtype.category < 2:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype!r}"
            )
        return self._convert(dtype, places, kwargs)

    def float(self: T) -> T:
        """Cast floating parameters and buffers to float32, in place."""
        return self._convert(float32, [], {})

    def double(self: T) -> T:
        """Cast floating parameters and buffers to float64, in place."""
        return self._convert(float64, [], {})

    def half(self: T) -> T:
        """Cast floating parameters and buffers to float16, in place."""
        return self._convert(float16, [], {})

    def cpu(self: T) -> T:
        """Move parameters and buffers to the CPU, in place."""
        return self._convert(None, ["cpu"], {})

    def _convert(self: T, dtype: DType | None, places: list[Any], settings: dict[str, Any]) -> T:
        def converted(value: Any) -> Any:
            cast = {"dtype": dtype} if dtype is not None and value.dtype.category >= 2 else {}
            return value.to(*places, **settings, **cast)

        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is not None:
                    before = parameter.array
                    parameter.data = converted(parameter.detach())
                    if parameter.array is not before:
                        parameter.alias = None  # what shared the old memory does not share the new
                    if parameter.grad is not None:
                        parameter._grad = converted(parameter.grad)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = converted(buffer)
        return self

    # -- printing

    def extra_repr(self) -> str:
        """What the module's line says in parentheses; subclasses define it."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if not lines:
            return f"{self._get_name()}({extra})"
        first = [extra] if extra else []
        return f"{self._get_name()}(\n  " + "\n  ".join(first + lines) + "\n)"


def _type_name(value: Any) -> str:
    """An object's type as PyTorch's messages write it."""
    return f"torch.{value.dtype.tensor_type_name}" if type(value) is Tensor else type(value).__name__
