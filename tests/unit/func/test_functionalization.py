"""``functionalize``: what a program computes stays the same, and no kernel writes into an array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.dispatch.interception import intercept_kernels
from pullback.func import functional_call, functionalize, grad, jvp, vmap
from pullback.tensor import Tensor

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "jax"])
REMOVE = pytest.mark.parametrize("remove", ["mutations", "mutations_and_views"])


@contextmanager
def arrays_frozen() -> Iterator[list[str]]:
    """Make each array that a kernel returns read-only; the names of the operations that ran."""
    names = []

    def freeze(operation: Any, operands: list[Any], attributes: dict[str, Any], proceed: Callable[[], Any]) -> Any:
        names.append(operation.name)
        made = proceed()
        for array in made if isinstance(made, list | tuple) else [made]:
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
        return made

    with intercept_kernels(freeze):
        yield names


def writes_what_it_made(x: Tensor) -> Tensor:
    y = x * 2
    y[0].add_(1)
    y.view(-1)[::2] = y.sum()
    return y.T.mul_(x.T)


def test_without_it_the_kernels_write() -> None:
    with arrays_frozen(), pytest.raises(RuntimeError, match="read-only"):
        writes_what_it_made(pb.ones(2, 3))


@REMOVE
def test_no_kernel_writes(remove: str) -> None:
    x = pb.arange(6.0).reshape(2, 3)
    with arrays_frozen() as names:
        found = functionalize(writes_what_it_made, remove=remove)(x)
    assert found.tolist() == writes_what_it_made(x).tolist()
    assert "index_put" in names
    assert found.backend.level == 0


VIEWS: list[Callable[[Tensor], Tensor]] = [
    lambda t: t.reshape(-1),
    lambda t: t[1:] if t.ndim and t.shape[0] > 1 else t[...],
    lambda t: t.mT if t.ndim > 1 else t[...],
    lambda t: t.unsqueeze(0),
    lambda t: t[::2] if t.ndim else t[...],
    lambda t: t.diagonal() if t.ndim > 1 else t[...],
    lambda t: t.detach(),
    lambda t: t.unbind(0)[0] if t.ndim else t[...],
    lambda t: t.as_strided((2,), (1,)) if t.numel() > 3 else t[...],
]
WRITES: list[Callable[[Tensor, Tensor], Any]] = [
    lambda t, source: t.add_(1.5),
    lambda t, source: t.sin_(),
    lambda t, source: t.copy_(source.reshape(-1)[0]),
    lambda t, source: t.fill_(source.sum()),
    lambda t, source: t.mul_(source.reshape(-1)[-1]),
    lambda t, source: t.masked_fill_(t < 0, 2.0),
    lambda t, source: t.__setitem__(t > 0.5, 0.1),
    lambda t, source: t.reshape(-1)[-1:].zero_(),
]


def program(seed: int, views: list[Callable[[Tensor], Tensor]] = VIEWS) -> Callable[..., list[Tensor]]:
    """Makes tensors and views from two tensors, and writes into any of them."""

    def run(x: Tensor, y: Tensor) -> list[Tensor]:
        random = Random(seed)
        made = [x, y]
        for _ in range(8):
            what = random.random()
            if what < 0.4:
                made.append(random.choice(views)(random.choice(made)))
            elif what < 0.5:
                made.append(random.choice([lambda t: t * 2, Tensor.clone, pb.zeros_like])(random.choice(made)))
            elif what < 0.55:
                made.append(pb.arange(4.0, dtype=pb.float64).reshape(2, 2))
            else:
                random.choice(WRITES)(random.choice(made), random.choice(made) * 1)
        return made[2:]

    return run


def operands() -> tuple[Tensor, Tensor]:
    x = pb.tensor([[0.5, -1.0, 2.0], [1.0, 3.0, -0.25]], dtype=pb.float64)
    return x, pb.tensor([1.0, 0.3], dtype=pb.float64)


def values(tensors: Any) -> list[Any]:
    return [t.tolist() for t in tensors]


@REMOVE
@pytest.mark.parametrize(("backend", "seeds"), [("numpy", range(150)), ("jax", range(2))])
def test_programs_compute_the_same_and_arguments_are_written(backend: str, seeds: range, remove: str) -> None:
    with pb.use_backend(backend):
        for seed in seeds:
            expected_arguments, arguments = operands(), operands()
            expected = program(seed)(*expected_arguments)
            with arrays_frozen():
                found = functionalize(program(seed), remove=remove)(*arguments)
            assert values(found) == values(expected), seed
            assert values(arguments) == values(expected_arguments), seed


def test_gradients_and_tangents_are_the_same_in_any_nesting() -> None:
    compared = 0
    for seed in range(60):
        # Not through detach(): whose writes a history does not see, and which here are all that there is.
        run = program(seed, [v for v in VIEWS if v is not VIEWS[6]])

        def total(x: Tensor, y: Tensor, run: Callable[..., list[Tensor]] = run) -> Tensor:
            return sum(((t * t).sum() for t in run(x * 1, y * 1)), x.new_zeros(()))

        x, y = operands()
        try:
            expected = grad(total, (0, 1))(x, y)
        except RuntimeError as error:  # what may not be written where a graph is recorded
            assert "inplace" in str(error) or "in-place" in str(error)  # noqa: PT017
            continue
        compared += 1
        for gradient in (
            grad(functionalize(total), (0, 1)),
            grad(functionalize(total, remove="mutations_and_views"), (0, 1)),
            functionalize(grad(total, (0, 1))),
            functionalize(functionalize(grad(functionalize(total), (0, 1)))),
        ):
            for own, other in zip(gradient(x, y), expected, strict=True):
                assert own.allclose(other), seed
        along = (expected[0] * x).sum() + (expected[1] * y).sum()
        assert jvp(functionalize(total), (x, y), (x, y))[1].allclose(along), seed
        assert functionalize(lambda x, y, t=total: jvp(t, (x, y), (x, y))[1])(x, y).allclose(along), seed
    assert compared > 40


@BACKENDS
def test_what_is_made_inside_can_be_written(backend: str) -> None:
    def make(x: Tensor) -> list[Tensor]:
        fresh = [
            pb.zeros(3), pb.ones(3, device="cpu"), pb.arange(3.0), pb.linspace(0, 1, 3), pb.tensor([1.0, 2.0, 3.0]),
            pb.full((3,), 2.0), pb.logspace(0, 1, 3), x.new_zeros(3), pb.zeros_like(x), pb.eye(3)[0], pb.rand(3) * 0,
        ]  # fmt: skip
        for tensor in fresh:
            tensor.add_(x)[0] = x.sum()
        return fresh

    with pb.use_backend(backend):
        x = pb.tensor([1.0, -1.0, 3.0])
        assert values(functionalize(make)(x)) == values(make(x))


def test_vmap_around_it_lets_what_is_the_same_for_all_be_written() -> None:
    def pair(x: Tensor) -> Tensor:
        both = pb.zeros(2)
        both[1:].copy_(x)
        return both

    x = pb.tensor([1.0, 2.0])
    with pytest.raises(RuntimeError, match="vmap: "):
        vmap(pair)(x)
    assert vmap(functionalize(pair))(x).tolist() == [[0.0, 1.0], [0.0, 2.0]]
    assert vmap(functionalize(lambda t: t.mul_(2)))(x).tolist() == [2.0, 4.0]
    assert x.tolist() == [2.0, 4.0]
    assert functionalize(vmap(lambda t: t.clone().mul_(2).add_(t)))(x).tolist() == [6.0, 12.0]


@BACKENDS
def test_arguments_are_written_once_when_it_returns(backend: str) -> None:
    with pb.use_backend(backend):
        x = pb.zeros(3)
        seen = []

        def write(t: Tensor) -> None:
            t.add_(1)
            t[:1].mul_(5)
            seen.append((x.tolist(), t.tolist()))

        functionalize(write)(x)
        assert seen == [([0.0, 0.0, 0.0], [5.0, 1.0, 1.0])]
        assert (x.tolist(), x._version) == ([5.0, 1.0, 1.0], 1)


def test_nothing_is_written_where_it_fails() -> None:
    x, leaf = pb.zeros(2), pb.zeros(2, requires_grad=True)

    def fail(t: Tensor) -> None:
        t.add_(1)
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        functionalize(fail)(x)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        functionalize(lambda a, b: (a.add_(1), b.add_(1)))(x, leaf)
    assert (x.tolist(), x._version, leaf.tolist()) == ([0.0, 0.0], 0, [0.0, 0.0])
    assert pb.zeros(1).backend.level == 0


def test_results_share_no_memory_with_arguments_that_are_written() -> None:
    x, y = pb.ones(2), pb.zeros(2)
    first, second = functionalize(lambda a, b: (a.copy_(b), b.add_(1)))(x, y)
    assert (first.tolist(), second.tolist(), x.tolist(), y.tolist()) == ([0.0, 0.0], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0])
    copied = functionalize(lambda b: pb.ones(2).copy_(b))(y)
    copied.add_(5)
    assert y.tolist() == [1.0, 1.0]


def test_arguments_not_written_come_back_as_they_are() -> None:
    x = pb.ones(3)
    assert functionalize(lambda t: t)(x) is x
    assert functionalize(lambda t: t[1:])(x)._base is x
    assert functionalize(lambda t: t[1:], remove="mutations_and_views")(x)._base is None


def test_an_argument_given_twice_is_one_tensor() -> None:
    x = pb.ones(2)
    functionalize(lambda a, b: (a.add_(1), b.mul_(2)))(x, x)
    assert x.tolist() == [4.0, 4.0]


def test_an_argument_may_be_seen_in_another_shape_afterwards() -> None:
    x = pb.arange(6.0).reshape(2, 3)
    functionalize(lambda t: t.t_().mul_(2))(x)
    assert x.tolist() == [[0.0, 6.0], [2.0, 8.0], [4.0, 10.0]]
    part = pb.arange(4.0)[1:]
    functionalize(lambda t: t.unsqueeze_(0).add_(1))(part)
    assert (part.tolist(), part._base.tolist()) == ([[2.0, 3.0, 4.0]], [0.0, 2.0, 3.0, 4.0])


def test_only_views_that_are_copies_have_arrays_of_their_own() -> None:
    shared: dict[str, bool] = {}
    for remove in ("mutations", "mutations_and_views"):
        kept: list[Tensor] = []

        def look(x: Tensor, kept: list[Tensor] = kept) -> None:
            kept += [x, x.view(-1), x.T, *x.unbind()]

        functionalize(look, remove=remove)(pb.ones(2, 2))
        first, *views = [pb.func.debug_unwrap(t).array for t in kept]
        shared[remove] = any(np.shares_memory(first, view) for view in views)
    assert shared == {"mutations": True, "mutations_and_views": False}


def test_a_training_step_writes_its_parameters() -> None:
    model = pb.nn.Sequential(pb.nn.Linear(3, 4), pb.nn.ReLU(inplace=True), pb.nn.Linear(4, 2))
    parameters = {name: p.detach().clone() for name, p in model.named_parameters()}
    expected = {name: p.clone() for name, p in parameters.items()}

    def loss(parameters: dict[str, Tensor]) -> Tensor:
        return (functional_call(model, parameters, (pb.ones(5, 3),)) ** 2).sum()

    def step(parameters: dict[str, Tensor]) -> None:
        for name, gradient in grad(loss)(parameters).items():
            parameters[name].sub_(gradient, alpha=0.1)

    step(expected)
    functionalize(step)(parameters)
    for name, parameter in parameters.items():
        assert parameter.allclose(expected[name])


@REMOVE
def test_parts_of_complex_numbers_can_be_written(remove: str) -> None:
    def write(z: Tensor) -> Tensor:
        z.real.mul_(2)
        z[0].imag.add_(5)
        parts = pb.view_as_real(z * 1)
        parts[..., 1].neg_()
        return pb.view_as_complex(parts)

    z, expected = (pb.tensor([1 + 2j, 3 - 1j], dtype=pb.complex128) for _ in range(2))
    assert functionalize(write, remove=remove)(z).tolist() == write(expected).tolist()
    assert z.tolist() == expected.tolist() == [2 + 7j, 6 - 1j]
    for function in (functionalize(write, remove=remove), write):
        gradient = grad(lambda t, f=function: (f(t * 1).abs() ** 2).sum())(z)
        assert gradient.tolist() == pytest.approx([8 * 2 + 24j, 8 * 6 - 2j])


def test_elements_seen_as_another_dtype_can_be_written() -> None:
    def write(x: Tensor) -> Tensor:
        x.view(pb.int32)[1].zero_()
        return x

    x = pb.ones(3)
    assert functionalize(write)(x).tolist() == [1.0, 0.0, 1.0]
    assert x.tolist() == [1.0, 0.0, 1.0]


def test_it_can_be_traced() -> None:
    import jax

    def shifted(x: Tensor) -> Tensor:
        y = pb.zeros(4)
        y[1:3] = x
        return y.mul_(2)

    with pb.use_backend("jax"):
        found = jax.jit(lambda array: functionalize(shifted)(pb.asarray(array)).array)(np.ones(2, np.float32))
    assert found.tolist() == [0.0, 2.0, 2.0, 0.0]


@pytest.mark.parametrize("write", [lambda own, t: own.add_(t), lambda own, t: pb.add(t, 1, out=own)])
def test_tensors_from_outside_are_not_written_with_what_is_inside(write: Callable[..., Any]) -> None:
    own = pb.zeros(2)
    with pytest.raises(RuntimeError, match="mutating a non-functional tensor with a functional tensor is not allowed"):
        functionalize(lambda t: write(own, t))(pb.ones(2))
    assert own.tolist() == [0.0, 0.0]


def test_a_tensor_that_escaped_is_refused() -> None:
    kept = []
    functionalize(lambda t: kept.append(t + 1))(pb.ones(2))
    with pytest.raises(RuntimeError, match="escaped"):
        kept[0] + 1
