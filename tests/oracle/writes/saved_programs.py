"""Programs of three steps: an operation, a write in place of an operand or result, backward; for every operation."""

from __future__ import annotations

import re
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.samples import samples_of

import_all()

#: What a tensor among the operands may be instead: something else of the same meaning, as far as shapes go.
FORMS = ("given", "number", "0-d", "0-d float64", "float64", "int64", "broadcast", "column", "itself")
#: How a tensor is written. Each has the derivative 1 or 2 by what was there before.
WRITES = ("add_", "mul_", "no_grad", "part", "view", "setitem", "detached", "iadd of a tensor")
FACTORS = {"mul_": 2.0}


@dataclass(frozen=True)
class Program:
    """One program, the same for both libraries.

    Attributes
    ----------
    name : str
        The operation, a function of the library or a method of tensors.
    args, kwargs
        NumPy arrays stand for tensors.
    wanted : tuple of int
        Which of the tensors require gradients.
    written : int
        Which tensor is written: an operand by its number, or a result, by -1 - its number.
    write : str
        How.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    wanted: tuple[int, ...]
    written: int
    write: str

    def __str__(self) -> str:
        def shown(value: Any) -> str:
            if isinstance(value, np.ndarray):
                return f"{value.dtype}{list(value.shape)}"
            if isinstance(value, list | tuple):
                return f"[{', '.join(map(shown, value))}]"
            return repr(value)

        given = [shown(a) for a in self.args] + [f"{k}={shown(v)}" for k, v in self.kwargs.items()]
        what = f"operand {self.written}" if self.written >= 0 else f"result {-1 - self.written}"
        return f"{self.name}({', '.join(given)}), gradients of {self.wanted}, {what} by {self.write}"


def function_of(lib: Any, name: str) -> Any:
    found = getattr(lib.nn.functional, name, None) or getattr(lib, name, None) or getattr(lib.Tensor, name, None)
    return found if callable(found) else None


def plain(value: Any) -> Any:
    """A sample's argument with arrays in the place of tensors."""
    if isinstance(value, pb.Tensor):
        return np.array(value.detach().numpy())
    if type(value) in (list, tuple):
        return type(value)(plain(v) for v in value)
    return value


def arrays_in(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return 1
    return sum(map(arrays_in, value)) if type(value) in (list, tuple) else 0


def in_form(value: Any, form: str) -> Any:
    """The array in another form; None where it has none."""
    match form:
        case "given":
            return value
        case "number":
            return 2.0 if value.dtype.kind == "f" else 2 if value.dtype.kind == "i" else None
        case "0-d":
            return value.reshape(-1)[:1].reshape(()).copy() if value.size else None
        case "0-d float64":
            return value.real.reshape(-1)[:1].reshape(()).astype(np.float64) if value.size else None
        case "float64" | "int64":
            return value.real.astype(form)
        case "broadcast":
            return value[:1].copy() if value.ndim else None
        case "column":
            return value[..., :1].copy() if value.ndim > 1 else None
    return None


def programs_of(name: str, count: int, seed: int = 0) -> Iterator[Program]:
    """Some of an operation's programs."""
    record = registry[name]
    random = Random(zlib.crc32(name.encode()) + seed)
    samples = []
    for dtype in (pb.float32, pb.complex64):
        try:
            found = [s for s in samples_of(record, get_backend("numpy"), dtype, most=6) if not s.values_only]
        except Exception:
            continue
        samples += [
            (plain(s.args), {k: plain(v) for k, v in s.kwargs.items() if k not in ("generator",)}) for s in found
        ]
    samples = [s for s in samples if any(isinstance(a, np.ndarray) or arrays_in(a) for a in s[0])]
    if not samples:
        return
    for _ in range(count):
        args, kwargs = random.choice(samples)
        args = list(args)
        places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray)]
        if places and random.random() < 0.7:
            place = random.choice(places)
            if place and random.random() < 0.2:
                args[place] = args[0]
            else:
                changed = in_form(args[place], random.choice(FORMS))
                if changed is not None:
                    args[place] = changed
        total = sum(map(arrays_in, args))
        if not total:
            continue
        wanted = tuple(n for n in range(total) if random.random() < 0.7)
        written = (
            random.randrange(total) if random.random() < 0.5 else -1 - random.randrange(2) * (random.random() < 0.3)
        )
        yield Program(name, tuple(args), kwargs, wanted, written, random.choice(WRITES))


def _written(lib: Any, tensor: Any, write: str) -> None:
    match write:
        case "add_":
            tensor.add_(1)
        case "mul_":
            tensor.mul_(2)
        case "no_grad":
            with lib.no_grad():
                tensor.add_(1)
        case "part":
            tensor[..., :1].add_(1)
        case "view":
            tensor.view(tensor.shape).add_(1)
        case "setitem":
            tensor[...] = tensor + 1
        case "detached":
            tensor.detach().add_(1)
        case "iadd of a tensor":
            tensor += lib.ones((), dtype=tensor.dtype)


def tensors_among(value: Any) -> list[Any]:
    if isinstance(value, tuple | list):
        return [t for v in value for t in tensors_among(v)]
    return [value] if hasattr(value, "grad_fn") else []


def outcome(lib: Any, program: Program, writes: bool = True) -> tuple[str, Any]:
    """``("refused", where, text)`` or ``("done", values, gradients)``; without the write for what is right."""
    leaves: list[Any] = []
    operands: list[Any] = []

    def made(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            tensor = lib.tensor(value.tolist(), dtype=getattr(lib, str(value.dtype))).reshape(value.shape)
            leaf = tensor.detach()
            if len(operands) in program.wanted and value.dtype.kind in "fc":
                leaf.requires_grad_()
                operands.append(leaf * 1)
                leaves.append(leaf)
            else:
                operands.append(leaf)
            return operands[-1]
        if type(value) in (list, tuple):
            return type(value)(made(v) for v in value)
        return getattr(lib, value.name) if isinstance(value, pb.dtype) else value

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            args = [made(a) for a in program.args]
            kwargs = {k: made(v) for k, v in program.kwargs.items()}
            results = tensors_among(function_of(lib, program.name)(*args, **kwargs))
        except Exception as error:
            return "call", f"{type(error).__name__}: {error}".partition("\n")[0]
        if program.written >= 0:
            target = operands[program.written]
        elif -1 - program.written < len(results):
            target = results[-1 - program.written]
        else:
            return "call", "no such result"
        if writes:
            try:
                _written(lib, target, program.write)
            except Exception as error:
                return "write", f"{type(error).__name__}: {error}".partition("\n")[0]
        try:
            results = [r for r in results if r.requires_grad]
            total: Any = None
            for number, result in enumerate(results):
                factor = FACTORS.get(program.write, 1.0) if not writes and result is target else 1.0
                part = result.real.sum() * (number + 1) * factor
                if result.is_complex():
                    part = part + result.imag.sum() * factor
                total = part if total is None else total + part
            if total is None:
                return "done", []
            grads = lib.autograd.grad(total, leaves, allow_unused=True)
        except Exception as error:
            return "backward", f"{type(error).__name__}: {error}".partition("\n")[0]
    return "done", [None if g is None else (str(g.dtype), np.array(g.numpy(force=True))) for g in grads]


def same_gradients(found: list[Any], expected: list[Any], dtypes: bool = True) -> bool:
    for f, e in zip(found, expected, strict=True):
        if (f is None) != (e is None):
            return False
        if f is not None:
            if dtypes and f[0] != e[0]:
                return False
            if not np.allclose(f[1], e[1], rtol=1e-4, atol=1e-5, equal_nan=True):
                return False
    return True


_SHOWN = re.compile(r"\[(torch\.\w+|CPU\w+Type) \[[^\]]*\]\]")


def comparable(text: str) -> str:
    """An error's text without what stands elsewhere in the list of differences."""
    return _SHOWN.sub("[tensor]", text)


def repeats(program: Program) -> bool:
    """Whether the write is to memory that overlaps itself: what comes of it is the order of a library's loops."""
    return program.name in ("as_strided", "unfold") and program.written < 0
