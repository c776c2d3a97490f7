"""What a program leaves behind: with the garbage collector off, every tensor and node dies with its last reference."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pullback as pb

SCENARIOS: list[Callable[[], Any]] = []


def scenario(function: Callable[[], Any]) -> Callable[[], Any]:
    SCENARIOS.append(function)
    return function


@pytest.fixture(autouse=True)
def no_collector(rest_of_the_heap_is_frozen: None) -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf() -> pb.Tensor:
    return pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)


@scenario
def forward_and_backward() -> None:
    a = leaf()
    ((a * 2).exp() @ a).sum().backward()


@scenario
def forward_only() -> None:
    a = leaf()
    ((a * 2).exp() @ a).sum()


@scenario
def passes_through_a_retained_graph() -> None:
    a = leaf()
    y = (a * a).exp().sum()
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)


@scenario
def gradients_of_intermediate_tensors() -> None:
    a = leaf()
    y = a * a
    y.retain_grad()
    z = y.exp().sum()
    pb.autograd.grad(z, [y, a], retain_graph=True)
    z.backward(inputs=[y])


@scenario
def hooks_of_every_kind() -> None:
    a = leaf()
    y = a * a
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.grad_fn.register_hook(lambda i, o: i)
    y.grad_fn.register_prehook(lambda g: g)
    a.register_hook(lambda g: g * 2)
    a.register_post_accumulate_grad_hook(lambda t: None)
    pb.autograd.graph.register_multi_grad_hook((a, y), lambda gs: None)
    y.sum().backward()


@scenario
def passes_within_hooks() -> None:
    a = leaf()
    y = a * a

    def hook(grad: pb.Tensor) -> None:
        with pb.enable_grad():
            (leaf() * 2).sum().backward()

    y.register_hook(hook)
    y.sum().backward()


@scenario
def second_and_third_order() -> None:
    a = leaf()
    (first,) = pb.autograd.grad((a**4).exp().sum(), a, create_graph=True)
    (second,) = pb.autograd.grad(first.sum(), a, create_graph=True)
    pb.autograd.grad(second.sum(), a)


@scenario
def second_order_of_saved_results() -> None:
    a = leaf()
    y = a.exp() * a.tanh() * a.softmax(0) * a.sqrt()
    (first,) = pb.autograd.grad(y.sum(), a, create_graph=True)
    pb.autograd.grad(first.sum(), a)


@scenario
def recorded_backward_whose_gradient_is_reset() -> None:
    a = leaf()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (a * a).sum().backward(create_graph=True)
    a.grad = None


class Square(pb.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class Exp(pb.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        out, other = x.exp(), x * 2
        ctx.save_for_backward(out, other)
        return out, other

    @staticmethod
    def backward(ctx: Any, grad: Any, grad_other: Any) -> Any:
        out, other = ctx.saved_tensors
        return grad * out + grad_other * 2 + other * 0


class Part(pb.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x[:1]

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return pb.cat([grad, grad])


class Failing(pb.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        raise ValueError("from backward")


@scenario
def functions() -> None:
    a = leaf()
    Square.apply(Square.apply(a)).sum().backward()


@scenario
def functions_forward_only() -> None:
    Square.apply(leaf() * 2)


@scenario
def functions_that_save_their_results() -> None:
    a = leaf()
    x, y = Exp.apply(a)
    (x * y).sum().backward()
    x, y = Exp.apply(a)
    (first,) = pb.autograd.grad((x * y).sum(), a, create_graph=True)
    first.sum().backward()


@scenario
def functions_that_return_views() -> None:
    Part.apply(leaf() * 2).sum().backward()


@scenario
def functions_under_the_hooks_of_saved_tensors() -> None:
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        x, y = Exp.apply(Square.apply(leaf()))
    (x * y).sum().backward()


@scenario
def views_and_writes() -> None:
    a = leaf()
    base = a * 2
    row, column = base[0], base[:, 1]
    row.mul_(3)
    column.add_(1)
    base.exp_()
    (base.sum() + row.sum() + column.sum()).backward()


@scenario
def writes_to_what_is_saved() -> None:
    y = leaf() * 2
    z = y.exp()
    z.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


@scenario
def several_results() -> None:
    a = leaf()
    parts = a.split(1)
    values, _ = a.sort()
    (parts[0].sum() * values.sum()).backward()


@scenario
def errors_in_hooks() -> None:
    y = leaf() * 2

    def hook(grad: pb.Tensor) -> None:
        raise ValueError("from a hook")

    y.register_hook(hook)
    with pytest.raises(ValueError, match="from a hook"):
        y.exp().sum().backward()


@scenario
def errors_in_functions() -> None:
    with pytest.raises(ValueError, match="from backward"):
        Failing.apply(leaf() * 2).exp().sum().backward()


@scenario
def errors_in_operations() -> None:
    with pytest.raises(RuntimeError):
        leaf() @ pb.ones(3, 3)
    with pytest.raises(TypeError):
        leaf() + "text"


@scenario
def a_second_pass_through_a_freed_graph() -> None:
    y = (leaf() ** 2).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


@scenario
def checkpoints() -> None:
    from pullback.utils.checkpoint import checkpoint

    a = leaf()
    for reentrant in (False, True):
        checkpoint(lambda x: (x * 2).exp().tanh(), a, use_reentrant=reentrant).sum().backward()


@scenario
def checkpoints_forward_only() -> None:
    from pullback.utils.checkpoint import checkpoint

    a = leaf()
    for reentrant in (False, True):
        checkpoint(lambda x: (x * 2).exp().tanh(), a, use_reentrant=reentrant)


@scenario
def packed_tensors() -> None:
    a = leaf()
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = (a * a).exp()
    y.sum().backward()
    with pb.autograd.graph.save_on_cpu():
        y = (a * a).exp()


@scenario
def packed_tensors_of_a_graph_that_never_runs() -> None:
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        (leaf() * 2).exp().tanh()


@scenario
def saved_tensors_looked_at() -> None:
    y = leaf().exp()
    assert y.grad_fn._saved_result is not None
    y.grad_fn._raw_saved_result.register_hooks(lambda t: t, lambda t: t)
    y.sum().backward()


@scenario
def forward_mode() -> None:
    forward_ad = pb.autograd.forward_ad
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(leaf(), pb.ones(2, 2))
        forward_ad.unpack_dual((dual * 2).exp())


@scenario
def inference() -> None:
    with pb.inference_mode():
        a = pb.ones(2, 2)
        b = a * 2
        b[0].add_(1)


@scenario
def anomaly_detection() -> None:
    with pb.autograd.set_detect_anomaly(True):
        (leaf() * 2).exp().sum().backward()


@scenario
def edges() -> None:
    a = leaf()
    y = a * a
    edge = pb.autograd.graph.get_gradient_edge(y)
    pb.autograd.grad(edge, a, pb.ones(2, 2))
    assert y.grad_fn.next_functions[0][0].variable is a


@scenario
def callbacks() -> None:
    queue = pb.autograd.Variable._execution_engine.queue_callback
    y = leaf() * 2
    y.register_hook(lambda g: queue(lambda: None))
    y.sum().backward()


#: Where immutable arrays take other paths.
ON_JAX = (forward_and_backward, views_and_writes, functions_that_return_views, checkpoints, inference)


@pytest.mark.parametrize(
    ("function", "backend"),
    [*((function, "numpy") for function in SCENARIOS), *((function, "jax") for function in ON_JAX)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_nothing_is_left(function: Callable[[], Any], backend: str, growth: Callable[..., Counter[str]]) -> None:
    with pb.use_backend(backend):
        assert growth(function) == Counter()


def test_a_graph_dies_with_its_result() -> None:
    a = leaf()
    y = a * 2
    z = y.exp()
    nodes = [weakref.ref(y.grad_fn), weakref.ref(z.grad_fn)]
    del y
    assert all(node() is not None for node in nodes)
    del z
    assert all(node() is None for node in nodes)


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(
    "taken", [lambda y: y.detach(), lambda y: y.data, lambda y: y[0].detach(), lambda y: y[0].data]
)
def test_a_detached_tensor_does_not_keep_the_graph(taken: Callable[[pb.Tensor], pb.Tensor], backend: str) -> None:
    with pb.use_backend(backend):
        a = leaf()
        y = a * 2
        node = weakref.ref(y.grad_fn)
        kept = taken(y)
        kept.add_(1)
        row = y.tolist()[0]
        assert row == [3.0, 5.0]
        del y
        assert node() is None
        kept.add_(1)
        assert (kept[0] if kept.ndim == 2 else kept).tolist() == [4.0, 6.0]


def test_what_nodes_saved_is_freed_as_the_pass_goes_on() -> None:
    a = leaf()
    saved = a * 1
    held = weakref.ref(saved)
    y = saved * saved
    seen: list[bool] = []
    a.register_hook(lambda g: seen.append(held() is None))
    del saved
    y.sum().backward()
    assert seen == [True]
    assert y.grad_fn is not None


def test_a_gradient_is_freed_once_it_has_gone_on() -> None:
    a = leaf()
    x = a * 2
    y = x * 3
    held: list[Any] = []
    alive: list[bool] = []
    y.register_hook(lambda g: held.append(weakref.ref(g)))
    a.register_hook(lambda g: alive.append(held[0]() is not None))
    y.sum().backward()
    assert alive == [False]


DEEP = """
import gc, sys
import pullback as pb
from pullback.tensor.node import Node
from pullback.utils.checkpoint import checkpoint

gc.disable()

class Same(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad


class Kept(Same):
    @staticmethod
    def forward(ctx, x):
        y = x.clone()
        ctx.save_for_backward(y)
        return y


def plain(x):
    return x * one


def saved_results(x):
    return x.neg()


def several_results(x):
    return x.split(1)[0]


def views(x):
    return x.view_as(x)


def function(x):
    return Same.apply(x)


def written(x):
    return x.add_(one)


def written_through_views(x):
    x[:1].add_(one)
    return x


def detached(x):
    return x.detach()


def recorded(x):
    return x * x


def function_of_its_result(x):
    return Kept.apply(x)


def hooked(x):
    y = x * one
    y.register_hook(lambda g: g)
    y.grad_fn.register_hook(lambda i, o: None)
    y.retain_grad()
    return y


def knowing_each_other(x):
    y = x * one
    y.grad_fn.metadata["before"] = x, pb.autograd.graph.get_gradient_edge(x)
    return y


def packed(x):
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        return x.tanh() * x


def checkpointed(x):
    return checkpoint(lambda t: t.tanh() * t, x, use_reentrant=False)


def checkpointed_with_reentry(x):
    return checkpoint(lambda t: t.tanh() * t, x, use_reentrant=True)


def results_written_through_views(x):
    x[:1].tanh_()
    return x


def branching(x):
    y = x * one
    return y + y * x


step = globals()[sys.argv[1]]
count = int(sys.argv[2])
one = pb.ones(1)
leaf = pb.ones(1, requires_grad=True)
x = leaf * 1
for _ in range(count):
    x = step(x)
how = sys.argv[3]
if how == "after a pass":
    x.sum().backward(retain_graph=True)
elif how == "after a pass that failed":
    x.register_hook(lambda g: 1 / 0)
    try:
        x.sum().backward()
    except ZeroDivisionError:
        pass
elif how == "of gradients":
    (x,) = pb.autograd.grad(x.sum(), leaf, create_graph=True)
elif how == "by its node":
    x = x.grad_fn
print("made")
del x
print("freed", sum(issubclass(type(o), Node) for o in gc.get_objects()))
"""


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_long_chain_of_views_is_the_view_it_would_be_in_one_step(backend: str) -> None:
    with pb.use_backend(backend):
        a = pb.arange(12.0).requires_grad_()
        base = a * 1
        view = base.view(3, 4)
        for _ in range(40):
            view = view.t()[:, :]
        corner = view[1:, 1:]
        assert len(corner.alias.steps) < 40
        assert corner.tolist() == [[5.0, 6.0, 7.0], [9.0, 10.0, 11.0]]
        corner.mul_(10)
        assert base.tolist() == [0, 1, 2, 3, 4, 50, 60, 70, 8, 90, 100, 110]
        assert view.tolist() == base.view(3, 4).tolist()
        (base * base).sum().backward(retain_graph=True)
        expected = [2.0 * v for v in (0, 1, 2, 3, 4)] + [1000.0, 1200.0, 1400.0, 16.0, 1800.0, 2000.0, 2200.0]
        assert a.grad.tolist() == expected
        a.grad = None
        view.sum().backward()
        assert a.grad.tolist() == [1, 1, 1, 1, 1, 10, 10, 10, 1, 10, 10, 10]


@pytest.mark.parametrize(
    ("step", "count", "how"),
    [
        ("plain", 30_000, "alone"),
        ("several_results", 5_000, "alone"),
        ("views", 5_000, "alone"),
        ("function", 5_000, "alone"),
        ("function_of_its_result", 5_000, "after a pass"),
        ("written", 5_000, "alone"),
        ("written_through_views", 5_000, "alone"),
        ("results_written_through_views", 5_000, "alone"),
        ("detached", 5_000, "alone"),
        ("hooked", 5_000, "after a pass"),
        ("knowing_each_other", 5_000, "alone"),
        ("packed", 5_000, "alone"),
        ("checkpointed", 2_000, "alone"),
        ("checkpointed_with_reentry", 2_000, "alone"),
        ("branching", 5_000, "after a pass that failed"),
        ("recorded", 5_000, "of gradients"),
        ("saved_results", 5_000, "by its node"),
    ],
)
def test_deep_graphs_are_freed_without_recursion(step: str, count: int, how: str) -> None:
    process = subprocess.run(
        [sys.executable, "-c", DEEP, step, str(count), how], capture_output=True, text=True, timeout=120, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == ["made", "freed", "0"]
