"""A script that shows a divergence by itself: the operands are in it, bit for bit."""

from __future__ import annotations

import base64
import zlib
from typing import Any, Final

import numpy as np

import pullback as pb
from pullback.extend import Backend, DType, backend_specs, known_backends
from pullback.random import Generator
from pullback_crosscheck.comparison import Verdict
from pullback_crosscheck.operands import Call, Held

#: Elements that a script holds at most.
LARGEST: Final = 1 << 20
#: Up to so many are written as numbers.
FEW: Final = 16

_HELPER = """
def held(text, dtype):
    data = np.frombuffer(zlib.decompress(base64.b85decode(text)), dtype=np.dtype(dtype))
    return pb.tensor(data.copy())
"""


def script_for(call: Call, title: str, backends: tuple[Backend, Backend], verdict: Verdict, expected: Held) -> str:
    """The script, or one line that says why there is none."""
    if sum(held.array.size for held in (*call.tensors, expected)) > LARGEST:
        return f"# {title}: the operands have more elements than a script should hold\n"
    title = title.replace("\\", "\\\\").replace('"', "'")
    lines = [
        f'"""{title}"""',
        "",
        "import base64",
        "import zlib",
        "",
        "import numpy as np",
        "",
        "import pullback as pb",
    ]
    if any(held.dtype.name == "bfloat16" for held in (*call.tensors, expected)):
        lines.insert(5, "import ml_dtypes  # NumPy knows bfloat16 by it")
    lines += ["from pullback.extend import Positions, import_all, registry", *_importing(backends[0]), "", _HELPER]
    lines += ["", *_selection(backends[0]), "import_all()", "operands = ["]
    lines += [f"    {_tensor_source(held)}," for held in call.tensors]
    lines += ["]", f"result = {_call_source(call)}"]
    if call.operation.outputs is not None:
        lines.append(f"result = result[{verdict.output}]")
    lines.append(f"expected = {_tensor_source(expected._replace(strides=None))}")
    lines += [
        "assert result.dtype is expected.dtype, (result.dtype, expected.dtype)",
        "assert result.shape == expected.shape, (result.shape, expected.shape)",
    ]
    if not (expected.dtype.is_floating_point or expected.dtype.is_complex):
        lines.append("assert pb.equal(result, expected), (result, expected)")
    else:
        index = f"[{', '.join(map(str, verdict.where))}]" if verdict.where else ""
        limit = _allowed_distance(expected, verdict)
        lines += [
            f"got, want = result{index}.item(), expected{index}.item()",
            f"same = got == want or (got != got and want != want) or abs(got - want) <= {limit!r}",
            'assert same, f"{got!r}, expected {want!r}"',
        ]
    return "\n".join(lines) + "\n"


def _allowed_distance(expected: Held, verdict: Verdict) -> float:
    """How far the worst element may be off: its distance is so many ulp, of which so many are allowed."""
    if not np.isfinite(verdict.ulp):
        return 0.0
    return verdict.distance * verdict.allowed / verdict.ulp


def _importing(backend: Backend) -> list[str]:
    if backend.name in {spec.name for spec in backend_specs()}:
        return []
    module, name = _class_of(backend)
    return [f"from {module} import {name}"]


def _selection(backend: Backend) -> list[str]:
    """The lines that select the backend: by name, or by its class where no plugin brings it."""
    if backend.name in {spec.name for spec in backend_specs()}:
        return [f"pb.set_default_backend({backend.name!r})"]
    return [f"pb.set_default_backend({_class_of(backend)[1]}())"]


def _class_of(backend: Backend) -> tuple[str, str]:
    spec = known_backends().get(backend.name)
    loader = spec.loader if spec else f"{type(backend).__module__}:{type(backend).__qualname__}"
    module, _, name = loader.partition(":")
    return module, name


def _call_source(call: Call) -> str:
    number = iter(range(len(call.tensors)))

    def source(value: Any) -> str:
        if isinstance(value, Held):
            return f"operands[{next(number)}]"
        if isinstance(value, Generator):
            return "generator"
        if isinstance(value, tuple) and type(value) is not tuple:  # index tensors, held
            return f"Positions([{', '.join(map(source, value))}])"
        if type(value) in (list, tuple):
            inner = ", ".join(map(source, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, DType):
            return _dtype_source(value)
        return f"float({str(value)!r})" if isinstance(value, float) and value - value != 0 else repr(value)

    given = [source(value) for value in call.operands]
    arguments = [f"[{', '.join(given)}]"] if call.operation.sequence else given
    for name, value in call.attributes.items():
        if name != "generator" and (name not in call.operation.defaults or value != call.operation.defaults[name]):
            arguments.append(f"{name}={source(value)}")
    if call.generator is not None:
        arguments.append(f"generator={_generator_source(call.generator)}")
    return f"registry[{call.operation.name!r}].call({', '.join(arguments)})"


def _generator_source(generator: Generator) -> str:
    function, arguments = generator.__reduce__()
    return f"__import__({function.__module__!r}, fromlist=['_']).{function.__name__}{arguments!r}"


def _dtype_source(dtype: DType) -> str:
    return f"pb.{dtype.name}" if isinstance(getattr(pb, dtype.name, None), DType) else f"pb.{dtype.name}_"


def _tensor_source(held: Held) -> str:
    """An operand as an expression: its elements in the memory that they lie in, and the view of that."""
    array, strides = held.array, held.strides
    laid_out = strides is not None and min(strides, default=0) >= 0 and strides != _in_rows(array.shape)
    flat = _memory(array, strides) if laid_out and strides is not None else array.reshape(-1)
    if not laid_out and 0 < flat.size <= FEW and np.all(np.isfinite(flat)):
        return f"pb.tensor({array.tolist()!r}, dtype={_dtype_source(held.dtype)})"
    text = base64.b85encode(zlib.compress(np.ascontiguousarray(flat).tobytes(), 9)).decode()
    source = f"held({text!r}, {flat.dtype.name!r})"
    if laid_out:
        return f"{source}.as_strided({tuple(map(int, array.shape))}, {strides})"
    return f"{source}.reshape({tuple(map(int, array.shape))})"


def _in_rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return tuple(strides)


def _memory(array: Any, strides: tuple[int, ...]) -> Any:
    """The memory that holds an array's elements with these strides; zeros in between."""
    extent = 1 + sum((size - 1) * step for size, step in zip(array.shape, strides, strict=True))
    memory = np.zeros(extent, array.dtype)
    places = sum(
        np.arange(size).reshape([-1 if axis == position else 1 for position in range(array.ndim)]) * step
        for axis, (size, step) in enumerate(zip(array.shape, strides, strict=True))
    )
    memory[places] = array
    return memory
