"""From a declaration to its in-place method: ``add_`` of ``add``."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.backend.kernel_exits import refuse_exit
from pullback.dispatch.inplace import apply_inplace, writes_alone
from pullback.process.blocks import surely
from pullback.process.interrupts import raised_by_handler
from pullback.tensor.memory import VersionCounter, bump_version
from pullback.tensor.modes import QUIET, mode

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Operation

#: What a library raises, where a program makes its warnings errors, once it has written infinities or NaN: these are
#: values, and what has been written must not be computed with again.
_REPORTS = (FloatingPointError, RuntimeWarning)


def make_inplace(operation: Operation) -> Callable[..., Any]:
    """The in-place method ``name_`` of an elementwise operation."""
    kernel_name = operation.kernel
    unary = len(operation.operands) == 1
    body = operation.body is not None
    tables = operation.tables
    check = None if operation.kernel_checks else operation.check

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        # The common case, an update that records nothing: the kernel writes into the array itself. Nothing is recorded
        # in mode 0 either where nothing has a history.
        try:
            backend = self.fast_backend
        except AttributeError:
            raise TypeError(
                f"{operation.name}_(): argument 'input' (position 1) must be Tensor, not {type(self).__name__}"
            ) from None
        if kernel_name in backend.inplace_kernels and not kwargs and not body and len(args) == (not unary):
            array = self.array
            try:
                kernel, _, scalars, constants = tables[backend][array.dtype]
                if unary:
                    quiet = mode() in QUIET or (not mode() and self.edge is None)
                    if quiet and (self.alias is None or writes_alone(self)):
                        try:
                            kernel(array, out=array)
                        except _REPORTS as report:
                            if raised_by_handler(report):
                                raise
                        count_write(self)
                        return self
                else:
                    other = args[0]
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
                if not isinstance(error, Exception) or raised_by_handler(error):
                    surely(count_write, self)  # it may have been done when the interrupt came
                    if not isinstance(error, Exception):
                        refuse_exit(operation, backend, error)
                    raise
                if isinstance(error, FloatingPointError):  # as the array library was asked to, after the write
                    count_write(self)
                    return self
                # else the general path says what is wrong
        return apply_inplace(operation, self, args, kwargs)

    def count_write(tensor: Any) -> None:
        alias = tensor.alias
        if alias is None or alias.counter.tracked:
            bump_version(tensor)
        else:
            alias.counter.version += 1

    nameless = types.FunctionType(
        method.__code__, {**globals(), "__name__": None}, f"{operation.name}_", None, method.__closure__
    )
    nameless.__qualname__, nameless.__module__ = f"{operation.name}_", method.__module__
    nameless.__doc__ = (
        f"In-place version of :func:`{operation.name}`: writes the result into the tensor and returns it."
    )
    return nameless
