"""Programs over JAX's tracers: forward, backward and writes inside of ``jax.jit``, ``vmap``, ``grad``."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb
from pullback.nn import functional as F

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")
np = pytest.importorskip("numpy")

pytestmark = pytest.mark.jax


@pytest.fixture(autouse=True)
def begun() -> None:
    pb.get_backend("jax").zeros((1,), dtype=pb.get_backend("jax").native_dtype(pb.float64))


def operands() -> tuple[Any, Any]:
    x = jnp.linspace(-1.0, 1.0, 12, dtype=jnp.float32).reshape(3, 4)
    return x, jnp.linspace(0.5, -0.5, 8, dtype=jnp.float32).reshape(4, 2)


def value(x: Any, w: Any) -> Any:
    """A loss of native arrays."""
    hidden = (pb.as_tensor(x) @ pb.as_tensor(w)).tanh()
    return hidden.pow(2).sum().array


def value_and_gradient(x: Any, w: Any) -> tuple[Any, Any]:
    """The same with its gradient, by a backward pass of pullback's."""
    weight = pb.as_tensor(w).requires_grad_(True)
    loss = (pb.as_tensor(x) @ weight).tanh().pow(2).sum()
    loss.backward()
    return loss.array, weight.grad.array


def test_jit_compiles_a_backward_pass() -> None:
    for got, want in zip(jax.jit(value_and_gradient)(*operands()), value_and_gradient(*operands()), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-6)


def test_jit_compiles_gradients_of_gradients() -> None:
    def penalty(x: Any, w: Any) -> Any:
        weight = pb.as_tensor(w).requires_grad_(True)
        hidden = pb.as_tensor(x) @ weight
        loss = F.cross_entropy(hidden - hidden.mean(0), pb.tensor([0, 1, 0], backend="jax"))
        (grad,) = pb.autograd.grad(loss, weight, create_graph=True)
        grad.square().sum().backward()
        return weight.grad.array

    np.testing.assert_allclose(jax.jit(penalty)(*operands()), penalty(*operands()), rtol=1e-5, atol=1e-7)


def test_vmap_maps_a_backward_pass() -> None:
    x, w = operands()
    batch = jnp.stack([x, 2 * x, -x])
    losses, grads = jax.vmap(value_and_gradient, (0, None))(batch, w)
    for i, one in enumerate(batch):
        loss, grad = value_and_gradient(one, w)
        np.testing.assert_allclose(losses[i], loss, rtol=2e-6)
        np.testing.assert_allclose(grads[i], grad, rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.checkpoint, jax.jit], ids=["grad", "checkpoint", "jit"])
def test_jax_differentiates_a_program_as_pullback_does(wrap: Any) -> None:
    x, w = operands()
    got = jax.grad(wrap(value), argnums=1)(x, w)
    np.testing.assert_allclose(got, value_and_gradient(x, w)[1], rtol=1e-5)


def test_jax_differentiates_pullbacks_gradient() -> None:
    x, w = operands()
    weight = pb.as_tensor(w).requires_grad_(True)
    (first,) = pb.autograd.grad((pb.as_tensor(x) @ weight).tanh().pow(2).sum(), weight, create_graph=True)
    (second,) = pb.autograd.grad(first.sum(), weight)
    got = jax.grad(lambda w: value_and_gradient(x, w)[1].sum())(w)
    np.testing.assert_allclose(got, second.array, rtol=1e-4, atol=1e-6)


def test_writes_in_place_and_views_stay_inside_of_the_program() -> None:
    def program(x: Any) -> Any:
        t = pb.as_tensor(x).clone()
        t[0] = 2.0
        t[:, 1].mul_(3)
        t.add_(1)
        return t.array

    x, _ = operands()
    kept = np.array(x)
    np.testing.assert_allclose(jax.jit(program)(x), program(x), rtol=1e-6)
    np.testing.assert_array_equal(x, kept)


def test_a_loop_of_jax_carries_tensors_arrays() -> None:
    def step(state: Any, row: Any) -> tuple[Any, Any]:
        after = pb.as_tensor(state) * 0.5 + pb.as_tensor(row)
        return after.array, after.sum().array

    x, _ = operands()
    last, sums = jax.lax.scan(step, jnp.zeros(4, jnp.float32), x)
    state = pb.zeros(4, backend="jax")
    for row in pb.as_tensor(x):
        state = state * 0.5 + row
    np.testing.assert_allclose(last, state.array, rtol=1e-6)
    assert sums.shape == (3,)


def test_a_module_is_called_with_traced_parameters() -> None:
    with pb.use_backend("jax"):
        layer = pb.nn.Linear(4, 2)

    def call(parameters: dict[str, Any], x: Any) -> Any:
        given = {name: pb.as_tensor(array) for name, array in parameters.items()}
        return pb.func.functional_call(layer, given, (pb.as_tensor(x),)).relu().sum().array

    arrays = {name: p.array for name, p in layer.named_parameters()}
    x, _ = operands()
    grads = jax.jit(jax.grad(call))(arrays, x)
    layer(pb.as_tensor(x)).relu().sum().backward()
    for name, parameter in layer.named_parameters():
        np.testing.assert_allclose(grads[name], parameter.grad.array, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "read", [lambda t: t.item(), bool, lambda t: t.tolist(), lambda t: t.numpy()], ids=["item", "bool", "list", "numpy"]
)
def test_elements_are_not_known_while_a_program_is_traced(read: Any) -> None:
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.jit(lambda x: read(pb.as_tensor(x).sum()))(operands()[0])
    assert (pb.ones(2, backend="jax") * 2).tolist() == [2.0, 2.0]  # and nothing is left of the trace


@pytest.mark.parametrize(
    "make",
    [
        lambda: pb.zeros(1 << 40, 1 << 20, backend="jax"),
        lambda: pb.ones(1 << 20, 1, backend="jax") + pb.ones(1, 1, backend="jax").expand(1, 1 << 41),
        lambda: pb.ones(2, backend="jax").expand(1 << 45, 2).clone(),
    ],
    ids=["made", "broadcast", "expanded"],
)
def test_what_no_memory_holds_is_an_error_and_not_the_end_of_the_process(make: Any) -> None:
    with pytest.raises(RuntimeError, match="can't allocate memory: you tried to allocate"):
        make()
