"""Backends as somebody writes them who has read the documents only, in everyday programs: the results are NumPy's.

Each stands on a namespace by a few lines, with arrays that are written in place and with arrays that are not.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.backend.registry import known_backends
from pullback.extend import ArrayAPIBackend, register_backend, unregister_backend
from pullback.func import grad, hessian, jvp, vmap
from pullback_conformance.runner import Runner, Selection


class StrictBackend(ArrayAPIBackend):
    """array-api-strict, as the documents make it."""

    def __init__(self, name: str, *, mutable: bool) -> None:
        super().__init__(name, array_api_strict, mutable=mutable)


class PlainBackend(ArrayAPIBackend):
    """NumPy's own namespace, whose kernels give scalars where they should give arrays."""

    def __init__(self, name: str, *, mutable: bool) -> None:
        super().__init__(name, np, mutable=mutable)


def _torch_backend(name: str, *, mutable: bool) -> ArrayAPIBackend:
    torch = pytest.importorskip("torch", reason="needs the `oracle` extra")

    def axes_of(x: Any, axis: Any) -> tuple[int, ...]:
        return tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)

    def reduction(function: Callable[..., Any], unchanged: Callable[[Any], Any] = torch.clone) -> Callable[..., Any]:
        def reduce(x: Any, *, axis: Any = None, keepdims: bool = False, **dtype: Any) -> Any:
            axes = axes_of(x, axis)
            return function(x, axes, keepdim=keepdims, **dtype) if axes else unchanged(x)

        return reduce

    def product(x: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        for one in sorted(axes_of(x, axis), reverse=True):
            x = torch.prod(x, one, keepdim=keepdims, dtype=dtype)
        return x

    class Namespace:
        """torch, with what it calls otherwise than the standard does."""

        equal, bitwise_invert, permute_dims = map(staticmethod, (torch.eq, torch.bitwise_not, torch.permute))
        sum, mean, max, min = map(staticmethod, map(reduction, (torch.sum, torch.mean, torch.amax, torch.amin)))
        all = staticmethod(reduction(torch.all, lambda x: x.to(torch.bool)))
        any = staticmethod(reduction(torch.any, lambda x: x.to(torch.bool)))
        prod = staticmethod(product)

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, name)

        def astype(self, x: Any, dtype: Any, *, copy: bool = True) -> Any:
            return x.to(dtype=dtype, copy=copy)

        def concat(self, arrays: Any, *, axis: Any = 0) -> Any:
            return torch.concat([a.reshape(-1) for a in arrays] if axis is None else list(arrays), axis or 0)

        def stack(self, arrays: Any, *, axis: int = 0) -> Any:
            return torch.stack(list(arrays), axis)

        def expand_dims(self, x: Any, *, axis: int = 0) -> Any:
            return torch.unsqueeze(x, axis)

        def flip(self, x: Any, *, axis: Any = None) -> Any:
            return torch.flip(x, axes_of(x, axis))

        def roll(self, x: Any, shift: Any, *, axis: Any = None) -> Any:
            return torch.roll(x, shift, axis)

        def argmax(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
            return torch.argmax(x, axis, keepdim=keepdims)

        def argmin(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
            return torch.argmin(x, axis, keepdim=keepdims)

        def take(self, x: Any, indices: Any, *, axis: int = 0) -> Any:
            return torch.index_select(x, axis, indices)

        def take_along_axis(self, x: Any, indices: Any, *, axis: int = -1) -> Any:
            return torch.take_along_dim(x, indices, axis)

        def sort(self, x: Any, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
            return torch.sort(x, dim=axis, descending=descending, stable=stable).values

        def argsort(self, x: Any, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
            return torch.argsort(x, dim=axis, descending=descending, stable=stable)

        def nonzero(self, x: Any) -> Any:
            return torch.nonzero(x, as_tuple=True)

        def eye(self, n: int, m: int | None = None, *, k: int = 0, dtype: Any = None, device: Any = None) -> Any:
            return torch.triu(torch.tril(torch.ones(n, n if m is None else m, dtype=dtype, device=device), k), k)

        def tril(self, x: Any, *, k: int = 0) -> Any:
            return torch.tril(x, k)

        def triu(self, x: Any, *, k: int = 0) -> Any:
            return torch.triu(x, k)

        def cumulative_sum(self, x: Any, *, axis: int = 0, dtype: Any = None) -> Any:
            return torch.cumsum(x, axis, dtype=dtype)

        def broadcast_arrays(self, *arrays: Any) -> Any:
            return torch.broadcast_tensors(*arrays)

    return ArrayAPIBackend(name, Namespace(), mutable=mutable)


# -- the programs -----------------------------------------------------------------------------------------------------


def creation() -> Any:
    return [
        pb.zeros(2, 3), pb.ones(2), pb.full((2,), 3.0), pb.arange(5), pb.arange(0.0, 1.0, 0.25), pb.linspace(0, 1, 5),
        pb.eye(3), pb.tensor([[1, 2], [3, 4]]), pb.tensor(True), pb.tensor([1 + 2j]), pb.zeros_like(pb.ones(2)),
        pb.full_like(pb.ones(2), 7), pb.tensor(np.ones((2, 2))), pb.as_tensor([1, 2]),
    ]  # fmt: skip


def printing() -> Any:
    tensors = [
        pb.tensor([1.0, 2.5, -3]), pb.arange(2000.0), pb.tensor([[1, 2], [3, 4]]), pb.ones(2, requires_grad=True) * 2,
        pb.tensor([True]), pb.tensor([1 + 2j]), pb.tensor(float("nan")), pb.zeros(0),
    ]  # fmt: skip
    return [repr(x) for x in tensors] + [f"{pb.tensor(1.5):.3f}"]


def arithmetic() -> Any:
    x, y = pb.tensor([1.0, 2.0, 3.0]), pb.tensor([4, 5, 6])
    return [x + y, x * 2, 2 / x, y // 2, y % 4, x**2, -x, abs(-x), x > 2, y == 5, y & 1, y << 1, ~y, x.exp().sum()]


def views() -> Any:
    x = pb.arange(12.0).reshape(3, 4)
    return [
        x.T, x[1], x[:, 1], x[1:, ::2], x[..., -1], x.unsqueeze(0), x.flatten(), x.transpose(0, 1).contiguous(),
        x.expand(2, 3, 4), x.diagonal(), x.view(4, 3), x.permute(1, 0).stride(), *x.chunk(2), x.unfold(1, 2, 1),
        x.flip(0), x.split(1)[0], x.unbind(0)[1], x.narrow(0, 1, 1), x.as_strided((2, 2), (1, 2)), x.movedim(0, 1),
        x.data_ptr() == x.view(-1).data_ptr(), x[0]._base is not None, pb.view_as_real(pb.tensor([1 + 2j])),
        x.view(pb.int32),
    ]  # fmt: skip


def writing_in_place() -> Any:
    x = pb.arange(6.0).reshape(2, 3)
    row = x[0]
    row.add_(10)
    x[1, 1] = 100
    x[:, 2] *= 2
    x.T[0].zero_()
    flat = x.view(-1)
    flat[1:3] = pb.tensor([7.0, 8.0])
    x[x > 50] = -1
    square = pb.zeros(3, 3)
    square.diagonal().fill_(1.0)
    square[0, 2].add_(4)
    other = pb.ones(3)
    other += 1
    other.copy_(pb.tensor([1, 2, 3]))
    other.clamp_(2).sqrt_()
    pb.add(other, other, out=other)
    return [x, row, flat, square, other, x._version, row._version]


def indexing() -> Any:
    x, i = pb.arange(12.0).reshape(3, 4), pb.tensor([2, 0])
    written = x.clone()
    written[i] = 0.0
    written[i, pb.tensor([1, 1])] = 5
    columns = pb.tensor([[0, 1], [2, 3], [1, 1]])
    return [
        x[i], x[i, i], x[x > 5], x[:, [0, 2]], x[None], written, x.clone().index_add_(0, i, pb.ones(2, 4)),
        pb.zeros(3, 4).scatter_(1, columns, 1.0), pb.zeros(3, 4).scatter_add_(1, columns, pb.ones(3, 2)),
        x.gather(1, columns), pb.where(x > 5, x, 0), x.take(pb.tensor([0, 5])), x.index_select(1, i),
        x.masked_fill(x > 5, -1), x.nonzero(), pb.cat([x, x]), pb.stack([x, x]), x.topk(2).values,
        x.sort(descending=True).indices,
    ]  # fmt: skip


def gradients() -> Any:
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    w = pb.tensor([[0.5], [-0.5]], requires_grad=True)
    (((x @ w).tanh().sum() + x[0].prod()) * x.mean()).backward()
    y = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    z = y * 2
    z[1] = 0
    (z * z).sum().backward()
    q = pb.tensor([1.0, 2.0], requires_grad=True)
    (first,) = pb.autograd.grad((q**3).sum(), q, create_graph=True)
    return [x.grad, w.grad, y.grad, *pb.autograd.grad(first.sum(), q)]


def transforms() -> Any:
    def f(x: Any) -> Any:
        return (x.sin() * x).sum()

    x = pb.tensor([1.0, 2.0])
    return [jvp(f, (x,), (pb.ones(2),)), hessian(f)(x), vmap(lambda a: a * 2 + a.sum())(pb.ones(3, 2)), grad(f)(x)]


def random_numbers() -> Any:
    pb.manual_seed(0)
    return [
        pb.rand(3), pb.randn(3), pb.randint(0, 10, (4,)), pb.randperm(5), pb.bernoulli(pb.full((4,), 0.5)),
        pb.empty(3).uniform_(), pb.empty(3).normal_(), pb.multinomial(pb.tensor([0.5, 0.5]), 1),
    ]  # fmt: skip


def training() -> Any:
    pb.manual_seed(0)
    model = pb.nn.Sequential(pb.nn.Linear(3, 4), pb.nn.ReLU(), pb.nn.Linear(4, 2))
    x, labels = pb.randn(5, 3), pb.tensor([0, 1, 0, 1, 1])
    losses = []
    for optimizer in (
        pb.optim.Adam(model.parameters(), lr=0.1),
        pb.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    ):
        for _ in range(3):
            optimizer.zero_grad()
            loss = pb.nn.functional.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return losses


def reductions() -> Any:
    x = pb.arange(1.0, 7.0).reshape(2, 3)
    return [
        x.sum(0), x.mean(1), x.var(), x.std(0), x.max(1), x.amax(0), x.argmax(), x.cumsum(0), x.cumprod(1), x.norm(),
        x.logsumexp(1), x.median(), x.all(), x.prod(), x.softmax(1), x.sum(dim=(0, 1)), x @ x.T,
        pb.einsum("ij,kj->ik", x, x), pb.bmm(x[None], x.T[None]),
    ]  # fmt: skip


def special_functions() -> Any:
    x = pb.tensor([0.5, 1.5])
    return [
        x.erf(), x.lgamma(), x.digamma(), x.sigmoid(), pb.nn.functional.gelu(x), x.log1p(), x.atan2(x), x.round(),
        x.frac(), x.fmod(1), x.hypot(x), x.copysign(-x), x.signbit(), pb.logaddexp(x, x), x.nextafter(x + 1),
        pb.gcd(pb.tensor([4]), pb.tensor([6])),
    ]  # fmt: skip


def dtypes() -> Any:
    x = pb.ones(2)
    return [
        x.double(), x.int(), x.bool(), x + pb.ones(2, dtype=pb.float64), x.to(pb.int64), pb.tensor([1.5]).long(),
        pb.tensor([1, 2], dtype=pb.uint8).sum(), pb.tensor([3 + 4j]).abs(),
    ]  # fmt: skip


def copies_and_pickles() -> Any:
    x = pb.arange(6.0).reshape(2, 3)
    return [copy.deepcopy(x), pickle.loads(pickle.dumps([x, x.T])), x.detach().clone()]


def other_libraries() -> Any:
    x = pb.arange(3.0)
    here = x.backend
    return [
        x.numpy(), np.asarray(x), pb.from_numpy(np.ones(2)).to(here), pb.from_dlpack(np.ones(2)),
        x.to("numpy").to(here),
        np.add(x, x), np.from_dlpack(x), x.to("cpu"), str(x.device), x.tolist(), x[1].item(),
    ]  # fmt: skip


PROGRAMS = (
    creation, printing, arithmetic, views, writing_in_place, indexing, gradients, transforms, random_numbers, training,
    reductions, special_functions, dtypes, copies_and_pickles, other_libraries,
)  # fmt: skip

BACKENDS = {
    "strict": StrictBackend,
    "plain": PlainBackend,
    "torch": _torch_backend,
}


def plain(value: Any) -> Any:
    """Results as lists, numbers and strings."""
    if isinstance(value, pb.Tensor):
        return [str(value.dtype), *value.shape, value.tolist()]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def assert_near(got: Any, wanted: Any) -> None:
    if isinstance(wanted, list):
        assert len(got) == len(wanted), (got, wanted)
        for one, other in zip(got, wanted, strict=True):
            assert_near(one, other)
    elif isinstance(wanted, (float, complex)):
        assert got == pytest.approx(wanted, rel=1e-5, abs=1e-6, nan_ok=True)
    else:
        assert got == wanted


@pytest.fixture(params=["in-place", "immutable"])
def backend(request: pytest.FixtureRequest, library: str) -> Any:
    made = BACKENDS[library](f"their_{library}", mutable=request.param == "in-place")
    register_backend(made)
    yield made
    unregister_backend(made.name)
    assert made.name not in known_backends()


@pytest.mark.parametrize("library", ["strict", "plain", pytest.param("torch", marks=pytest.mark.oracle)])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_results_are_numpys(backend, program):
    wanted = plain(program())
    with pb.use_backend(backend):
        results = program()
        got = plain(results)
    assert_near(got, wanted)
    assert {x.backend.name for x in results if isinstance(x, pb.Tensor)} <= {backend.name}


@pytest.mark.parametrize("library", ["strict", "plain", pytest.param("torch", marks=pytest.mark.oracle)])
def test_arrays_that_run_backwards_are_taken(backend):
    backwards = np.arange(6.0).reshape(2, 3)[:, ::-1]
    array = backend.from_data(backwards, pb.float64, None)
    assert backend.to_numpy(array).tolist() == backwards.tolist()


@pytest.mark.parametrize("library", ["strict", "plain", pytest.param("torch", marks=pytest.mark.oracle)])
def test_files(backend, tmp_path):
    with pb.use_backend(backend):
        x = pb.arange(6.0).reshape(2, 3)
        pb.save({"x": x, "transposed": x.T}, tmp_path / "file")
        loaded = pb.load(tmp_path / "file")
        assert loaded["x"].backend is backend
        loaded["x"][0, 1] = 7
        assert loaded["transposed"].tolist() == [[0, 3], [7, 4], [2, 5]]
    assert pb.load(tmp_path / "file", backend="numpy")["x"].tolist() == x.tolist()


@pytest.mark.parametrize("library", ["strict", "plain", pytest.param("torch", marks=pytest.mark.oracle)])
def test_the_conformance_suite(backend):
    chosen = (
        "exp",
        "div",
        "pow",
        "sum",
        "matmul",
        "diagonal",
        "select",
        "where",
        "gather",
        "softmax",
        "cumsum",
        "sort",
        "index",
        "index_put",
        "bernoulli_from",
        "hardtanh_backward",
    )
    record = Runner(backend, "numpy", Selection(operations=chosen, dtypes=("float32", "int64"))).run()
    assert record.is_good, [cell.name for cell in record.cells if cell.outcome.is_bad]
    assert {cell.operation for cell in record.cells} == set(chosen)
