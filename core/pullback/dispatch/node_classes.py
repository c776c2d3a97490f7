"""From a declaration to the class of its graph nodes, whose ``apply`` is generated from the formulas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from pullback.dispatch.codegen import compiled
from pullback.dispatch.formulas import formula_arguments, saved_values
from pullback.tensor import node as nodes
from pullback.tensor.node import Node
from pullback.tensor.registry import registry
from pullback.tensor.saved_tensors import show_saved
from pullback.tensor.unpacking import check_versions, rewrap_output

if TYPE_CHECKING:
    from pullback.dispatch.declaration import Formula, Operation

#: What a saved operand may be beside a Tensor: a Python number, or None where no gradient needs it.
NOT_TENSORS = frozenset((bool, int, float, complex, type(None)))


def make_node_type(operation: Operation, name: str, conjugates: bool) -> type[Node]:
    """The graph node's class: its ``apply`` unpacks what was saved and evaluates the formulas."""
    values = saved_values(operation)
    names = [v.name for v in values]
    source, formulas = _apply_source(operation, names, conjugates)
    namespace: dict[str, Any] = {
        "__name__": operation.module,
        "_freed_error": nodes.freed_error,
        "_NOT_TENSORS": NOT_TENSORS,
        "_tuple": tuple,
        "_any": _any_of,
        **formulas,
    }
    if names or operation.partials is not None:
        namespace |= {
            "_check_versions": check_versions,
            "_rewrap_output": rewrap_output,
            "_mul": registry["mul"].call,
            "_neg": registry["neg"].call,
            "_conj": registry["conj"].call,
        }
    apply = compiled(f"{name} apply", source, namespace)
    saved_operands = tuple(i for i, n in enumerate(names) if n in operation.operands)
    saves_outputs = any(n in (operation.outputs or ()) for n in names)
    # The positions of an index are an attribute that holds tensors.
    tensors = [n for n in names if n in ("out", "indices") or n in operation.operands or n in (operation.outputs or ())]
    slots = ("output_slots",) if saves_outputs else ()
    open_ended = operation.outputs == ("*",)  # each node knows how many outputs it has
    kind = type(
        name,
        (Node,),
        {
            "__slots__": (*slots, "output_count") if open_ended else slots,
            "__module__": "pullback.tensor.node",
            "__doc__": f"Gradient of ``{operation.name}``.",
            "apply": apply,
            "operation": operation,
            "conjugates": conjugates,
            "saved_names": tuple(names),
            "saved_operands": saved_operands,
            "saves_tensors": _saves_tensors(operation, names, tensors),
            "tensor_places": tuple(names.index(n) for n in tensors),
            "saves_output": "out" in names or saves_outputs,
            "has_outputs": operation.outputs is not None,
            "saves_outputs": saves_outputs,
            **({} if open_ended else {"output_count": len(operation.differentiable_outputs or ("out",))}),
        },
    )
    shown: type[Node] = show_saved(kind)
    return shown


def _saves_tensors(operation: Operation, names: list[str], tensors: list[str]) -> bool | Literal["sometimes"]:
    """Whether a node saves tensors: it depends on what is wanted where a gradient needs none.

    Also where PyTorch has a node of its own for numbers, which are no tensors there.
    """
    if not tensors or operation.sequence:
        return bool(tensors)
    formulas = (operation.partials or operation.vjp).values()
    some = any(not set(tensors).intersection(formula_arguments(formula)) for formula in formulas)
    return nodes.SOMETIMES if some or not isinstance(operation.node_name, str) else True


def _apply_source(operation: Operation, names: list[str], conjugates: bool) -> tuple[str, dict[str, Any]]:
    """Source of ``apply(_self, grad)`` and the formulas it refers to."""
    formulas = {n: f for n, f in (operation.partials or operation.vjp).items() if n in operation.differentiable}
    lines = ["def apply(_self, grad):", *_saved_lines(operation, names)]
    lines += _result_lines(operation, [n for n in names if n == "out" or n in (operation.outputs or ())])
    lines += _return_lines(operation, formulas, conjugates)
    return "\n".join(lines) + "\n", {f"_formula_{n}": f for n, f in formulas.items()}


def _saved_lines(operation: Operation, names: list[str]) -> list[str]:
    """Give what was saved its names; refuse operands that have been written since."""
    if not names:
        return []
    lines = [
        "    _saved = _self.saved",
        "    if _saved is None:",
        "        raise _freed_error()",
        f"    {', '.join(names)}, = _saved",
    ]
    operands = [n for n in names if n in operation.operands]
    if operands and not operation.sequence:
        aliased = " or ".join(_is_aliased(operation, n) for n in operands)
        lines += [f"    if {aliased}:", "        _check_versions(_self)"]
    return lines


def _result_lines(operation: Operation, outputs: list[str]) -> list[str]:
    """Tell the gradients of several results apart; make tensors of saved results, with the node as their history."""
    lines = ["    if _self.output_alias is not None:", "        _check_versions(_self)"] if outputs else []
    if operation.outputs is not None:
        lines += ["    grads = grad", "    grad = grads.get(0)", "    _given = _any(grads.values())"]
        if not _uses(operation, "grads"):
            lines += ["    if grad is None:", f"        return ({'None, ' * len(operation.differentiable)})"]
    given = "_given" if operation.outputs is not None else "grad"
    for output in outputs:
        slot = (operation.outputs or ("out",)).index(output) if output != "out" else 0
        lines.append(f"    {output} = _rewrap_output(_self, {output}, {given}.backend, {slot})")
    return lines


def _return_lines(operation: Operation, formulas: dict[str, Any], conjugates: bool) -> list[str]:
    """Evaluate the formulas: all of them where there is one, else those whose gradients are wanted."""
    results = []
    for operand, formula in formulas.items():
        call = f"_formula_{operand}({', '.join(f'{n}={n}' for n in formula_arguments(formula))})"
        results.append(call if operation.partials is None else _times_partial(formula, call, conjugates))
    if operation.sequence:
        return [f"    return _tuple({results[0]})"]
    if len(results) == 1:
        return [f"    return ({results[0]},)"]
    wanted = (f"None if _edges[{number}] is None else {result}" for number, result in enumerate(results))
    return ["    _edges = _self.edges", f"    return ({', '.join(wanted)},)"]


def _uses(operation: Operation, name: str) -> bool:
    return any(name in formula_arguments(f) for f in operation.vjp.values())


def _times_partial(formula: Formula | float | str, call: str, conjugates: bool) -> str:
    """The gradient times the (conjugated) partial derivative."""
    if isinstance(formula, int | float):
        if formula == 1:
            return "grad"
        return "_neg(grad)" if formula == -1 else f"_mul(grad, {formula!r})"
    partial = formula if isinstance(formula, str) else call
    return f"_mul(grad, {f'_conj({partial})' if conjugates else partial})"


def _any_of(values: Iterable[Any]) -> Any:
    return next(iter(values))


def _is_aliased(operation: Operation, operand: str) -> str:
    """The expression, in the node, for "this saved operand may have been written since"."""
    if len(operation.operands) == 1:
        return f"{operand}.alias is not None"
    return f"({operand}.__class__ not in _NOT_TENSORS and {operand}.alias is not None)"
