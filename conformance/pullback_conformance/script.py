"""Scripts that reproduce a failure: a few lines with the inputs in them, that need pullback and the backend only."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import pullback as pb
from pullback.extend import (
    Backend,
    Device,
    DType,
    Geometry,
    Operation,
    Positions,
    Tensor,
)
from pullback.random import Generator
from pullback_conformance.case import Call, Case
from pullback_conformance.moving import Layout, to_numpy, widened
from pullback_conformance.naming import class_of, dtype_source
from pullback_conformance.numbers_as_text import literal

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
    made = _Source(case)
    expression = made.call(call)
    quoted = title.replace("\\", "\\\\").replace('"', "'")
    lines = ['"""' + quoted + '"""', "", *_imports(helpers, made.imports), ""]
    lines += _selection(case.subject)
    lines.append("operands = [")
    lines += [f"    {operand_source(tensor, case.subject)}," for tensor in call.tensors]
    lines.append("]")
    if made.from_suite:
        lines += _arguments_of_suite(case)
    if helpers & {"gradients", "pushed", "second_gradients"}:
        lines.append(f"differentiated = {call.chosen!r}")
    lines += ["", "", "def run(operands=operands):", f"    return {expression}", ""]
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


def extend_imports(names: set[str]) -> list[str]:
    """The line that imports what a call needs of :mod:`pullback.extend`, if it needs anything."""
    return [f"from pullback.extend import {', '.join(sorted(names))}"] if names else []


def _imports(helpers: set[str], extended: set[str]) -> list[str]:
    lines = ["import pullback as pb", *extend_imports(extended)]
    if "pushed" in helpers:
        lines.append("from pullback.autograd import forward_ad")
    if "import_all" in extended:
        lines += ["", "import_all()"]
    return lines


def _selection(backend: Backend) -> list[str]:
    """The lines that select the backend: by name, or by its class where no plugin brings it."""
    by_name = f"pb.set_default_backend({backend.name!r})"
    place = class_of(backend)
    if place is None:
        return [by_name]
    module, name = place
    if not module:
        # An object that a program made: how, is known to that program.
        return [f"# Register the backend {backend.name!r} here, as your program does.", by_name]
    outer = name.partition(".")[0]
    return [f"from {module} import {outer}", "", f"pb.set_default_backend({name}())"]


def _callable_name(call: Call) -> str:
    """What a script calls: the public function or method that takes these arguments, else the operation itself."""
    operation, given = call.operation, (len(call.args), tuple(call.kwargs))
    if isinstance(operation, Operation):
        order = (*operation.operands, *operation.attributes)
    else:
        order = tuple(inspect.signature(operation.function).parameters)
    # Where a public function's arguments come in another order, as polygamma's, the method may be called.
    for place, module in (("pb", pb), ("pb.nn.functional", pb.nn.functional)):
        if _takes(getattr(module, operation.name, None), order, *given):
            return f"{place}.{operation.name}"
    method = getattr(pb.Tensor, operation.name, None) if operation.name in operation.method_names else None
    if call.args and isinstance(call.args[0], Tensor) and _takes(method, order, *given, first=1):
        return f"pb.Tensor.{operation.name}"
    return f"registry[{operation.name!r}].call"


def _takes(function: Any, order: tuple[str, ...], count: int, keywords: tuple[str, ...], *, first: int = 0) -> bool:
    """Whether a function takes ``count`` arguments in that order, from the ``first`` on, and these keywords."""
    if not callable(function):
        return False
    names = tuple(inspect.signature(function).parameters)
    return names[first:count] == order[first:count] and set(keywords) <= set(names)


class _Source:
    """Arguments as Python source, and what that source needs.

    Attributes
    ----------
    imports : set of str
        Names of :mod:`pullback.extend`.
    from_suite : bool
        Whether an argument has no source, a function for one: the script takes it from the suite's samples.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.imports: set[str] = set()
        self.from_suite = False
        self._number = 0

    def call(self, call: Call) -> str:
        """The call that is made, of the tensors ``operands``."""
        arguments = [self._argument(a, f"arguments.args[{i}]") for i, a in enumerate(call.args)]
        arguments += [f"{k}={self._argument(v, f'arguments.kwargs[{k!r}]')}" for k, v in call.kwargs.items()]
        name = _callable_name(call)
        if name.startswith("registry"):
            self.imports |= {"import_all", "registry"}
        return f"{name}({', '.join(arguments)})"

    def _argument(self, value: Any, place: str) -> str:
        if isinstance(value, Tensor):
            self._number += 1
            return f"operands[{self._number - 1}]"
        if type(value) in (list, tuple):
            inner = ", ".join(self._argument(v, f"{place}[{i}]") for i, v in enumerate(value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, Mapping):
            items = [f"{k!r}: {self._argument(v, f'{place}[{k!r}]')}" for k, v in value.items()]
            return "{" + ", ".join(items) + "}"
        if isinstance(value, slice):
            parts = [self._argument(getattr(value, n), f"{place}.{n}") for n in ("start", "stop", "step")]
            return f"slice({', '.join(parts)})"
        if isinstance(value, Positions):
            self.imports.add("Positions")
            return f"Positions([{', '.join(self._argument(p, place) for p in value.parts)}])"
        if isinstance(value, Geometry):
            self.imports.add("Geometry")
            return f"Geometry({dtype_source(value.dtype)}, {value.shape!r}, {value.strides!r}, {value.offset!r})"
        source = plain_source(value)
        if source is None:
            self.from_suite = True
            return place
        return source


def call_source(case: Case, call: Call) -> tuple[str, set[str]]:
    """A call as Python source, its tensors as ``operands[0]`` ..., and what it needs of :mod:`pullback.extend`."""
    made = _Source(case)
    return made.call(call), made.imports


def plain_source(value: Any) -> str | None:
    """A value that holds no tensors as Python source; None where it has no such form, as a function has none."""
    if isinstance(value, DType):
        return dtype_source(value)
    if isinstance(value, Device):
        return f"pb.device({str(value)!r})"
    if isinstance(value, Generator):
        return f"pb.Generator().manual_seed({value.initial_seed()})"
    if type(value) in (float, complex):
        return literal(value)
    if value is None or value is Ellipsis or type(value) in (bool, int, str, bytes):
        return repr(value)
    return None


def has_source(value: Any) -> bool:
    """Whether arguments have a form in Python source, their tensors aside; a function has none."""
    if isinstance(value, Tensor | Positions | Geometry):
        return True
    if type(value) in (list, tuple):
        return all(map(has_source, value))
    if isinstance(value, Mapping):
        return all(map(has_source, value.values()))
    if isinstance(value, slice):
        return has_source((value.start, value.stop, value.step))
    return plain_source(value) is not None


def _arguments_of_suite(case: Case) -> list[str]:
    """The lines that take the arguments without a source of their own from the suite's samples."""
    return [
        "from pullback_conformance.named_sample import sample_named",
        f"arguments = sample_named({case.operation.name!r}, {case.dtype.name!r}, {case.label!r}, seed={case.seed})",
    ]


def nested_literal(array: Any) -> str:
    """The elements of an array as nested lists in Python source, to the precision of a double."""
    array = np.asarray(array)
    if not array.ndim:
        return literal(array[()])
    return "[" + ", ".join(nested_literal(part) for part in array) + "]"


def operand_source(tensor: Tensor, backend: Backend) -> str:
    """A tensor as Python source, in the layout that its elements have in NumPy's memory."""
    array = to_numpy(tensor)
    dtype = dtype_source(tensor.dtype)
    if not array.size:
        return f"pb.zeros({', '.join(map(str, array.shape))}, dtype={dtype})"
    there = tensor.backend.to_numpy(tensor.array)
    layout = Layout(there)
    if not backend.mutable or layout.is_plain:
        return f"pb.tensor({_data(widened(array))}, dtype={dtype})"
    source = f"pb.tensor({_data(widened(layout.base_of(there)))}, dtype={dtype})"
    if layout.windows is not None:
        source += f".as_strided({layout.shape!r}, {layout.windows!r})"
    if layout.repeated is not None:
        return f"{source}.expand({', '.join(map(str, layout.repeated))})"
    if layout.offset:
        source += "[1:]"
    if layout.step > 1:
        source += f"[..., ::{layout.step}]"
    if layout.axes is not None:
        source += f".permute({', '.join(map(str, layout.axes))})"
    if not layout.backwards:
        return source
    # No operation gives such a view of a tensor: it is one of the backend's array.
    turned = ", ".join("::-1" if axis in layout.backwards else ":" for axis in range(array.ndim))
    return f"(lambda t: type(t)._wrap(t.array[{turned}], t.backend))({source})"


#: Arrays of more elements that repeat a few are written as that.
_LONG = 4096


def _data(array: Any) -> str:
    """The elements of an array as Python source: nested lists, or a list times a number where it is long."""
    flat = array.reshape(-1)
    if array.ndim != 1 or flat.size <= _LONG:
        return nested_literal(array)
    for period in range(1, 65):
        if np.array_equal(flat[period:], flat[:-period]):
            count = flat.size // period
            rest = flat[count * period :]
            return f"{nested_literal(flat[:period])} * {count}" + (f" + {nested_literal(rest)}" if rest.size else "")
    return nested_literal(array)
