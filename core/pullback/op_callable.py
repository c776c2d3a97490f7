"""From a declaration to a fast callable, and to the graph node with its derivative.

The callable is Python source, written for the operation's own signature and number of operands and compiled when it is
first called (importing pullback compiles none). It serves the common case alone: tensors of one backend and dtype, no
special mode. Anything else, and every failure, goes to :func:`pullback.op_general.general`, which can do all of it and
says what is wrong where something is. ``print(pullback.op_callable.source_of(operation))`` shows what runs.
"""

from __future__ import annotations

import builtins
import functools
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.autograd import node as nodes
from pullback.autograd.grad_mode import QUIET, mode
from pullback.autograd.node import Node
from pullback.autograd.saved_tensors import show_saved
from pullback.batching.state import levels

if TYPE_CHECKING:
    from pullback.op import Formula, Operation


def make_callable(operation: Operation, operator: bool = False, takes_out: bool = False) -> types.FunctionType:
    """The public function of an operation: its signature now, its code when first called.

    As an operator it returns ``NotImplemented`` for an operand it does not know, so that Python asks the other one.
    With the keyword ``out`` it costs more to call (CPython's fastest call is for functions without keyword-only
    parameters), so only the functions that ``pullback`` exports have it, not the methods and operators.
    """
    positional = (*operation.operands, *(a for a in operation.attributes if a not in operation.keyword_only))
    keyword_only = (*operation.keyword_only, "out") if takes_out else operation.keyword_only
    names = (*positional, *keyword_only)
    code = _stub_code(names, len(positional), len(keyword_only))
    namespace: dict[str, Any] = {"__name__": operation.module, "__builtins__": builtins}
    defaults = tuple(operation.defaults[n] for n in positional if n in operation.defaults)
    function = types.FunctionType(code, namespace, operation.name, defaults or None)
    function.__kwdefaults__ = {n: operation.defaults[n] for n in operation.keyword_only if n in operation.defaults}
    if takes_out:
        operation.exported = function
        function.__kwdefaults__["out"] = None
    function.__doc__ = operation.doc
    function.__qualname__ = operation.name
    function.__annotations__ = {
        name: _PUBLIC_ANNOTATIONS.get(annotation, annotation)
        for name, annotation in operation.function.__annotations__.items()
        if name != "backend"
    }

    def first_call(arguments: dict[str, Any]) -> Any:
        namespace.update(_names_for(operation))
        if operator:
            from pullback.op_general import general_operator

            namespace["general"] = general_operator
        source = source_of(operation)
        if takes_out:
            from pullback.op_general import general_function
            from pullback.out_argument import source_with_out
            from pullback.result_writing import write_result

            namespace["general"] = general_function
            namespace["write_result"] = write_result
            source = source_with_out(operation, source)
        function.__code__ = compiled(operation.name, source, namespace).__code__
        return function(**arguments)

    namespace["_first_call"] = first_call
    return function


_PUBLIC_ANNOTATIONS = {"Array": "Tensor", "Arrays": "Sequence[Tensor]", "Array | None": "Tensor | None"}


def stub() -> Any:
    """What an operation's callable is until its first call."""
    # Becomes each operation's callable until its first call; its parameters are replaced by the operation's own.
    return _first_call(locals())  # type: ignore[name-defined]  # noqa: F821


@functools.cache
def _stub_code(names: tuple[str, ...], positional: int, keyword_only: int) -> types.CodeType:
    """The code of all callables with these parameters until their first call."""
    return stub.__code__.replace(
        co_name="operation",
        co_qualname="operation",
        co_varnames=names,
        co_nlocals=len(names),
        co_argcount=positional,
        co_kwonlyargcount=keyword_only,
        co_filename="<pullback operation>",
    )


def compiled(name: str, source: str, namespace: dict[str, Any]) -> types.FunctionType:
    """The function that the source defines, under the last word of ``name``."""
    import linecache

    file_name = f"<pullback {name}>"
    linecache.cache[file_name] = (len(source), None, source.splitlines(True), file_name)  # tracebacks show the source
    exec(compile(source, file_name, "exec"), namespace)
    function = namespace[name.rpartition(" ")[2]]
    assert isinstance(function, types.FunctionType)
    return function


def _names_for(operation: Operation) -> dict[str, Any]:
    from pullback.op_general import general
    from pullback.tensor import LEAF, STALE, Tensor
    from pullback.views import attach_view, keep_layout, mark_inference, regenerate, saved_version

    return {
        "FAILED": _Failed,
        "NOT_TENSORS": NOT_TENSORS,
        "LEAF": LEAF,
        "STALE": STALE,
        "Tensor": Tensor,
        "attach_view": attach_view,
        "keep_layout": keep_layout,
        "mark_inference": mark_inference,
        "body": operation.body,
        "check": operation.check,
        "general": general,
        "levels": levels,
        "mode": mode,
        "new": object.__new__,
        "next_sequence": nodes.next_sequence,
        "operation": operation,
        "regenerate": regenerate,
        "tables": operation.tables,
        "saved_version": saved_version,
    }


class _Failed:
    """Stands for the backend in a callable whose fast path has failed: no array is of its type."""

    array_type = None


#: What a saved operand may be beside a Tensor: a Python number, or None where no gradient needs it.
NOT_TENSORS = frozenset((bool, int, float, complex, type(None)))


class SavedValue:
    """One value a node keeps: its name in the formulas, and the operands whose gradient needs it."""

    __slots__ = ("name", "needed_by")

    def __init__(self, name: str, needed_by: tuple[str, ...]) -> None:
        self.name = name
        self.needed_by = needed_by


def formula_arguments(formula: Any) -> tuple[str, ...]:
    """What a formula asks for: its parameters' names."""
    if isinstance(formula, str):
        return (formula,)
    if isinstance(formula, int | float):
        return ()
    code = formula.__code__
    return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def saved_values(operation: Operation) -> tuple[SavedValue, ...]:
    """What the operation's formulas ask for, beside the gradient, in the order it is saved."""
    needed: dict[str, list[str]] = {}
    for operand, formula in (operation.partials or operation.vjp).items():
        for name in formula_arguments(formula):
            if name not in ("grad", "grads"):
                needed.setdefault(name, []).append(operand)
    return tuple(SavedValue(name, tuple(operands)) for name, operands in needed.items())


def node_name_arguments(operation: Operation) -> tuple[str, ...]:
    """The attributes and operands that decide the node's name."""
    return formula_arguments(operation.node_name) if not isinstance(operation.node_name, str) else ()


def source_of(operation: Operation) -> str:
    """The Python source of the operation's callable."""
    if operation.sequence or operation.outputs is not None:
        return f"def {operation.name}({signature_source(operation)}):\n    return {general_call(operation)}\n"
    body = operation.body is not None
    first, *others = operation.promotes if operation.promotion != "same" else operation.operands[:1]
    plain = [o for o in operation.operands if o != first and o not in others]
    lines = [
        f"def {operation.name}({signature_source(operation)}):",
        "    active = mode()",
        f"    if active > 1{' or alpha != 1' if operation.scales else ''}{' or levels()' if operation.draws else ''}:",
        f"        return {general_call(operation)}",
        "    try:",
        f"        backend = {first}.fast_backend",
        f"        array_{first} = {first}.array",
        f"        native = array_{first}.dtype",
        "        kernel, node_type, scalars, constants = tables[backend][native]",
    ]
    for other in others:
        lines += [
            f"        if {other}.__class__ in scalars:",
            f"            array_{other} = constants[{other}]",
            f"            edge_{other} = alias_{other} = None",
            "        else:",
            f"            array_{other} = {other}.array",
            f"            if array_{other}.dtype is not native or {other}.fast_backend is not backend:",
            f"                return {general_call(operation)}",
            f"            edge_{other} = {other}.edge",
            f"            alias_{other} = {other}.alias",
        ]
    for other in plain:
        indent = "        "
        if other in operation.optional:
            lines += [
                f"        if {other} is None:",
                f"            array_{other} = edge_{other} = None",
                "        else:",
            ]
            indent += "    "
        lines += [
            f"{indent}array_{other} = {other}.array",
            f"{indent}if {other}.fast_backend is not backend:",
            f"{indent}    return {general_call(operation)}",
            f"{indent}edge_{other} = {other}.edge",
        ]
    if operation.ndim is not None:
        wrong = " or ".join(f"array_{o}.ndim != {operation.ndim}" for o in operation.operands)
        lines += [f"        if {wrong}:", f"            return {general_call(operation)}"]
    if operation.check is not None and not operation.kernel_checks:
        given = ", ".join((*operation.operands, *(f"{a}={a}" for a in operation.attributes)))
        lines.append(f"        check({given})")
    arrays = ", ".join(f"array_{o}" for o in operation.operands)
    attributes = "".join(f", {a}={a}" for a in operation.attributes)
    lines += [
        f"        array = {f'body(backend, {arrays}{attributes})' if body else f'kernel({arrays})'}",
        "    except Exception:",
        "        array, backend = None, FAILED  # the general path says what is wrong, outside of this handler",
        "    if array.__class__ is not backend.array_type:",
        "        if backend is FAILED:",
        f"            return {general_call(operation)}",
        "        array = backend.as_array(array)",
        "    out = new(Tensor)",
        "    out.array = array",
        "    out.backend = backend",
        "    out.alias = None",
    ]
    if operation.differentiable:
        lines += _recording(operation, first)
    else:
        lines += ["    out.edge = None", "    if active < 0:", "        mark_inference(out)"]
    if operation.keeps_layout:
        formatted = "memory_format" in operation.attributes
        lines += [
            f"    if {first}.alias is not None{' or memory_format is not None' if formatted else ''}:",
            f"        keep_layout(out, {first}{', memory_format' if formatted else ''})",
        ]
    if operation.view:
        values = ", ".join(operation.attributes)
        lines.append(f"    attach_view(out, {first}, (operation.call, ({values}{',' if values else ''})), active)")
    lines.append("    return out")
    return "\n".join(lines) + "\n"


def _recording(operation: Operation, first: str) -> list[str]:
    """The lines that record a node where a gradient is wanted."""
    edge = {o: f"edge_{o}" for o in operation.differentiable}
    wanted = " or ".join(f"{e} is not None" for e in edge.values())
    lines = [f"    edge_{first} = {first}.edge"] if first in edge else []
    condition = f"active == 0 and ({wanted})" if len(edge) > 1 else f"{wanted} and active == 0"
    if "dtype" in operation.attributes:  # a result of integers has no gradient
        condition += " and (dtype is None or dtype.category >= 2)"
    lines.append(f"    if {condition}:")
    edges = [f"{o} if {e} is LEAF else {e} if {e} is not STALE else regenerate({o})" for o, e in edge.items()]
    node_type = "node_type"
    if not isinstance(operation.node_name, str):
        arguments = ", ".join(f"{n}={n}" for n in node_name_arguments(operation))
        node_type = f"operation.node_type(operation.node_name({arguments}), node_type.conjugates)"
    lines += [
        f"        node = new({node_type})",
        f"        node.edges = ({', '.join(edges)},)",
        "        node.sequence = next_sequence()",
        "        node.hooks = node.output_alias = None",
    ]
    values, versions, aliased = [], [], []
    for saved in saved_values(operation):
        expression = saved.name
        if saved.name == "out":
            expression = "array"
        elif saved.name.endswith("_shape") and saved.name[:-6] in operation.operands:
            expression = f"array_{saved.name[:-6]}.shape"
        elif saved.name.endswith("_dtype") and saved.name[:-6] in operation.operands:
            expression = f"backend.dtypes[array_{saved.name[:-6]}.dtype]"
        elif saved.name in operation.operands:
            aliased.append(_has_alias(operation, saved.name, first))
            versions.append(f"saved_version({saved.name})")
        # A value that only some gradients need is kept only where one of those is wanted.
        if set(saved.needed_by) != set(edge):
            needed = " or ".join(f"{edge[o]} is not None" for o in saved.needed_by)
            expression = f"{expression} if {needed} else None"
            if saved.name in operation.operands:
                versions[-1] += f" if {needed} else 0"
        values.append(expression)
    lines.append(f"        node.saved = ({', '.join(values)}{',' if values else ''})")
    if versions:
        lines += [
            f"        if {' or '.join(aliased)}:",
            f"            node.versions = ({', '.join(versions)},)",
            "        else:",
            "            node.versions = None",
        ]
    else:
        lines.append("        node.versions = None")
    if operation.broadcasts and len(operation.operands) > 1:
        # A Python number is an operand without an edge, and broadcasts nothing.
        maybe_numbers = set(operation.promotes[1:])
        same = " and ".join(
            f"({o}.__class__ in scalars or array_{o}.shape == array_{first}.shape)"
            if o in maybe_numbers
            else f"array_{o}.shape == array_{first}.shape"
            for o in operation.operands
            if o != first
        )
        reductions = ", ".join(
            f"(array_{o}.shape, backend.dtypes[native]) if {edge[o]} is not None and array_{o}.shape != array.shape"
            " else None"
            for o in operation.differentiable
        )
        lines += [f"        node.reductions = None if {same} else ({reductions},)"]
    else:
        lines.append("        node.reductions = None")
    lines += ["        out.edge = node", "    else:", "        out.edge = None"]
    if not operation.view:
        lines += ["        if active < 0:", "            mark_inference(out)"]
    return lines


def _has_alias(operation: Operation, operand: str, first: str) -> str:
    """The expression, in the callable, for "this operand may be written elsewhere": it has an alias, so a version."""
    if operand != first and operation.promotion != "same" and operand in operation.promotes:
        return f"alias_{operand} is not None"
    if operand in operation.optional:
        return f"({operand} is not None and {operand}.alias is not None)"
    return f"{operand}.alias is not None"


def _is_aliased(operation: Operation, operand: str) -> str:
    """The expression, in the node, for "this saved operand may have been written since"."""
    if len(operation.operands) == 1:
        return f"{operand}.alias is not None"
    return f"({operand}.__class__ not in NOT_TENSORS and {operand}.alias is not None)"


def signature_source(operation: Operation) -> str:
    """The parameters of the callable, without defaults."""
    positional = [*operation.operands, *(a for a in operation.attributes if a not in operation.keyword_only)]
    names = positional + (["*", *operation.keyword_only] if operation.keyword_only else [])
    return ", ".join(names)  # the defaults live on the function object, which keeps them


def general_call(operation: Operation) -> str:
    """The source of a call of the general path with the callable's arguments."""
    operands = ", ".join(operation.operands)
    attributes = ", ".join(f"{a!r}: {a}" for a in operation.attributes)
    return f"general(operation, ({operands},), {{{attributes}}})"


def make_node_type(operation: Operation, name: str, conjugates: bool) -> type[Node]:
    """The graph node's class: its ``apply`` unpacks what was saved and evaluates the formulas."""
    values = saved_values(operation)
    names = [v.name for v in values]
    source, formulas = _apply_source(operation, names, conjugates)
    namespace: dict[str, Any] = {
        "__name__": operation.module,
        "freed_error": nodes.freed_error,
        "NOT_TENSORS": NOT_TENSORS,
        **formulas,
    }
    if names or operation.partials is not None:
        from pullback.op import registry
        from pullback.views import check_versions, rewrap_output

        namespace |= {
            "check_versions": check_versions,
            "rewrap_output": rewrap_output,
            "mul": registry["mul"].call,
            "neg": registry["neg"].call,
            "conj": registry["conj"].call,
        }
    apply = compiled(f"{name} apply", source, namespace)
    saved_operands = tuple(i for i, n in enumerate(names) if n in operation.operands)
    saves_outputs = any(n in (operation.outputs or ()) for n in names)
    slots = ("output_slots",) if saves_outputs else ()
    open_ended = operation.outputs == ("*",)  # each node knows how many outputs it has
    kind = type(
        name,
        (Node,),
        {
            "__slots__": (*slots, "output_count") if open_ended else slots,
            "__module__": "pullback.autograd.node",
            "__doc__": f"Gradient of ``{operation.name}``.",
            "apply": apply,
            "operation": operation,
            "conjugates": conjugates,
            "saved_names": tuple(names),
            "saved_operands": saved_operands,
            # The positions of an index are an attribute that holds tensors.
            "saves_tensors": any(
                n in ("out", "indices") or n in operation.operands or n in (operation.outputs or ()) for n in names
            ),
            "saves_output": "out" in names or saves_outputs,
            "has_outputs": operation.outputs is not None,
            "saves_outputs": saves_outputs,
            **({} if open_ended else {"output_count": len(operation.differentiable_outputs or ("out",))}),
        },
    )
    shown: type[Node] = show_saved(kind)
    return shown


def _apply_source(operation: Operation, names: list[str], conjugates: bool) -> tuple[str, dict[str, Any]]:
    """Source of ``apply(self, grad)`` and the formulas it refers to."""
    lines = ["def apply(self, grad):"]
    operands = [n for n in names if n in operation.operands]
    if names:
        lines += [
            "    saved = self.saved",
            "    if saved is None:",
            "        raise freed_error()",
            f"    {', '.join(names)}, = saved",
        ]
    if operands and not operation.sequence:
        aliased = " or ".join(_is_aliased(operation, n) for n in operands)
        lines += [f"    if {aliased}:", "        check_versions(self)"]
    outputs = [n for n in names if n == "out" or n in (operation.outputs or ())]
    if outputs:
        lines += ["    if self.output_alias is not None:", "        check_versions(self)"]
    if operation.outputs is not None:
        lines += ["    grads = grad", "    grad = grads.get(0)", "    given = next(iter(grads.values()))"]
        if not _uses(operation, "grads"):
            lines += ["    if grad is None:", f"        return ({'None, ' * len(operation.differentiable)})"]
    for number, output in enumerate(outputs):
        given = "given" if operation.outputs is not None else "grad"
        slot = (operation.outputs or ("out",)).index(output) if output != "out" else 0
        lines.append(f"    {outputs[number]} = rewrap_output(self, {output}, {given}.backend, {slot})")
    formulas: dict[str, Any] = {}
    results = []
    for operand, formula in (operation.partials or operation.vjp).items():
        if operand not in operation.differentiable:
            continue
        formulas[f"formula_{operand}"] = formula
        arguments = ", ".join(f"{n}={n}" for n in formula_arguments(formula))
        if operation.partials is None:
            results.append(f"formula_{operand}({arguments})")
        else:
            results.append(_times_partial(formula, f"formula_{operand}({arguments})", conjugates))
    if operation.sequence:
        lines.append(f"    return tuple({results[0]})")
    elif len(results) == 1:
        lines.append(f"    return ({results[0]},)")
    else:
        for number, result in enumerate(results):
            results[number] = f"None if edges[{number}] is None else {result}"
        lines += ["    edges = self.edges", f"    return ({', '.join(results)},)"]
    return "\n".join(lines) + "\n", formulas


def _uses(operation: Operation, name: str) -> bool:
    return any(name in formula_arguments(f) for f in operation.vjp.values())


def _times_partial(formula: Formula | float | str, call: str, conjugates: bool) -> str:
    """The gradient times the (conjugated) partial derivative."""
    if isinstance(formula, int | float):
        if formula == 1:
            return "grad"
        return "neg(grad)" if formula == -1 else f"mul(grad, {formula!r})"
    partial = formula if isinstance(formula, str) else call
    return f"mul(grad, {f'conj({partial})' if conjugates else partial})"


def make_inplace(operation: Operation) -> Callable[..., Any]:
    """The in-place method ``name_`` of an elementwise operation."""
    from pullback.inplace import apply_inplace, writes_alone
    from pullback.views import VersionCounter, bump_version

    kernel_name = operation.kernel
    unary = len(operation.operands) == 1
    body = operation.body is not None
    tables = operation.tables

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        # The common case, an update that records nothing: the kernel writes into the array itself.
        backend = self.fast_backend
        if kernel_name in backend.inplace_kernels and not kwargs and not body and len(args) == (not unary):
            array = self.array
            try:
                kernel, _, scalars, constants = tables[backend][array.dtype]
                if unary:
                    if mode() in QUIET and (self.alias is None or writes_alone(self)):
                        kernel(array, out=array)
                        count_write(self)
                        return self
                else:
                    other = args[0]
                    number = other.__class__ in scalars
                    value = constants[other] if number else other.array
                    if (
                        mode() in QUIET
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
                        kernel(array, value, out=array)
                        count_write(self)
                        return self
            except Exception:
                pass  # the general path says what is wrong
        return apply_inplace(operation, self, args, kwargs)

    def count_write(tensor: Any) -> None:
        alias = tensor.alias
        if alias is None or alias.counter.tracked:
            bump_version(tensor)
        else:
            alias.counter.version += 1

    method.__name__ = method.__qualname__ = f"{operation.name}_"
    method.__doc__ = f"In-place version of :func:`{operation.name}`: writes the result into the tensor and returns it."
    return method
