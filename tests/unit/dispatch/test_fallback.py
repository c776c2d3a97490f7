"""Operations run on another backend where their own lacks a kernel, because the program asked for that."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator

import pytest

import pullback as pb
from pullback.extend import Kernel, get_backend, register_backend, unregister_backend
from pullback_numpy.backend import NumPyBackend

#: Kernels that elementwise operations, reductions, sorting, several results, indices and derivatives need.
LACKING = frozenset({"exp", "erf", "expm1", "sum", "sort", "argsort", "take_along_axis", "cos", "cumulative_prod"})


class Partial(NumPyBackend):
    """NumPy's without some kernels."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "partial"

    def kernel_for(self, name: str, dtype: object) -> Kernel | None:
        return None if name in LACKING else super().kernel_for(name, dtype)  # type: ignore[arg-type]

    def __getattribute__(self, name: str) -> object:
        if name in LACKING:
            raise pb.MissingKernelError(name, name, None, "partial")
        return super().__getattribute__(name)


@pytest.fixture
def partial() -> Iterator[None]:
    register_backend(Partial())
    yield
    unregister_backend("partial")


def tensor(data: object, **options: object) -> pb.Tensor:
    return pb.tensor(data, backend="partial", **options)


pytestmark = [pytest.mark.usefixtures("partial"), pytest.mark.filterwarnings("ignore::pullback.FallbackWarning")]


def test_a_missing_kernel_is_an_error_where_nobody_asked_for_a_fallback() -> None:
    with pytest.raises(pb.MissingKernelError, match="backend 'partial' has no kernel 'exp'"):
        tensor([1.0]).exp()


def test_the_result_comes_back_to_the_tensors_backend_and_counts() -> None:
    with pb.fallback("numpy") as report:
        y = tensor([0.0, 1.0]).exp()
        z = y * 2
    assert y.backend.name == z.backend.name == "partial"
    assert y.tolist() == pytest.approx([1.0, math.e])
    (call,) = report.calls
    assert (call.operation, call.kernel, call.dtype, call.source) == ("exp", "exp", "float32", "partial")
    assert report.count == 1
    assert "y = tensor([0.0, 1.0]).exp()" in call.line.text
    assert str(report).startswith("1 call fell back to 'numpy':\n  1 x exp (partial has no 'exp' for float32) at ")


def test_it_ends_with_the_block() -> None:
    x = tensor([1.0])
    with pb.fallback("numpy"):
        x.exp()
    with pytest.raises(pb.MissingKernelError):
        x.exp()


def test_gradients_of_both_orders_flow_through() -> None:
    x = tensor([0.5, -1.5], requires_grad=True)
    with pb.fallback("numpy"):
        (first,) = pb.autograd.grad(x.exp().mul(x).sum(), x, create_graph=True)
        (second,) = pb.autograd.grad(first.sum(), x)
    assert first.backend.name == second.backend.name == "partial"
    assert first.tolist() == pytest.approx([math.exp(v) * (1 + v) for v in (0.5, -1.5)])
    assert second.tolist() == pytest.approx([math.exp(v) * (2 + v) for v in (0.5, -1.5)])


def test_a_kernel_that_only_the_derivative_needs_falls_back_in_the_backward_pass() -> None:
    x = tensor([0.5], requires_grad=True)
    y = x.sin()
    with pytest.raises(pb.MissingKernelError, match="cos"):
        y.backward(pb.ones(1, backend="partial"), retain_graph=True)
    with pb.fallback("numpy") as report:
        y.backward(pb.ones(1, backend="partial"))
    assert x.grad.tolist() == pytest.approx([math.cos(0.5)])
    assert [call.operation for call in report.calls] == ["cos"]


def test_several_results_keep_their_named_tuple() -> None:
    with pb.fallback("numpy"):
        result = tensor([3.0, 1.0, 2.0]).sort()
    assert type(result).__name__ == "sort"
    assert result.values.tolist() == [1.0, 2.0, 3.0]
    assert result.indices.tolist() == [1, 2, 0]
    assert result.indices.backend.name == "partial"


def test_tangents_and_vmap_go_through() -> None:
    with pb.fallback("numpy"):
        _value, tangent = pb.func.jvp(pb.exp, (tensor([1.0]),), (tensor([2.0]),))
        rows = pb.func.vmap(pb.exp)(tensor([[0.0], [1.0]]))
    assert tangent.tolist() == pytest.approx([2 * math.e])
    assert rows.tolist() == [[pytest.approx(1.0)], [pytest.approx(math.e)]]


def test_each_line_is_told_once() -> None:
    x = tensor([1.0])
    with warnings.catch_warnings(record=True) as seen, pb.fallback("numpy") as report:
        warnings.simplefilter("always")
        for _ in range(3):
            x.exp()
    assert report.count == 3
    (warning,) = seen
    assert warning.category is pb.FallbackWarning
    assert warning.filename == __file__
    assert "exp: backend 'partial' has no kernel 'exp' for float32; ran on 'numpy'" in str(warning.message)


def test_an_error_of_a_kernel_that_exists_is_no_reason_to_fall_back() -> None:
    with pb.fallback("numpy") as report, pytest.raises(RuntimeError, match="must match the size"):
        tensor([1.0, 2.0]) + tensor([1.0, 2.0, 3.0])
    assert not report.count


def test_a_target_that_lacks_the_kernel_too_gives_the_missing_kernels_error() -> None:
    with pb.fallback("partial"), pytest.raises(pb.MissingKernelError, match="'partial'"):
        tensor([1.0]).exp()


def test_it_decorates_a_function() -> None:
    @pb.fallback("numpy")
    def compute() -> pb.Tensor:
        return tensor([1.0]).exp()

    assert compute().backend.name == "partial"


def test_an_unknown_backend_is_told_before_the_block() -> None:
    with pytest.raises(pb.UnknownBackendError, match="numpyy"):
        pb.fallback("numpyy")


def test_what_is_written_in_place_holds_the_fallen_backs_result() -> None:
    x = tensor([0.0, 1.0])
    view = x[1:]
    with pb.fallback("numpy"):
        x.exp_()
    assert x.tolist() == pytest.approx([1.0, math.e])
    assert view.tolist() == pytest.approx([math.e])


def test_a_guard_of_transfers_refuses_the_moves() -> None:
    x = tensor([1.0])
    with pb.fallback("numpy"), pb.transfer_guard("disallow"), pytest.raises(pb.TransferError, match="to 'numpy'"):
        x.exp()


def test_the_target_is_left_alone() -> None:
    with pb.fallback("numpy") as report, pb.use_backend("numpy"):
        assert get_backend("numpy") is pb.current_backend()
        pb.ones(2).exp()
    assert not report.count
