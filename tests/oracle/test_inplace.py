"""Every in-place method: what it writes, refuses and counts, and the gradients through it, are PyTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.backend.selection import get_backend
from pullback.ops import import_all
from pullback.tensor.registry import registry
from pullback_conformance.samples import samples_of

torch = pytest.importorskip("torch", reason="the oracle extra installs it")
pytestmark = pytest.mark.oracle

import_all()

#: What PyTorch has and pullback does not: special functions, sparse tensors, shared memory.
MISSING = {
    "i0_", "igamma_", "igammac_", "renorm_", "resize_as_sparse_", "set_", "share_memory_", "sparse_resize_",
    "sparse_resize_and_clear_",
}  # fmt: skip
METHODS = sorted(n for n in dir(torch.Tensor) if n.endswith("_") and not n.startswith("_") and n not in MISSING)
RECORDS = {name: record for record in registry.values() for name in (record.name, *record.aliases)}

X, Y = pb.tensor([[0.5, -1.5, 2.0], [1.25, 0.75, -0.25]]), pb.tensor([[1.0, 0.25, -1.0], [2.0, -0.5, 0.5]])
#: Calls of the methods whose operation has other parameters, or samples that say nothing here.
CALLS: dict[str, list[tuple[Any, ...]]] = {
    "addbmm_": [(Y[:, :2], pb.ones(3, 2, 3), pb.ones(3, 3, 2))],
    "addmm_": [(Y[:, :2], X, Y.mT), (X[:1, :2], X, Y.mT)],
    "addmv_": [(X[:, 0], Y, X[0]), (X[:1, 0], Y, X[0])],
    "addr_": [(X, X[:, 0], Y[0])],
    "apply_": [(X, lambda v: 2 * v)],
    "copy_": [(X, Y), (X, Y[0]), (X, pb.tensor(3)), (pb.tensor([1, 2]), pb.tensor([1.5, -2.5])), (X[0], X)],
    "cumprod_": [(X, 1), (pb.tensor([2, 3], dtype=pb.int32), 0)],
    "cumsum_": [(X, 0), (pb.tensor([2, 3], dtype=pb.int32), 0), (pb.tensor([True]), 0), (X, 2)],
    "div_": [(X, Y), (X, 2), (pb.tensor([7, -7]), 2), (X, pb.ones(2, 2, 3))],
    "divide_": [(X, Y)],
    "fill_": [(X, 3), (X, pb.tensor(2.5)), (pb.tensor([1, 2]), 1.5), (X, pb.ones(2))],
    "fill_diagonal_": [(pb.ones(3, 3), 7.0), (pb.ones(5, 2), 7.0, True)],
    "float_power_": [(X, 2), (X.double(), 2), (X.double(), Y.double())],
    "map2_": [(X, Y, X, lambda a, b, c: a * b + c)],
    "map_": [(X, Y, lambda a, b: a * b), (X, pb.tensor([1, 2, 3]), lambda a, b: a), (X, Y[:, :2], lambda a, b: a)],
    "heaviside_": [(X, Y), (pb.tensor([0, 2, -1]), pb.tensor([7, 7, 7])), (X, pb.tensor(1.0))],
    "masked_fill_": [
        (X, Y > 0, 7.0),
        (X, Y[0] > 0, pb.tensor(2.0)),
        (pb.tensor([1, 2]), pb.tensor([True, False]), 1.5),
    ],
    "masked_scatter_": [(X, Y > 0, Y)],
    "mvlgamma_": [(Y + 2, 2), (Y.double() + 2, 1)],
    "polygamma_": [(Y + 1.25, 1), (Y.double() + 1.25, 0)],
    "zero_": [(X,), (pb.tensor([True]),)],
}
#: Other dtypes: of bools PyTorch's other kernels are at fault, or have other names.
DTYPES: dict[str, Any] = dict.fromkeys(("baddbmm_", "clamp_max_", "clamp_min_", "pow_"), (pb.float32, pb.int64))
DTYPES["ldexp_"] = (pb.float32,)  # of integers PyTorch names the function where the dtype belongs
#: PyTorch has no derivative for some, and of truth values takes the old history for the new one.
OTHER_GRADIENTS = {
    "acosh_", "addbmm_", "arccosh_", "arcsinh_", "arctanh_", "asinh_", "atanh_", "logical_and_",
    "logical_not_", "logical_or_", "logical_xor_",
}  # fmt: skip
#: Methods of other tests: random numbers below, indexing in test_indexing, shapes in test_striding.
ELSEWHERE = {
    "as_strided_", "bernoulli_", "cauchy_", "detach_", "exponential_", "geometric_", "index_add_", "index_copy_",
    "index_fill_", "index_put_", "index_reduce_", "log_normal_", "normal_", "put_", "random_", "requires_grad_",
    "resize_", "resize_as_", "scatter_", "scatter_add_", "scatter_reduce_", "squeeze_", "swapaxes_", "swapdims_",
    "t_", "transpose_", "uniform_", "unsqueeze_",
}  # fmt: skip
WRITTEN = [name for name in METHODS if name not in ELSEWHERE]
OPERATORS = {
    "__iadd__": 2.5, "__isub__": 2.5, "__imul__": 2.5, "__itruediv__": 2.5, "__ifloordiv__": 2.5, "__imod__": 2.5,
    "__ipow__": 2, "__iand__": 3, "__ior__": 3, "__ixor__": 3, "__ilshift__": 1, "__irshift__": 1, "__idiv__": 2.5,
}  # fmt: skip


def converted(lib: Any, value: Any) -> Any:
    if isinstance(value, pb.Tensor):
        array = np.array(value.detach().to("numpy").numpy())
        return pb.tensor(array) if lib is pb else torch.from_numpy(array)
    if isinstance(value, list | tuple):
        return type(value)(converted(lib, v) for v in value)
    return getattr(lib, value.name) if isinstance(value, pb.dtype) else value


def calls(name: str, dtypes: tuple[Any, ...] = (pb.float32, pb.int64, pb.bool), most: int = 6) -> Iterator[Any]:
    """Positional and keyword arguments for a method."""
    if name in CALLS:
        yield from ((args, {}) for args in CALLS[name])
        return
    record = RECORDS[name.removesuffix("_")]
    for dtype in DTYPES.get(name, dtypes):
        for sample in samples_of(record, get_backend("numpy"), dtype, most=most):
            if sample.args and isinstance(sample.args[0], pb.Tensor) and isinstance(sample.args[0].shape, tuple):
                yield sample.args, sample.kwargs


def described(error: Exception) -> tuple[str, str]:
    text = str(error).split("\n")[0]
    return type(error).__name__, text.split(" (Triggered")[0]


def outcome(lib: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a method does to its tensor: the error, or elements, dtype, shape, version and identity."""
    target, *others = (converted(lib, a) for a in args)
    before, version = target.tolist(), target._version
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = getattr(target, name)(*others, **{k: converted(lib, v) for k, v in kwargs.items()})
        except Exception as error:
            if lib is pb:
                assert str(target.tolist()) == str(before)
                assert target._version == version
            return described(error)
    return target.tolist(), str(target.dtype), tuple(target.shape), target._version, result is target


def same(found: Any, expected: Any) -> bool:
    if expected[0] == "TypeError" and "must be Tensor" in expected[1]:  # PyTorch counts arguments without self
        return bool(found[0] == "TypeError")
    if len(expected) == 2 or len(found) == 2:
        return bool(found == expected)
    return found[1:] == expected[1:] and np.allclose(
        np.array(found[0]), np.array(expected[0]), rtol=1e-4, atol=1e-5, equal_nan=True
    )


@pytest.mark.parametrize("name", METHODS)
def test_there_is_such_a_method(name: str) -> None:
    assert callable(getattr(pb.Tensor, name))


def test_the_functions_of_that_name_are_the_methods() -> None:
    names = [n for n in dir(torch) if n.endswith("_") and hasattr(pb, n) and n in METHODS]
    assert len(names) > 50
    assert [n for n in names if getattr(pb, n) is not getattr(pb.Tensor, n)] == []


@pytest.mark.parametrize("name", WRITTEN)
def test_it_writes_and_counts(name: str) -> None:
    count = 0
    for args, kwargs in calls(name):
        found, expected = (outcome(lib, name, args, kwargs) for lib in (pb, torch))
        count += 1
        assert same(found, expected), (args, kwargs, found, expected)
    assert count


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool], ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_write_into_the_tensor(name: str, dtype: Any) -> None:
    outcomes = []
    for lib in (pb, torch):
        x = lib.tensor([1, 0, 3]).to(getattr(lib, str(dtype).removeprefix("torch.")))
        try:
            result = getattr(x, name)(OPERATORS[name])
        except Exception as error:
            outcomes.append(described(error))
        else:
            outcomes.append((x.tolist(), str(x.dtype), x._version, result is x))
    assert outcomes[0] == outcomes[1]


def gradients(lib: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Gradients of every floating operand through the method, and of the base of the view it writes to."""
    leaves = [converted(lib, a) for a in args]
    for leaf in leaves:
        if hasattr(leaf, "requires_grad_") and leaf.dtype.is_floating_point:
            leaf.requires_grad_()
    tensors = [t for t in leaves if hasattr(t, "requires_grad") and t.requires_grad]
    base = leaves[0] * 1
    view = base[: base.shape[0]] if base.ndim else base.view(())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            getattr(view, name)(*leaves[1:], **{k: converted(lib, v) for k, v in kwargs.items()})
            (base * base).sum().backward()
        except Exception as error:
            return described(error)
    return [None if t.grad is None else t.grad.tolist() for t in tensors], view.requires_grad, base._version


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in OTHER_GRADIENTS])
def test_gradients_flow_through_it_and_through_the_view(name: str) -> None:
    for args, kwargs in list(calls(name, (pb.float32,), 3)):
        if not args[0].is_floating_point():
            continue
        found, expected = (gradients(lib, name, args, kwargs) for lib in (pb, torch))
        if isinstance(expected[0], str):
            assert same(found, expected)
            continue
        assert found[1:] == expected[1:], (args, found, expected)
        for f, e in zip(found[0], expected[0], strict=True):
            if f is None or e is None:  # of a comparison PyTorch has zeros
                assert not np.any(np.array(f or e or 0.0))
            else:
                assert np.allclose(np.array(f), np.array(e), rtol=1e-4, atol=1e-4, equal_nan=True)


#: Those that say first what else is wrong with the call, or warn.
SAYS_MORE = {"addbmm_", "addmm_", "addmv_", "apply_", "cumsum_", "fill_", "heaviside_", "map2_", "map_", "masked_fill_"}


def both(action: Callable[[Any], Any]) -> tuple[Any, Any]:
    """What the action does in both libraries."""
    outcomes = []
    for lib in (pb, torch):
        try:
            result = action(lib)
        except Exception as error:
            outcomes.append(described(error))
        else:
            outcomes.append(result.tolist() if hasattr(result, "tolist") else result)
    return outcomes[0], outcomes[1]


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in SAYS_MORE])
def test_leaves_that_require_gradients_and_expanded_tensors_are_refused(name: str) -> None:
    for args, kwargs in list(calls(name, (pb.float32,), 1)):
        if not args[0].is_floating_point() or not args[0].ndim:
            continue

        def on_leaf(lib: Any, args: Any = args, kwargs: Any = kwargs) -> Any:
            target, *others = (converted(lib, a) for a in args)
            return getattr(target.requires_grad_(), name)(*others, **kwargs)

        def on_expanded(lib: Any, args: Any = args, kwargs: Any = kwargs) -> Any:
            target, *others = (converted(lib, a) for a in args)
            return getattr(target.reshape(-1)[:1].expand(*target.shape), name)(*others, **kwargs)

        for action in (on_leaf, on_expanded):
            found, expected = both(action)
            if len(expected) == 2 and isinstance(expected[0], str):
                assert found == expected


SITUATIONS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda lib: (x := lib.ones(3)).add_(x),
    "its square": lambda lib: (x := lib.arange(3.0)).mul_(x),
    "its first row": lambda lib: (x := lib.ones(2, 3)).mul_(x[0]),
    "its transpose": lambda lib: (x := lib.ones(2, 2)).add_(x.T),
    "its neighbours": lambda lib: (x := lib.ones(4))[1:].add_(x[:-1]),
    "a larger operand": lambda lib: lib.ones(3).add_(lib.ones(2, 3)),
    "an operand that does not fit": lambda lib: lib.ones(3).add_(lib.ones(4)),
    "a float into integers": lambda lib: lib.tensor([1, 2]).add_(0.5),
    "a float into bools": lambda lib: lib.tensor([True]).mul_(2.5),
    "an integer into bools": lambda lib: lib.tensor([True]).add_(2),
    "a complex number into floats": lambda lib: lib.ones(2).mul_(2j),
    "float64 into float32": lambda lib: lib.ones(2).mul_(lib.ones(2, dtype=lib.float64)),
    "roots of integers": lambda lib: lib.tensor([4]).sqrt_(),
    "a comparison's result": lambda lib: lib.tensor([1.0, 5.0]).gt_(2),
    "a logical one's": lambda lib: lib.tensor([1, 0]).logical_not_(),
    "alpha": lambda lib: lib.ones(2).add_(lib.ones(2), alpha=3),
    "alpha of the wrong kind": lambda lib: lib.tensor([1]).add_(1, alpha=0.5),
    "a copy of another shape": lambda lib: lib.ones(2).copy_(lib.ones(3)),
    "a copy that broadcasts": lambda lib: lib.zeros(2, 3).copy_(lib.arange(3)),
    "a non-blocking copy": lambda lib: lib.zeros(2).copy_(lib.ones(2), non_blocking=True),
    "addmm of another shape": lambda lib: lib.ones(2).addmm_(lib.ones(2, 2), lib.ones(2, 2)),
    "addmv of another shape": lambda lib: lib.ones(1).addmv_(lib.ones(3, 2), lib.ones(2)),
    "cumsum in another dtype": lambda lib: lib.ones(2).cumsum_(0, dtype=lib.float64),
    "a rounding mode": lambda lib: lib.tensor([7, -7]).div_(2, rounding_mode="floor"),
    "an unknown rounding mode": lambda lib: lib.tensor([7]).div_(2, rounding_mode="up"),
    "clamp without bounds": lambda lib: lib.ones(2).clamp_(),
    "no tensor as a mask": lambda lib: lib.ones(2).masked_fill_(1, 2),
    "cauchy of no width": lambda lib: lib.empty(2).cauchy_(0, 0),
    "cauchy of integers": lambda lib: lib.zeros(2, dtype=lib.int64).cauchy_(),
    "log-normal of no width": lambda lib: lib.empty(2).log_normal_(0, 0),
    "log-normal of integers": lambda lib: lib.zeros(2, dtype=lib.int64).log_normal_(),
    "geometric of certainty": lambda lib: lib.empty(2).geometric_(1.0),
    "geometric of bools": lambda lib: lib.zeros(2, dtype=lib.bool).geometric_(0.5),
    "normal of a negative width": lambda lib: lib.empty(2).normal_(0, -1),
    "uniform of an empty range": lambda lib: lib.empty(2).uniform_(1, 0),
    "an exponential of no rate": lambda lib: lib.empty(2).exponential_(0),
    "a probability above one": lambda lib: lib.empty(2).bernoulli_(1.5),
    "a random number of no range": lambda lib: lib.empty(2).random_(5, 5),
    "relu": lambda lib: lib.nn.functional.relu_(lib.tensor([-1.0, 2.0])),
    "relu, told to": lambda lib: lib.nn.functional.relu(lib.tensor([-1.0, 2.0]), inplace=True),
    "elu": lambda lib: lib.nn.functional.elu_(lib.tensor([-1.0, 2.0]), 0.5),
    "celu": lambda lib: lib.nn.functional.celu_(lib.tensor([-1.0, 2.0]), 0.5),
    "celu of zero": lambda lib: lib.nn.functional.celu(lib.ones(1), 0.0),
    "selu": lambda lib: lib.nn.functional.selu_(lib.tensor([-1.0, 2.0])),
    "leaky relu": lambda lib: lib.nn.functional.leaky_relu_(lib.tensor([-1.0, 2.0]), 0.5),
    "leaky relu, told to": lambda lib: lib.nn.functional.leaky_relu(lib.tensor([-1.0, 2.0]), 0.5, True),
    "threshold": lambda lib: lib.nn.functional.threshold_(lib.tensor([-1.0, 2.0]), 0.5, 7),
    "hardtanh": lambda lib: lib.nn.functional.hardtanh_(lib.tensor([-1.0, 2.0, -3.0])),
    "hardtanh of nothing": lambda lib: lib.nn.functional.hardtanh(lib.ones(1), 1.0, 0.0),
    "silu": lambda lib: lib.nn.functional.silu(lib.tensor([0.0, 0.0]), inplace=True),
    "a module's threshold": lambda lib: lib.threshold_(lib.tensor([-1.0, 2.0]), 0.5, 7),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situations(situation: str) -> None:
    found, expected = both(SITUATIONS[situation])
    if isinstance(expected, list):
        assert np.allclose(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("name", ["add_", "exp_", "clamp_", "copy_", "cumsum_", "addmm_", "fill_", "zero_", "gt_"])
def test_an_immutable_backend_does_the_same(name: str) -> None:
    args, kwargs = next(iter(calls(name, (pb.float32,))))
    with pb.use_backend("jax"):
        found = outcome(pb, name, args, kwargs)
    assert same(found, outcome(torch, name, args, kwargs))


@pytest.mark.parametrize("name", ["normal_", "uniform_", "exponential_", "cauchy_", "log_normal_", "geometric_"])
def test_random_numbers_record_that_nothing_flows_through(name: str) -> None:
    def node(lib: Any) -> tuple[str, Any]:
        leaf = lib.ones(3, requires_grad=True)
        x = leaf * 1
        getattr(x, name)(*((0.5,) if name == "geometric_" else ()))
        x.sum().backward()
        return x.grad_fn.name(), leaf.grad.tolist()

    assert node(pb) == node(torch)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_gradients_of_writes_into_the_parts_of_complex_numbers(same_program, backend):
    def program(lib):
        found = []
        for write in (
            lambda r: r[..., 1].neg_(),
            lambda r: r[0].mul_(3),
            lambda r: lib.view_as_complex(r[1:]).mul_(1j),
            lambda r: r.as_strided((2,), (2,), 1).mul_(5),
        ):
            leaf = lib.tensor([1 + 2j, 3 - 1j], dtype=lib.complex128, requires_grad=True)
            z = leaf * 1
            write(lib.view_as_real(z))
            z.imag.mul_(4)
            (z.abs() ** 2).sum().backward()
            found.append((z.tolist(), leaf.grad.tolist()))
        return found

    same_program(program, backend)
