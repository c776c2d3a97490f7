"""Writes through chains of views behind bases of any layout: elements, strides, versions, nodes and gradients."""

from __future__ import annotations

from random import Random

import pytest

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

from view_chains import BASES, close, outcome, program  # noqa: E402

import pullback as pb  # noqa: E402

pytestmark = pytest.mark.oracle

#: How many programs of each seed run on a backend: JAX compiles each of them.
PROGRAMS = {"numpy": 60, "jax": 2}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_writes_through_chains_of_views(backend: str, seed: int) -> None:
    if backend == "jax":
        pytest.importorskip("jax", reason="the jax extra installs it")
    bases = tuple(BASES) if backend == "numpy" else ("plain", "permuted view", "permuted copy", "part")
    for number in range(PROGRAMS[backend]):
        drawn = program(Random(1000 * seed + number), bases)
        expected = outcome(torch, drawn)
        with pb.use_backend(backend):
            found = outcome(pb, drawn)
        assert close(found, expected), (drawn, found[-1], expected[-1])


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize(
    "views",
    [
        "lib.view_as_real(z)[..., 1]",
        "lib.view_as_complex(lib.view_as_real(z).unflatten(0, (2, -1)))[1]",
        "z.real",
        "z.imag.mT",
        "z[1:, 1:].flatten()",
        "z.diagonal()",
        "z.as_strided((2, 2), (2, 1), 1)",
        "z.mT.flatten()",
    ],
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_gradients_of_the_second_order(order, views, backend, same_program) -> None:
    """The gradient through a write is recorded, and differentiated again."""

    def run(lib):
        values = [[1 + 2j, 3 - 1j, 0.5j], [2 - 2j, 1 + 1j, -1 + 0j]]
        leaf = lib.tensor(values, dtype=lib.complex128, requires_grad=True)
        inverse = [order.index(0), order.index(1)]
        z = leaf.permute(order).contiguous().permute(inverse).clone()
        part = eval(views, {"z": z, "lib": lib})
        part.mul_(part.detach() + 2)
        total = (z.abs() ** 4).sum()
        (grad,) = lib.autograd.grad(total, leaf, create_graph=True)
        (second,) = lib.autograd.grad((grad.abs() ** 2).sum(), leaf)
        return [z.tolist(), grad.tolist(), second.tolist()]

    same_program(run, backend)
