"""Index expressions of every kind, drawn at random: reading and writing them, held against PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb

pytestmark = pytest.mark.oracle

torch = pytest.importorskip("torch", reason="the oracle extra installs it")


# -- expressions ------------------------------------------------------------------------------------------------------


def _nested(shape: Sequence[int], values: Iterator[Any]) -> Any:
    return next(values) if not shape else [_nested(shape[1:], values) for _ in range(shape[0])]


@st.composite
def _bound(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(["", "", "", *map(str, range(-6, 7)), str(10**30)]))


@st.composite
def _integers(draw: st.DrawFn, size: int, shapes: Sequence[tuple[int, ...]]) -> Any:
    """Nested lists of positions, most of them within a dimension of that size."""
    shape = draw(st.sampled_from(shapes))
    inside = st.integers(-size, size - 1) if size else st.integers(-2, 2)
    one = inside if draw(st.integers(0, 15)) else st.integers(-6, 6)
    return _nested(shape, iter(draw(st.lists(one, min_size=4, max_size=4))))


KINDS = [
    "int",
    "slice",
    "slice",
    "slice",
    "ellipsis",
    "none",
    "truth",
    "mask",
    "mask",
    "element",
    "tensor",
    "tensor",
    "list",
    "array",
    "range",
    "number",
    "other",
]


@st.composite
def _part(draw: st.DrawFn, rest: Sequence[int], ellipsis_given: bool) -> tuple[str, int]:
    """One part of a key, and how many of the dimensions left it stands for."""
    size = rest[0] if rest else 0
    kind = draw(st.sampled_from(KINDS))
    if kind == "int":
        return str(draw(_integers(size, [()]))), 1
    if kind == "slice":
        step = draw(st.sampled_from(["", "", ":1", ":2", ":3", ":", ":0", ":-1"]))
        return f"part({draw(_bound()) + ':' + draw(_bound()) + step!r})", 1
    if kind == "ellipsis" and not ellipsis_given:
        return "...", 0
    if kind == "truth":
        return draw(st.sampled_from(["True", "False", "T(True)", "T(False)"])), 0
    if kind == "mask" and rest:
        # An array of several dimensions beside an Ellipsis is counted as one by PyTorch, which then goes astray.
        forms = ["T({})", "T({}, 'uint8')"] + ([] if ellipsis_given else ["np.array({}, dtype=bool)", "{}"])
        form = draw(st.sampled_from(forms))
        ndim = 1 if form[0] != "T" or len(rest) < 2 else draw(st.sampled_from([1, 1, 2]))
        shape = list(rest[:ndim])
        if 0 in shape and form == "{}":
            return "[]", 1
        if not draw(st.integers(0, 15)):
            shape[-1] += 1
        data = _nested(shape, iter(draw(st.lists(st.booleans(), min_size=20, max_size=20))))
        return (form.format(data) if data else f"T([], {'uint8' if 'uint8' in form else 'bool'!r})"), ndim
    if kind == "element":
        return f"T({draw(_integers(size, [()]))}, {draw(st.sampled_from(['int64', 'int32', 'int8']))!r})", 1
    if kind == "tensor":
        shapes = [(1,), (2,), (2,), (3,), (2, 1), (1, 2), (2, 2), (0,)]
        dtype = draw(st.sampled_from(["int64", "int64", "int64", "int32", "int16", "float32"]))
        return f"T({draw(_integers(size, shapes))}, {dtype!r})", 1
    if kind in ("list", "array"):
        data = draw(_integers(size, [(1,), (2,), (2, 1), (0,)]))
        dtype = draw(st.sampled_from(["int64", "int16"]))
        return (str(data) if kind == "list" else f"np.array({data}, dtype={dtype!r})"), 1
    if kind == "range":
        return f"range({draw(st.integers(0, size))})", 1
    if kind == "number":
        return draw(st.sampled_from(["np.int64(0)", "np.bool_(True)", "np.float64(1)"])), 1
    if kind == "other" and not draw(st.integers(0, 3)):
        return draw(st.sampled_from(["1.5", "'a'", "{1}", "object()", "[0.5]", "[None]", "[[0], [1, 2]]", "10**30"])), 1
    return "None", 0


@st.composite
def keys(draw: st.DrawFn, shape: Sequence[int]) -> str:
    """The source of a key for a tensor of that shape; now and then one that fits no tensor."""
    parts: list[str] = []
    dim = 0
    most = draw(st.integers(1, len(shape) + 2))
    while len(parts) < most and (dim < len(shape) or not draw(st.integers(0, 5))):
        text, used = draw(_part(shape[dim:], "..." in parts))
        if text == "...":
            dim += draw(st.integers(0, len(shape) - dim)) if dim < len(shape) else 0
        dim += used
        parts.append(text)
    if len(parts) == 1 and draw(st.booleans()):
        return parts[0]
    left, right = "[]" if not draw(st.integers(0, 31)) else "()"
    return f"{left}{''.join(f'{text}, ' for text in parts)}{right}"


SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 3, 4]), max_size=4).map(tuple)


@st.composite
def reads(draw: st.DrawFn, shapes: st.SearchStrategy[tuple[int, ...]] = SHAPES) -> tuple[tuple[int, ...], str]:
    shape = draw(shapes)
    return shape, draw(keys(shape))


@st.composite
def writes(
    draw: st.DrawFn, shapes: st.SearchStrategy[tuple[int, ...]] = SHAPES
) -> tuple[tuple[int, ...], str, str, str]:
    shape, key = draw(reads(shapes))
    target = draw(
        st.sampled_from(["x * 1", "x * 1", "x.detach().clone()", "x", "(x * 1).double()", "(x * 1)[None][0]"])
    )
    numbers = ["2.5", "3", "True", "1j", "np.float64(1.5)", "np.float32(2)", "np.ones(2)", "[1.0]", "None", "'a'"]
    kind = draw(st.sampled_from(["number", "element", "values", "values", "values"]))
    if kind == "number":
        return shape, key, target, draw(st.sampled_from(numbers))
    if kind == "element":
        return shape, key, target, draw(st.sampled_from(["leaf()", "lib.tensor(2)", "leaf().double()"]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sizes = list(torch.zeros(shape)[eval(key, _names(torch, shape))].shape)
    except Exception:
        sizes = [2]
    if sizes and draw(st.booleans()):
        sizes[draw(st.integers(0, len(sizes) - 1))] = draw(st.sampled_from([1, 1, 1, 5]))
    sizes = [1] * draw(st.sampled_from([0, 0, 1, 2])) + sizes[draw(st.sampled_from([0, 0, 0, 1])) :]
    form = draw(st.sampled_from(["leaf({})", "leaf({})", "lib.ones({}, dtype=lib.int64)"]))
    return shape, key, target, form.format(", ".join(map(str, sizes)) or ("()" if "ones" in form else ""))


# -- outcomes ---------------------------------------------------------------------------------------------------------


def _names(lib: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    def values(*sizes: int, start: float = 10.0) -> Any:
        numbers = np.arange(int(np.prod(sizes)), dtype=np.float32) * 0.5 + start
        return lib.tensor(numbers.tolist()).reshape(sizes).clone()

    def leaf(*sizes: int) -> Any:
        leaves.append(values(*sizes).requires_grad_())
        return leaves[-1]

    def tensor(data: Any, dtype: str | None = None) -> Any:
        return lib.tensor(data, dtype=None if dtype is None else getattr(lib, dtype))

    def part(text: str) -> slice:
        return slice(*(int(number) if number else None for number in text.split(":")))

    x = values(*shape, start=1.0).requires_grad_()
    leaves = [x]
    return {"lib": lib, "np": np, "x": x, "T": tensor, "part": part, "leaf": leaf, "leaves": leaves}


def _gradients(lib: Any, out: Any, leaves: list[Any]) -> list[Any]:
    """The first and the second derivatives of a sum of weighted squares."""
    if not out.requires_grad:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns of uint8 in its formulas once more
        return _differentiated(lib, out, leaves)


def _differentiated(lib: Any, out: Any, leaves: list[Any]) -> list[Any]:
    weights = lib.arange(float(out.numel())).reshape(tuple(out.shape)) + 1
    grads = lib.autograd.grad((out * out * weights).sum(), leaves, create_graph=True, allow_unused=True)
    found = [None if g is None else g.tolist() for g in grads]
    squares = [(g * g).sum() for g in grads if g is not None and g.requires_grad]
    if squares:
        seconds = lib.autograd.grad(sum(squares[1:], squares[0]), leaves, allow_unused=True)
        found += [None if g is None else g.tolist() for g in seconds]
    return found


def _description(t: Any) -> tuple[Any, ...]:
    node = t.grad_fn.name() if t.grad_fn is not None else None
    if t._is_view() and t._version:
        node = None  # of a view whose base was written, the node is made anew
    return str(t.dtype), tuple(t.shape), node, t._is_view(), t._version


def _strides(t: Any) -> tuple[int, ...]:
    """The strides along which there is anything to step to."""
    return tuple(s for s, n in zip(t.stride(), t.shape, strict=True) if n > 1) if t.numel() else ()


def _read(lib: Any, shape: tuple[int, ...], key: str) -> Any:
    names = _names(lib, shape)
    x = names["x"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            y = x[eval(key, names)]
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0]
    warned = {w.category for w in caught}
    return (*_description(y), y._base is x, _strides(y), warned), [y.tolist(), *_gradients(lib, y, [x])]


def _write(lib: Any, shape: tuple[int, ...], key: str, target: str, value: str) -> Any:
    names = _names(lib, shape)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        t = eval(target, names)
        given = eval(value, names)
        before = t.tolist()
        version = t._version
        try:
            t[eval(key, names)] = given
        except Exception as error:
            if lib is pb:  # PyTorch may have written some elements by then
                assert t.tolist() == before
            assert t._version == version
            return type(error).__name__, str(error).split("\n")[0]
    base = t if t._base is None else t._base
    warned = {w.category for w in caught}
    numbers = [t.tolist(), base.tolist(), *_gradients(lib, base, names["leaves"])]
    return (*_description(t), *_description(base), warned), numbers


def _close(found: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(_close, found, expected))
    if isinstance(expected, float):
        return bool(found == pytest.approx(expected, rel=1e-4))
    return bool(found == expected)


def _assert_agrees(found: Any, expected: Any) -> None:
    assert found[0] == expected[0]
    if isinstance(expected[0], str):
        assert found[1] == expected[1]
    else:
        assert _close(found[1], expected[1]), (found[1], expected[1])


@given(reads())
@settings(max_examples=400, derandomize=True, deadline=None, database=None)
def test_reading(read: tuple[tuple[int, ...], str]) -> None:
    _assert_agrees(_read(pb, *read), _read(torch, *read))


@given(writes())
@settings(max_examples=400, derandomize=True, deadline=None, database=None)
def test_writing(write: tuple[tuple[int, ...], str, str, str]) -> None:
    _assert_agrees(_write(pb, *write), _write(torch, *write))


@given(reads(st.just((2, 3))))
@settings(max_examples=40, derandomize=True, deadline=None, database=None)
def test_reading_immutable_arrays(read: tuple[tuple[int, ...], str]) -> None:
    with pb.use_backend("jax"):
        found = _read(pb, *read)
    _assert_agrees(found, _read(torch, *read))


@given(writes(st.just((2, 3))))
@settings(max_examples=40, derandomize=True, deadline=None, database=None)
def test_writing_immutable_arrays(write: tuple[tuple[int, ...], str, str, str]) -> None:
    with pb.use_backend("jax"):
        found = _write(pb, *write)
    _assert_agrees(found, _write(torch, *write))
