"""``autograd.functional``: Jacobians and Hessians against each other, and the corners."""

from __future__ import annotations

import pytest

import pullback as pb
from pullback.autograd import functional

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "jax"])


@BACKENDS
def test_products_are_those_with_the_whole_matrices(backend) -> None:
    def several(x, y):
        return x * y.sum(), (x * x).sum() * y

    def number(x, y):
        return (x.sin() * y.sum() * x).sum()

    with pb.use_backend(backend):
        x, y = pb.tensor([0.5, 1.5], dtype=pb.float64), pb.tensor([2.0, -1.0, 3.0], dtype=pb.float64)
        u, w = pb.tensor([1.0, -2.0], dtype=pb.float64), pb.tensor([0.5, 3.0, 1.0], dtype=pb.float64)
        (xx, xy), (yx, yy) = functional.jacobian(several, (x, y))
        for found, wanted in zip(
            functional.vjp(several, (x, y), (u, w))[1], (u @ xx + w @ yx, u @ xy + w @ yy), strict=True
        ):
            assert found.allclose(wanted)
        for found, wanted in zip(
            functional.jvp(several, (x, y), (u, w))[1], (xx @ u + xy @ w, yx @ u + yy @ w), strict=True
        ):
            assert found.allclose(wanted)
        (xx, xy), (yx, yy) = functional.hessian(number, (x, y))
        for product in (functional.hvp, functional.vhp):
            for found, wanted in zip(
                product(number, (x, y), (u, w))[1], (xx @ u + xy @ w, yx @ u + yy @ w), strict=True
            ):
                assert found.allclose(wanted)


@pytest.mark.parametrize("options", [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}])
def test_the_jacobian_is_the_same_in_each_way(options) -> None:
    x = pb.tensor([[0.5, 1.5], [2.0, -1.0]], dtype=pb.float64)
    found = functional.jacobian(lambda x: x @ x.T + x.exp(), x, **options)
    assert found.shape == (2, 2, 2, 2)
    assert found.allclose(functional.jacobian(lambda x: x @ x.T + x.exp(), x))


@pytest.mark.parametrize("vectorize", [False, True])
def test_the_jacobian_of_no_elements_has_none(vectorize) -> None:
    found = functional.jacobian(lambda x: x[:0], pb.ones(2), vectorize=vectorize)
    assert found.shape == (0, 2)


def test_the_inputs_own_gradients_stay_as_they_are() -> None:
    x = pb.ones(2, requires_grad=True)
    for function in (functional.jacobian, functional.hessian):
        function(lambda x: (x * x).sum(), x)
    functional.vjp(lambda x: (x * x).sum(), x)
    assert x.grad is None


def test_lists_are_no_tuples() -> None:
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors but the given inputs has type"):
        functional.jacobian(lambda x: x, [pb.ones(2)])
