"""Ways to break one thing: a kernel or method of a backend, a formula of a declaration, a line of the core."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np

from pullback.extend import Operation, dtypes, import_all, registry
from pullback_conformance.selftest.defect import Plant


def kernel(name: str, broken: Callable[..., Any], *, in_place: bool = False) -> Plant:
    """``broken(true, *arguments)`` in the place of a kernel or method, which it gets as ``true``.

    ``in_place`` says that it takes ``out``, where the right one does; otherwise the backend claims this no more.
    """

    def plant(backend: Any) -> None:
        true = _whole_power(backend) if name == "pow" else getattr(backend, name)

        def call(*arguments: Any, **options: Any) -> Any:
            return broken(true, *arguments, **options)

        call.__name__ = name
        setattr(backend, name, call)
        if not in_place:
            backend.inplace_kernels = backend.inplace_kernels - {name}

    return plant


def _whole_power(backend: Any) -> Any:
    """``pow`` of every dtype: NumPy's backend has another kernel for complex numbers."""
    plain = backend.pow
    of_complex = backend.kernel_for("pow", dtypes.by_name["complex128"])

    def call(x: Any, y: Any) -> Any:
        is_complex = np.iscomplexobj(x) or np.iscomplexobj(y)
        return of_complex(x, y) if is_complex else plain(x, y)

    return call


def attributes(**values: Any) -> Plant:
    """Other values of a backend's attributes."""

    def plant(backend: Any) -> None:
        for name, value in values.items():
            setattr(backend, name, value)

    return plant


def together(*plants: Plant) -> Plant:
    """Several plants that are one defect."""

    def plant(backend: Any) -> None:
        for each in plants:
            each(backend)

    return plant


def wrong_where(name: str, where: Callable[..., Any], becomes: Callable[..., Any]) -> Plant:
    """A kernel whose results are ``becomes(result, *operands)`` where ``where(*operands)`` says so."""

    def broken(true: Any, *operands: Any, **options: Any) -> Any:
        result = true(*operands, **options)
        arrays = [np.asarray(o) for o in operands]
        with np.errstate(all="ignore"):
            return altered(result, where(*arrays), becomes(np.asarray(result), *arrays))

    return kernel(name, broken)


def altered(result: Any, where: Any, values: Any) -> Any:
    """A copy of a result with other values in some places."""
    changed = np.array(result)
    if np.any(where):
        np.copyto(changed, np.asarray(values).astype(changed.dtype), where=np.broadcast_to(where, changed.shape))
    return changed


def formula(operation: str, operand: str, broken: Callable[..., Any], *, of: str = "") -> Plant:
    """``broken(true, saved)`` in the place of a derivative's formula.

    ``true()`` is what the right one gives, ``saved`` has its arguments as attributes. ``of`` is ``"vjp"`` or ``"jvp"``
    where only one of the two is to be broken; partial derivatives serve both.
    """

    def plant(backend: Any) -> Callable[[], None]:
        import_all()
        declared = registry[operation]
        assert isinstance(declared, Operation)
        if declared.partials is not None:
            tables = [declared.partials]
        else:
            tables = [getattr(declared, name) for name in ((of,) if of else ("vjp", "jvp")) if getattr(declared, name)]
        before = [(table, table[operand]) for table in tables]
        for table, right in before:
            table[operand] = _with_the_parameters_of(right, broken)
        _forget_nodes(declared)

        def undo() -> None:
            for table, right in before:
                table[operand] = right
            _forget_nodes(declared)

        return undo

    return plant


def _with_the_parameters_of(right: Any, broken: Callable[..., Any]) -> Any:
    """A formula that asks for what another one does."""
    if isinstance(right, str):
        parameters: list[str] = [right]
    elif isinstance(right, int | float):
        parameters = []
    else:
        code = right.__code__
        parameters = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    listed = ", ".join(parameters)
    given = ", ".join(f"{name}={name}" for name in parameters)
    namespace: dict[str, Any] = {"_broken": broken, "_right": right, "_Saved": SimpleNamespace}
    true = f"_right({given})" if callable(right) else right if isinstance(right, str) else "_right"
    exec(f"def formula({listed}):\n    return _broken(lambda: {true}, _Saved({given}))", namespace)
    return namespace["formula"]


def _forget_nodes(operation: Operation) -> None:
    operation._node_types.clear()
    operation.tables.clear()


def edited(function: str, old: str, new: str) -> Plant:
    """Other text in the body of a function of the core: an operation's by its name, another one as ``module:name``."""

    def plant(backend: Any) -> Callable[[], None]:
        import_all()
        module, _, name = function.rpartition(":")
        target = getattr(import_module(module), name) if module else registry[name].function
        before = target.__code__
        target.__code__ = _code_with(target, old, new)
        _forget_tables()

        def undo() -> None:
            target.__code__ = before
            _forget_tables()

        return undo

    return plant


def _code_with(function: Any, old: str, new: str) -> Any:
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source)
    (definition,) = tree.body
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    plain = ast.unparse(definition)
    changed = plain.replace(old, new)
    if changed == plain:
        raise LookupError(f"{function.__name__} has no {old!r}: {plain}")
    defined: dict[str, Any] = {}
    exec(compile("from __future__ import annotations\n" + changed, "<planted>", "exec"), {}, defined)
    code = defined[definition.name].__code__
    if code.co_freevars != function.__code__.co_freevars:
        raise LookupError(f"{function.__name__} refers to names of a function around it")
    return code


def _forget_tables() -> None:
    for operation in registry.values():
        if isinstance(operation, Operation):
            operation.tables.clear()
