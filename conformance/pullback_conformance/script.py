"""Scripts that reproduce a failure: a few lines with the inputs in them, that need pullback and the backend only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import pullback as pb
from pullback.extend import Backend, Composite, DType, Operation, Tensor, known_backends
from pullback.random import Generator
from pullback_conformance.case import Call, Case
from pullback_conformance.checks.finding import literal
from pullback_conformance.moving import Layout, to_numpy, widened

#: Functions that a script defines where it uses them.
_HELPERS = {
    "flat": '''\
def flat(result):
    return [r for part in result for r in flat(part)] if isinstance(result, (tuple, list)) else [result]
''',
    "inexact": '''\
def inexact(results):
    return [r for r in results if r.dtype.is_floating_point or r.dtype.is_complex]
''',
    "gradients": '''\
def gradients(operands, cotangents):
    inputs = [operands[i].requires_grad_() for i in differentiated]
    outputs = inexact(flat(run()))
    cotangents = [pb.tensor(v, dtype=o.dtype) for v, o in zip(cotangents, outputs)]
    return pb.autograd.grad(outputs, inputs, cotangents, allow_unused=True)
''',
    "pushed": '''\
def pushed(operands, tangents):
    with forward_ad.dual_level():
        duals = list(operands)
        for i, t in zip(differentiated, tangents):
            duals[i] = forward_ad.make_dual(operands[i].detach(), pb.tensor(t, dtype=operands[i].dtype))
        return [forward_ad.unpack_dual(r).tangent for r in inexact(flat(run(duals)))]
''',
    "second_gradients": '''\
def second_gradients(operands, cotangents, directions):
    inputs = [operands[i].requires_grad_() for i in differentiated]
    outputs = inexact(flat(run()))
    cotangents = [pb.tensor(v, dtype=o.dtype, requires_grad=True) for v, o in zip(cotangents, outputs)]
    grads = pb.autograd.grad(outputs, inputs, cotangents, allow_unused=True, create_graph=True)
    pairs = [(g, pb.tensor(w, dtype=g.dtype)) for g, w in zip(grads, directions) if g is not None and g.requires_grad]
    return pb.autograd.grad([g for g, _ in pairs], [*inputs, *cotangents], [w for _, w in pairs], allow_unused=True)
''',
    "inner": '''\
def inner(left, right):
    def numbers(value):
        value = value.tolist() if hasattr(value, "tolist") else value
        return [n for v in value for n in numbers(v)] if isinstance(value, list) else [complex(value)]
    return sum(l.real * r.real + l.imag * r.imag for l, r in zip(numbers(list(left)), numbers(list(right))))
''',
}  # fmt: skip
_NEEDS = {
    "gradients": ("flat", "inexact"),
    "second_gradients": ("flat", "inexact"),
    "pushed": ("flat", "inexact"),
}


def script_for(case: Case, title: str, program: list[str]) -> str:
    """A script that fails as the case did.

    Parameters
    ----------
    title : str
        What is wrong: the script's first line.
    program : list of str
        What to do with ``operands``, ``run()`` and ``result``.
    """
    call = Call(case.operation, case.subject, case.arguments, lambda tensor: tensor)
    text = "\n".join(program)
    helpers = _used_helpers(text)
    lines = ['"""' + title.replace("\\", "\\\\").replace('"', "'") + '"""', "", *_imports(case, helpers), ""]
    lines += _selection(case.subject)
    lines.append("operands = [")
    lines += [f"    {_operand(tensor, case.subject)}," for tensor in call.tensors]
    lines.append("]")
    if helpers & {"gradients", "pushed", "second_gradients"}:
        lines.append(f"differentiated = {call.chosen!r}")
    lines += ["", "", "def run(operands=operands):", f"    return {_call(case.operation, call)}", ""]
    for name in _HELPERS:
        if name in helpers:
            lines += ["", *_HELPERS[name].splitlines(), ""]
    lines.append("")
    if re.search(r"\bresult\b", text) or not program or "operand = " in text:
        lines.append("result = run()")
    return "\n".join([*lines, *program]) + "\n"


def _used_helpers(text: str) -> set[str]:
    used = {name for name in _HELPERS if re.search(rf"\b{name}\(", text)}
    for name in tuple(used):
        used |= set(_NEEDS.get(name, ()))
    return used


def _imports(case: Case, helpers: set[str]) -> list[str]:
    lines = ["import pullback as pb"]
    if _public_name(case.operation) is None:
        lines += [
            "from pullback.extend import registry",
            "from pullback.ops import import_all",
            "import_all()",
        ]
    if "pushed" in helpers:
        lines.append("from pullback.autograd import forward_ad")
    return lines


def _selection(backend: Backend) -> list[str]:
    """The lines that select the backend: by name, or by its class where no plugin brings it."""
    from pullback.extend import backend_specs

    if backend.name in {spec.name for spec in backend_specs()}:
        return [f"pb.set_default_backend({backend.name!r})"]
    spec = known_backends().get(backend.name)
    module, _, name = (spec.loader if spec else f"{type(backend).__module__}:{type(backend).__qualname__}").partition(
        ":"
    )
    return [f"from {module} import {name}", "", f"pb.set_default_backend({name}())"]


def _public_name(operation: Operation | Composite) -> str | None:
    public = getattr(pb, operation.name, None)
    code = getattr(public, "__code__", None)
    # Where the function's arguments come in another order, as polygamma's, the method is called.
    reordered = isinstance(operation, Operation) and code is not None and code.co_varnames[:1] != operation.operands[:1]
    if callable(public) and not (reordered and operation.name in operation.method_names):
        return f"pb.{operation.name}"
    if operation.name in operation.method_names:
        return f"pb.Tensor.{operation.name}"
    return None


def _call(operation: Operation | Composite, call: Call) -> str:
    position = iter(range(len(call.tensors)))

    def source(value: Any) -> str:
        if isinstance(value, Tensor):
            return f"operands[{next(position)}]"
        if type(value) in (list, tuple):
            inner = ", ".join(source(v) for v in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{k!r}: {source(v)}" for k, v in value.items()) + "}"
        if isinstance(value, slice):
            return f"slice({source(value.start)}, {source(value.stop)}, {source(value.step)})"
        return _plain_source(value)

    arguments = [source(a) for a in call.args] + [f"{k}={source(v)}" for k, v in call.kwargs.items()]
    name = _public_name(operation) or f"registry[{operation.name!r}].call"
    return f"{name}({', '.join(arguments)})"


def _plain_source(value: Any) -> str:
    if isinstance(value, DType):
        return dtype_source(value)
    if isinstance(value, Generator):
        return f"pb.Generator().manual_seed({value.initial_seed()})"
    return literal(value) if isinstance(value, float) else repr(value)


def dtype_source(dtype: DType) -> str:
    """A dtype as Python source."""
    name = dtype.name if isinstance(getattr(pb, dtype.name, None), DType) else f"{dtype.name}_"
    return f"pb.{name}"


def nested_literal(array: Any) -> str:
    """The elements of an array as nested lists in Python source, to the precision of a double."""
    array = np.asarray(array)
    if not array.ndim:
        return literal(array[()])
    return "[" + ", ".join(nested_literal(part) for part in array) + "]"


def _operand(tensor: Tensor, backend: Backend) -> str:
    array = to_numpy(tensor)
    dtype = dtype_source(tensor.dtype)
    if not array.size:
        return f"pb.zeros({', '.join(map(str, array.shape))}, dtype={dtype})"
    layout = Layout(tensor.array)
    if not backend.mutable or (layout.axes is None and layout.step == 1 and not layout.offset and not layout.repeated):
        return f"pb.tensor({nested_literal(widened(array))}, dtype={dtype})"
    source = f"pb.tensor({nested_literal(widened(layout.base_of(tensor.array)))}, dtype={dtype})"
    if layout.repeated is not None:
        return f"{source}.expand({', '.join(map(str, layout.repeated))})"
    if layout.offset:
        source += "[1:]"
    if layout.step > 1:
        source += f"[..., ::{layout.step}]"
    return source if layout.axes is None else f"{source}.permute({', '.join(map(str, layout.axes))})"
