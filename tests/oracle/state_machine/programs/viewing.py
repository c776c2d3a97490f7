"""Draws a view of a tensor: by each operation that PyTorch documents as one, and those that sometimes are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from programs.geometry import name_of
from programs.step import Expression, Step, Variable

if TYPE_CHECKING:
    import torch

    from programs.drawing import Drawer

#: Views with more elements are not drawn.
MOST_ELEMENTS = 24
#: As another dtype: not floats as integers, for what rounding leaves of the bits could not be compared.
SAME_BITS = {
    "float32": ("complex64", "float32"),
    "float64": ("complex128", "float64"),
    "complex64": ("float32", "complex64"),
    "complex128": ("float64",),
    "int64": ("int32", "uint8"),
    "int32": ("int64", "int8"),
    "bool": ("bool",),  # on some backends an element is a truth value, and no other number
    "uint8": ("int8", "int64"),
    "int8": ("uint8", "int32"),
}


def _shape_of_as_many(draw: Drawer, t: torch.Tensor) -> tuple[int, ...]:
    count = t.numel()
    if draw.chance(4):
        return (5,)
    if not count:
        return draw.pick((tuple(t.shape), (0,), (-1,), (0, 2)))
    shapes: list[tuple[int, ...]] = [(-1,), (count,), (1, count), (-1, 1), tuple(t.shape)]
    shapes += [(a, count // a) for a in (2, 3, 4) if count % a == 0]
    shapes += [(2, -1, 2)] if count % 4 == 0 else []
    return draw.pick(shapes)


def _select(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    dim = draw.dim(t)
    length = t.shape[dim] if -t.ndim <= dim < t.ndim else 1
    return draw.step("method", "select", v, dim, draw.position(length))


def _narrow(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    dim = draw.dim(t)
    length = t.shape[dim] if -t.ndim <= dim < t.ndim else 1
    start = draw.random.randrange(length + 1)
    count = draw.random.randrange(length - start + 1) if not draw.chance(4) else length + 1
    return draw.step("method", "narrow", v, dim, start, count)


def _permutation(draw: Drawer, t: torch.Tensor) -> list[int]:
    order = list(range(t.ndim))
    draw.random.shuffle(order)
    return [o - t.ndim if draw.chance(20) else o for o in order]


def _moved(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    return draw.step("method", draw.pick(("movedim", "moveaxis")), v, draw.dim(t), draw.dim(t))


def _swapped(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    return draw.step("method", draw.pick(("transpose", "swapaxes", "swapdims")), v, draw.dim(t), draw.dim(t))


def _expanded(draw: Drawer, v: Variable, t: torch.Tensor) -> Step | None:
    shape = [draw.pick((2, 3, -1)) if s == 1 else draw.pick((s, -1)) for s in t.shape]
    if draw.chance(40):
        shape = [draw.pick((1, 2)), *shape]
    if draw.chance(4):
        shape = [7, *shape[1:]]
    count = t.numel()
    return draw.step("method", "expand", v, shape) if count <= MOST_ELEMENTS and len(shape) < 5 else None


def _diagonal(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    if draw.chance(50):
        return draw.step("method", "diagonal", v)
    return draw.step("method", "diagonal", v, draw.pick((-1, 0, 1)), draw.dim(t), draw.dim(t))


def _unfolded(draw: Drawer, v: Variable, t: torch.Tensor) -> Step | None:
    if t.numel() > MOST_ELEMENTS:
        return None
    return draw.step("method", "unfold", v, draw.dim(t), draw.pick((1, 2, 2, 3)), draw.pick((1, 1, 2)))


def _split(draw: Drawer, v: Variable, t: torch.Tensor) -> Step | None:
    dim = draw.dim(t)
    length = t.shape[dim] if -t.ndim <= dim < t.ndim else 1
    match draw.pick(("split", "sizes", "chunk", "unbind", "tensor_split", "split_with_sizes")):
        case "split":
            return draw.step("method", "split", v, draw.pick((1, 2)), dim)
        case "sizes" | "split_with_sizes" as name:
            first = draw.random.randrange(length + 1)
            return draw.step("method", "split" if name == "sizes" else name, v, [first, length - first], dim)
        case "chunk":
            return draw.step("method", "chunk", v, draw.pick((1, 2, 3)), dim)
        case "unbind":
            return draw.step("method", "unbind", v, dim)
        case _:
            return draw.step("method", "tensor_split", v, draw.pick((1, 2, [1])), dim)


def _flattened(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    if draw.chance(50):
        return draw.step("method", "flatten", v)
    return draw.step("method", "flatten", v, draw.dim(t), draw.dim(t))


def _unflattened(draw: Drawer, v: Variable, t: torch.Tensor) -> Step | None:
    if not t.ndim:
        return None
    dim = draw.random.randrange(-t.ndim, t.ndim)
    length = t.shape[dim]
    return draw.step("method", "unflatten", v, dim, (2, -1) if length % 2 == 0 and length else (1, length))


def _as_strided(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    shape, strides, offset = draw.strided(t)
    return draw.step("method", "as_strided", v, shape, strides, *((offset,) if draw.chance(70) else ()))


def _as_dtype(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    return draw.step("method", "view", v, Expression(draw.pick(SAME_BITS[name_of(t.dtype)])))


def _like_another(draw: Drawer, v: Variable, t: torch.Tensor) -> Step | None:
    name = draw.pick(("view_as", "expand_as", "reshape_as"))
    other = draw.variable(
        (lambda u: u.ndim >= t.ndim and u.numel() <= MOST_ELEMENTS)
        if name == "expand_as"
        else (lambda u: u.numel() == t.numel() or draw.chance(3))
    )
    return None if other is None else draw.step("method", name, v, other)


def _property(draw: Drawer, v: Variable, t: torch.Tensor) -> Step | None:
    name = draw.pick(("T", "mT", "real", "imag", "H", "mH"))
    if name == "T" and t.ndim not in (0, 2) and draw.chance(95):
        name = "mT"
    if name in ("H", "mH") and t.is_complex():
        return None
    return draw.step("attribute", name, v)


def _complex(draw: Drawer, v: Variable, t: torch.Tensor) -> Step:
    if t.is_complex() != draw.chance(5):
        return draw.step("function", "view_as_real", v)
    pair = draw.variable(lambda u: u.is_floating_point() and u.ndim and u.shape[-1] == 2 and u.stride(-1) == 1)
    return draw.step("function", "view_as_complex", v if pair is None or draw.chance(10) else pair)


#: Each draws a step that views the tensor, or None.
VIEWS: tuple[Any, ...] = (
    _select,
    _narrow,
    lambda d, v, t: d.step("getitem", "", v, d.index(t)),
    lambda d, v, t: d.step("getitem", "", v, d.index(t)),
    lambda d, v, t: d.step("getitem", "", v, d.index(t)),
    lambda d, v, t: d.step("method", "view", v, _shape_of_as_many(d, t)),
    lambda d, v, t: d.step("method", "view", v, _shape_of_as_many(d, t)),
    lambda d, v, t: d.step("method", "reshape", v, _shape_of_as_many(d, t)),
    lambda d, v, t: d.step("method", "permute", v, _permutation(d, t)),
    lambda d, v, t: d.step("method", d.pick(("t", "ravel", "contiguous")), v),
    lambda d, v, t: d.step("method", "detach", v),
    lambda d, v, t: d.step("attribute", "data", v),
    lambda d, v, t: d.step("method", "squeeze", v, *((d.dim(t),) if d.chance(60) else ())),
    lambda d, v, t: d.step("method", "unsqueeze", v, d.dim(t, 1)) if t.ndim < 4 else None,
    _moved,
    _swapped,
    _expanded,
    _diagonal,
    _unfolded,
    _split,
    _flattened,
    _unflattened,
    _as_strided,
    _as_strided,
    _as_dtype,
    _like_another,
    _property,
    _property,
    _complex,
)
