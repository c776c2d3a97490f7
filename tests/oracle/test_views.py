"""Views and in-place writes behave as PyTorch's: values, gradients, versions, errors."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pullback as pb
import pullback.ops.reduction.sorting
import pullback.ops.shape.rearranging

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle

SCENARIOS: list[Callable[[Any], Any]] = []


def scenario(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    SCENARIOS.append(function)
    return function


def leaf(lib: Any) -> Any:
    return lib.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], requires_grad=True)


@scenario
def write_row(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0] = 1
    (y * y).sum().backward()
    return y, x.grad, y._version


@scenario
def multiply_row(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0].mul_(2)
    (y * y).sum().backward()
    return y, x.grad, y._version


@scenario
def add_to_slice(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    part = y[1:]
    part += 1
    (y * y).sum().backward()
    return y, part, x.grad, part._version


@scenario
def view_of_view(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    row = y[0]
    tail = row[1:]
    tail.mul_(3)
    y.sum().backward()
    return y, row, tail, x.grad, row._version, y._version


@scenario
def write_shows_in_the_other_views(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    column = y[:, 1]
    flat = y.view(-1)
    y[0] = 7
    flat[::2] = 0
    y.mul_(x)
    (column * 2).sum().backward()
    return y, column, flat, x.grad


@scenario
def several_writes(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[:, 0].mul_(x[:, 1])
    y.t()[1].add_(1)
    (y * y).sum().backward()
    return y, x.grad


@scenario
def write_a_part_of_itself(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0] = y[1]
    (y * y).sum().backward()
    return y, x.grad


@scenario
def multiply_by_a_part_of_itself(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0].mul_(y[1])
    y.sum().backward()


@scenario
def square_in_place(lib: Any) -> Any:
    x = leaf(lib)
    row = (x * 1)[0]
    row *= row
    row.sum().backward()


@scenario
def copy_into_a_view_of_a_plain_tensor(lib: Any) -> Any:
    base = lib.zeros(2, 3)
    row = base[0]
    w = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    row.copy_(w)
    (base * base).sum().backward()
    return base, row, w.grad, row.requires_grad, base.requires_grad


@scenario
def multiply_a_view_of_a_plain_tensor(lib: Any) -> Any:
    base = lib.ones(2, 3)
    w = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    base[1].mul_(w)
    base[1].mul_(w)
    base.sum().backward()
    return base, w.grad


@scenario
def cast_on_writing(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    w = lib.tensor([1.0, 2.0, 3.0], dtype=lib.float64, requires_grad=True)
    y[0].mul_(w)
    y[1] = w
    (y * y).sum().backward()
    return y, x.grad, w.grad


@scenario
def exponential_of_a_row(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0].exp_()
    (y * 2).sum().backward()
    return y, x.grad


@scenario
def saved_result_overwritten(lib: Any) -> Any:
    x = leaf(lib)
    z = (x * 1).exp()
    z[0] = 1
    z.sum().backward()


@scenario
def result_of_an_in_place_write_overwritten(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y.exp_()
    y[0] = 3
    y.sum().backward()


@scenario
def result_of_a_write_through_a_view_overwritten(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    row = y[0]
    row.exp_()
    y[0] = 3
    y.sum().backward()


@scenario
def saved_base_written_through_a_view(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    row = y[0]
    z = y**2
    row.mul_(2)
    z.sum().backward()


@scenario
def saved_tensor_written_through_detach(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    z = y**2
    y.detach()[0] = 5
    z.sum().backward()


@scenario
def saved_tensor_written_through_data(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    z = y**2
    y.data[0] = 5
    z.sum().backward()
    return x.grad, y, y._version


@scenario
def leaf_written_through_detach(lib: Any) -> Any:
    x = leaf(lib)
    x.detach()[0] = 5
    return x, x._version, x.is_leaf


@scenario
def leaf_written_without_grad(lib: Any) -> Any:
    x = leaf(lib)
    with lib.no_grad():
        x[0].mul_(2)
        x[1] = 9
    (x * x).sum().backward()
    return x, x._version, x.grad


@scenario
def write_to_a_view_of_a_detached_tensor(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    d = y.detach()
    w = lib.tensor([1.0, 2.0, 3.0], requires_grad=True)
    d[0].mul_(w)
    (d * d).sum().backward()
    return d, y, w.grad, y._version


@scenario
def leaf_written(lib: Any) -> Any:
    lib.ones(2, requires_grad=True).add_(1)


@scenario
def view_of_a_leaf_written(lib: Any) -> Any:
    lib.ones(2, requires_grad=True)[0] = 1


@scenario
def elements_of_a_leaf_written(lib: Any) -> Any:
    lib.ones(2, requires_grad=True)[lib.tensor([0])] = 1


@scenario
def one_of_several_outputs_written(lib: Any) -> Any:
    (leaf(lib) * 1).unbind(0)[1].mul_(2)


@scenario
def view_of_one_of_several_outputs_written(lib: Any) -> Any:
    (leaf(lib) * 1).split(1)[0][0].mul_(2)


@scenario
def base_of_several_outputs_written(lib: Any) -> Any:
    y = leaf(lib) * 1
    parts = y.unbind(0)
    y.mul_(2)
    return parts[1].sum()


@scenario
def one_of_several_outputs_written_outside_a_graph(lib: Any) -> Any:
    x = lib.tensor([[1.0, 2.0], [3.0, 4.0]])
    first, second = x.split(1)
    first.mul_(2)
    second[0, 1] = 9
    return x, first, second


@scenario
def chunks_replayed_behind_a_write(lib: Any) -> Any:
    x = lib.arange(6.0)
    parts = x.chunk(3)
    tail = parts[2][1:]
    x.add_(1)
    return parts[0], parts[1], parts[2], tail


@scenario
def view_made_without_grad_written(lib: Any) -> Any:
    y = leaf(lib) * 1
    with lib.no_grad():
        row = y[0]
    row.mul_(2)


@scenario
def base_of_a_view_made_without_grad_written(lib: Any) -> Any:
    y = leaf(lib) * 1
    with lib.no_grad():
        row = y[0]
    y.mul_(2)
    return row * 2


@scenario
def expanded_tensor_written(lib: Any) -> Any:
    lib.ones(3).expand(2, 3).add_(1)


@scenario
def row_of_an_expanded_tensor_written(lib: Any) -> Any:
    x = lib.ones(3)
    y = x.expand(2, 3)
    if lib is torch:
        y[0] = 5
    else:
        x.fill_(5)
    return x, y


@scenario
def expanded_by_nothing(lib: Any) -> Any:
    x = lib.ones(3)
    x.expand(1, 3)[0, 1] = 4
    return x


@scenario
def write_that_would_grow(lib: Any) -> Any:
    lib.ones(3).add_(lib.ones(2, 3))


@scenario
def write_that_would_narrow(lib: Any) -> Any:
    lib.tensor([1, 2]).add_(1.5)


@scenario
def twice_backward(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0] = 0
    y[0] = 1
    (y * y).sum().backward(retain_graph=True)
    (y * y).sum().backward()
    return x.grad


@scenario
def second_order(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    row = y[0]
    row.mul_(x[1])
    (first,) = lib.autograd.grad((y**3).sum(), x, create_graph=True)
    (second,) = lib.autograd.grad((first * first).sum(), x)
    return first, second


@scenario
def second_order_through_a_saved_result(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[0].exp_()
    (first,) = lib.autograd.grad((y**2).sum(), x, create_graph=True)
    (second,) = lib.autograd.grad(first.sum(), x)
    return first, second


@scenario
def advanced_write(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    w = lib.tensor([5.0, 6.0], requires_grad=True)
    y[[0, 1], [2, 0]] = w
    y[1][[1, 2]] = w * 2
    y[y > 5.5] = 1
    (y * y).sum().backward()
    return y, x.grad, w.grad


@scenario
def mask_of_a_row(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y[1].masked_fill_(y[1] > 3.5, 0)
    (y * y).sum().backward()
    return y, x.grad


@scenario
def diagonal_written(lib: Any) -> Any:
    x = leaf(lib)
    y = x * 1
    y.diagonal(1).mul_(3)
    y.t().diagonal().zero_()
    (y * y).sum().backward()
    return y, x.grad


@scenario
def views_in_a_row(lib: Any) -> Any:
    x = lib.arange(24.0).requires_grad_()
    y = x * 1
    part = y.view(2, 3, 4).transpose(1, 2).unsqueeze(1)[0].squeeze(0).permute(1, 0)[1:, ::2].narrow(1, 1, 1)
    part.mul_(10)
    part += 1
    (y * y).sum().backward()
    return y, part, x.grad, part._version


@scenario
def data_of_a_view_in_a_loop(lib: Any) -> Any:
    h = lib.zeros(4, 2)
    w = lib.tensor([1.0, 2.0], requires_grad=True)
    for step in range(1, 4):
        h[step] = h[step - 1] * 2 + w
    h.sum().backward()
    return h, w.grad


@scenario
def detach_of_a_view_in_place(lib: Any) -> Any:
    (leaf(lib) * 1)[0].detach_()


@scenario
def versions(lib: Any) -> Any:
    x = lib.zeros(3)
    y = x[1:]
    counts = [x._version]
    y.add_(1)
    counts.append(x._version)
    x[0] = 1
    counts.append(y._version)
    x.detach().add_(1)
    counts.append(x._version)
    x.zero_()
    counts.append(y._version)
    return counts


@scenario
def bases(lib: Any) -> Any:
    x = lib.zeros(3)
    y = x[1:]
    return y._base is x, y[0]._base is x, x._base is None, x.detach()._base is None, y._is_view()


@scenario
def indices_of_a_sort_overwritten(lib: Any) -> Any:
    x = leaf(lib)
    values, indices = x.sort(descending=True)
    indices.zero_()
    values.sum().backward()


@scenario
def values_of_a_sort_overwritten(lib: Any) -> Any:
    x = leaf(lib)
    values, _ = x.sort(descending=True)
    values.mul_(x)
    values.sum().backward()
    return x.grad


@scenario
def index_tensor_overwritten(lib: Any) -> Any:
    x = leaf(lib)
    i = lib.tensor([1, 0])
    y = x[i]
    i.zero_()
    y.sum().backward()


def plain(value: Any) -> Any:
    """Tensors as lists, whatever library they are of."""
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def outcome(function: Callable[[Any], Any], lib: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(function(lib))
        except Exception as error:
            # A view's regenerated history is a stride operation in PyTorch and the view's own operation here.
            return type(error), re.sub(r", which is output \d of [\w:]+,", "", str(error).split("\n")[0])


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("function", SCENARIOS, ids=lambda f: f.__name__)
def test_as_pytorch(function: Callable[[Any], Any], backend: str) -> None:
    expected = outcome(function, torch)
    with pb.use_backend(backend):
        found = outcome(function, pb)
    if isinstance(expected, tuple):
        assert found == expected
    else:
        compare(found, expected)


def compare(found: Any, expected: Any) -> None:
    if isinstance(expected, list):
        assert isinstance(found, list), found
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            compare(f, e)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)
    else:
        assert found == expected
