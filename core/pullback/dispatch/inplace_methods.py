"""From a declaration to its in-place method: ``add_`` of ``add``."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from pullback.backend.kernel_exits import refuse_exit
from pullback.dispatch.inplace import apply_inplace, writes_alone
from pullback.process.blocks import surely
from pullback.process.interrupts import raised_by_handler
from pullback.tensor import Tensor
from pullback.tensor.memory import VersionCounter, bump_version
from pullback.tensor.modes import QUIET, mode

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation

#: What a library raises, where a program makes its warnings errors, once it has written infinities or NaN: these are
#: values, and what has been written must not be computed with again.
_REPORTS = (FloatingPointError, RuntimeWarning)


def make_inplace(operation: Operation) -> types.FunctionType:
    """The in-place method ``name_`` of an elementwise operation.

    Its common case is an update that records nothing: the kernel writes into the array itself. Everything else, and
    every failure but an interrupt, is left to :func:`pullback.dispatch.inplace.apply_inplace`. So are instances of
    classes that override functions: what they answer as their ``fast_backend`` has no kernels.
    """
    operands = len(operation.operands)
    plain = operation.body is not None or operands > 2
    method = _general_method(operation) if plain else (_unary_method if operands == 1 else _binary_method)(operation)
    name = f"{operation.name}_"
    # Without a module's name, as the callables are: Python shows no warning that NumPy says this code has caused. And
    # under the name by which code that was generated is known.
    made = types.FunctionType(
        method.__code__.replace(co_qualname="make_inplace.method"),
        {**globals(), "__name__": None},
        name,
        None,
        method.__closure__,
    )
    made.__qualname__, made.__module__ = name, __name__
    made.__doc__ = f"In-place version of :func:`{operation.name}`: writes the result into the tensor and returns it."
    return made


def _general_method(operation: Operation) -> types.FunctionType:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, Tensor):
            raise _no_tensor(operation, self)
        return apply_inplace(operation, self, args, kwargs)

    return method  # type: ignore[return-value]


def _unary_method(operation: Operation) -> types.FunctionType:
    kernel_name, tables = operation.kernel, operation.tables

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            backend = self.fast_backend
        except AttributeError:
            raise _no_tensor(operation, self) from None
        if kernel_name in backend.inplace_kernels and not args and not kwargs:
            array = self.array
            try:
                kernel, _, _, _ = tables[backend][array.dtype]
                quiet = mode() in QUIET or (not mode() and self.edge is None)
                if quiet and (self.alias is None or writes_alone(self)):
                    try:
                        kernel(array, out=array)
                    except _REPORTS as report:
                        if raised_by_handler(report):
                            raise
                    count_write(self)
                    return self
            except BaseException as error:
                if written_nevertheless(operation, self, error):
                    return self
        return apply_inplace(operation, self, args, kwargs)

    return method  # type: ignore[return-value]


def _binary_method(operation: Operation) -> types.FunctionType:
    kernel_name, tables = operation.kernel, operation.tables
    check = None if operation.kernel_checks else operation.check

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            backend = self.fast_backend
        except AttributeError:
            raise _no_tensor(operation, self) from None
        if kernel_name in backend.inplace_kernels and len(args) == 1 and not kwargs:
            array, other = self.array, args[0]
            try:
                kernel, _, scalars, constants = tables[backend][array.dtype]
                number = other.__class__ in scalars
                value = constants[other] if number else other.array
                if (
                    (mode() in QUIET or (not mode() and self.edge is None and (number or other.edge is None)))
                    and (number or other.fast_backend is backend)
                    and value.dtype is array.dtype
                    and value.ndim <= array.ndim
                    and (
                        self.alias is None
                        or (
                            self.alias.origin is None
                            and (number or other.alias is None)
                            and self.alias.counter.__class__ is VersionCounter
                        )
                        or writes_alone(self, None if number else other)
                    )
                ):
                    if check is not None:
                        check(self, other)
                    try:
                        kernel(array, value, out=array)
                    except _REPORTS as report:
                        if raised_by_handler(report):
                            raise
                    count_write(self)
                    return self
            except BaseException as error:
                if written_nevertheless(operation, self, error):
                    return self
        return apply_inplace(operation, self, args, kwargs)

    return method  # type: ignore[return-value]


def count_write(tensor: Any) -> None:
    """Count one write to the tensor's memory; :func:`pullback.tensor.memory.bump_version` where that is more."""
    alias = tensor.alias
    if alias is None or alias.counter.tracked:
        bump_version(tensor)
    else:
        alias.counter.version += 1


def written_nevertheless(operation: Operation, tensor: Any, error: BaseException) -> bool:
    """Whether a kernel that has raised an error has written all the same; raises the error where it is an interrupt."""
    if not isinstance(error, Exception) or raised_by_handler(error):
        surely(count_write, tensor)  # it may have been done when the interrupt came
        if not isinstance(error, Exception):
            refuse_exit(operation, tensor.backend, error)
        raise error
    if isinstance(error, FloatingPointError):  # as the array library was asked to, after the write
        count_write(tensor)
        return True
    return False  # the general path says what is wrong


def _no_tensor(operation: Operation, value: Any) -> TypeError:
    kind = type(value).__name__
    return TypeError(f"{operation.name}_(): argument 'input' (position 1) must be Tensor, not {kind}")
