"""Chains of views of bases that lie in memory in any order, and writes through them, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch

SHAPES = ((2, 2), (4, 2), (2, 3, 2), (2, 2, 2), (3, 4))
#: How a base of that order of dimensions comes about; results of arithmetic are row-major on immutable backends.
BASES = {
    "plain": "leaf * 1",
    "permuted view": "leaf.permute({order}).contiguous().permute({inverse})",
    "permuted copy": "leaf.permute({order}).contiguous().permute({inverse}).clone()",
    "part": "lib.cat([leaf, leaf], 0)[: leaf.shape[0]]",
    "permuted result": "leaf.permute({order}).contiguous().permute({inverse}) * 1",
}
WRITES = (
    "v.mul_(2)", "v.add_(1)", "v.neg_()", "v.copy_(v.detach() * 3)", "v.sin_()", "v.mul_(w)", "v[...] = 5", "v.zero_()",
)  # fmt: skip


@dataclass(frozen=True)
class Program:
    """A base, views of it each of the one before, writes to some of them, and the view that the result is made of."""

    shape: tuple[int, ...]
    dtype: str
    base: str
    views: tuple[str, ...]
    writes: tuple[tuple[int, str], ...]
    looks: bool
    end: int


def program(random: Random, bases: tuple[str, ...]) -> Program:
    """Draw one."""
    shape = random.choice(SHAPES)
    dtype = random.choice(("float32", "complex64"))
    order = list(range(len(shape)))
    random.shuffle(order)
    base = BASES[random.choice(bases)].format(order=order, inverse=[order.index(d) for d in range(len(order))])
    _, tensor = _base(torch, shape, dtype, base)
    views: list[str] = []
    for _ in range(random.randrange(1, 5)):
        view = _view(random, tensor)
        if view is None:
            break
        tensor = eval(view, {"v": tensor, "lib": torch})
        views.append(view)
    places = range(len(views) + 1)
    writes = tuple((random.choice(places), random.choice(WRITES)) for _ in range(random.randrange(1, 3)))
    return Program(shape, dtype, base, tuple(views), writes, random.random() < 0.4, random.choice(places))


def _base(lib: Any, shape: tuple[int, ...], dtype: str, base: str) -> tuple[Any, Any]:
    step = 0.5j if dtype == "complex64" else 0.0
    values = [(i % 7) - 2.5 + step * (i % 3) for i in range(int(np.prod(shape)))]
    leaf = lib.tensor(values, dtype=getattr(lib, dtype)).reshape(shape).detach().requires_grad_()
    return leaf, eval(base, {"leaf": leaf, "lib": lib})


def _view(random: Random, t: Any) -> str | None:
    """The source of a view of ``v`` that has elements."""
    for _ in range(20):
        dim, other = (random.randrange(t.ndim), random.randrange(t.ndim)) if t.ndim else (0, 0)
        order = list(range(t.ndim))
        random.shuffle(order)
        before = ":, " * dim
        view = random.choice(
            (
                f"v.transpose({dim}, {other})", f"v.permute({order})", f"v.movedim({dim}, {other})", "v.mT",
                f"v[{before}{random.randrange(2)}:]", f"v[{before}::2]", f"v.select({dim}, {random.randrange(2)})",
                f"v.unsqueeze({dim})", "v.squeeze()", f"v.diagonal({random.choice((0, 0, 1, -1))}, {dim}, {other})",
                f"v.unfold({dim}, 2, 2)", f"v.split(1, {dim})[1]", f"v.unbind({dim})[0]", f"v.narrow({dim}, 1, 1)",
                "v.flatten()", "v.view(-1)", f"v.unflatten({dim}, (2, -1))", "v.view_as(v)",
                f"v.as_strided((2,), ({random.choice((1, 2))},), {random.randrange(2)})",
                "lib.view_as_real(v)", "lib.view_as_complex(v)", "v.real", "v.imag",
            )
        )  # fmt: skip
        # Strides over what only a part of each complex number shows: PyTorch's history of it is another one.
        if "as_strided" in view and t._base is not None and t.dtype != t._base.dtype:
            continue
        if "mT" in view and t.ndim < 2:  # deprecated
            continue
        try:
            out = eval(view, {"v": t, "lib": torch})
        except (IndexError, RuntimeError):
            continue
        if out.numel() and out._is_view() and out.ndim < 5:
            return view
    return None


def outcome(lib: Any, program: Program) -> list[Any]:
    """All that can be seen of the tensors after the writes, and the gradients; or the error."""
    seen: list[Any] = []
    try:
        leaf, base = _base(lib, program.shape, program.dtype, program.base)
        views = [base]
        for view in program.views:
            views.append(eval(view, {"v": views[-1], "lib": lib}))
        w = lib.tensor(3.0, requires_grad=True)
        for place, write in program.writes:
            exec(write, {"v": views[place], "lib": lib, "w": w})
            if program.looks:
                seen.append([_seen(v) for v in views])
        seen.append([_seen(v) for v in views])
        total: Any = 0
        for v in (base, views[program.end]):
            weights = lib.arange(1.0, v.numel() + 1).reshape(v.shape)
            square = (v * v * weights).sum()
            total = total + ((square * (1 + 0.5j)).real if v.is_complex() else square)
        total.backward()
        seen.append([leaf.grad.tolist(), None if w.grad is None else w.grad.item()])
    except Exception as error:
        seen.append((type(error).__name__, str(error).partition("\n")[0]))
    return seen


def _seen(tensor: Any) -> tuple[Any, ...]:
    node = tensor.grad_fn
    return (
        tensor.detach().tolist(),
        tuple(tensor.stride()),
        tensor.storage_offset(),
        tensor._version,
        None if node is None else node.name(),
    )


def close(found: Any, expected: Any) -> bool:
    """Whether two outcomes agree to within rounding."""
    if isinstance(found, list | tuple) and isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(close, found, expected))
    if isinstance(found, float | complex) and isinstance(expected, float | complex):
        return bool(np.isclose(found, expected, rtol=1e-3, atol=1e-3, equal_nan=True))
    return bool(found == expected)
