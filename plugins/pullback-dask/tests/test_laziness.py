"""What is computed when: nothing before somebody looks, and then in the chunks that the data came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest

import pullback as pb
from pullback_dask.persisting import persist


def counted(computed: list[int], count: int = 12, size: int = 4) -> Any:
    """0, 1, ... in chunks, which says of each chunk when it is computed."""

    def chunk(block: Any) -> Any:
        computed.append(len(block))
        return block

    array = da.arange(count, chunks=size, dtype="float32")
    return array.map_blocks(chunk, dtype="float32", meta=array._meta)


def test_values_and_gradients_are_graphs_until_somebody_looks() -> None:
    computed: list[int] = []
    x = pb.as_tensor(counted(computed)).requires_grad_()
    loss = (x.sin() * x).sum()
    loss.backward()
    assert x.grad is not None
    assert computed == []
    np.testing.assert_allclose(x.grad.numpy(), np.sin(np.arange(12)) + np.arange(12) * np.cos(np.arange(12)), rtol=1e-5)
    assert sorted(computed) == [4, 4, 4]


def test_results_and_gradients_have_the_chunks_of_the_data() -> None:
    x = pb.as_tensor(da.ones((6, 10), chunks=(2, 5), dtype="float32")).requires_grad_()
    y = x.exp() * 2
    y.sum().backward()
    assert x.grad is not None
    assert y.array.chunks == x.grad.array.chunks == ((2, 2, 2), (5, 5))


@pytest.mark.parametrize(
    "look",
    [
        lambda x: x.tolist(),
        lambda x: x[x > 5],
        lambda x: x.nonzero(),
        lambda x: x[(x * 0).long()],
        lambda x: bool(x.sum() > 0),
        lambda x: repr(x),
    ],
    ids=["elements", "boolean key", "nonzero", "positions", "truth", "printing"],
)
def test_what_has_to_look_computes(look: Callable[[pb.Tensor], object]) -> None:
    computed: list[int] = []
    look(pb.as_tensor(counted(computed)))
    assert computed


def test_a_boolean_key_gives_a_known_number_of_elements() -> None:
    x = pb.as_tensor(da.arange(10, chunks=4, dtype="float32")).requires_grad_()
    kept = x[x > 5]
    assert kept.shape == (4,)
    (kept**2).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, 0, 0, 0, 0, 12, 14, 16, 18]


@pytest.mark.parametrize("shape", [(4, 6), (3, 8), (2, 3, 4), (24,)])
def test_chunks_may_lie_across_what_reshape_splits_and_merges(shape: tuple[int, ...]) -> None:
    array = da.arange(24, chunks=5).reshape((6, 4)).rechunk((4, 3))
    assert pb.as_tensor(array).reshape(shape).tolist() == np.arange(24).reshape(shape).tolist()


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (0, 3), (3, 0), (4, 4)])
def test_identity_matrices_may_be_of_any_shape(shape: tuple[int, int]) -> None:
    assert pb.eye(*shape).tolist() == np.eye(*shape).tolist()


def test_persisted_tensors_are_not_computed_again_and_stay_themselves() -> None:
    computed: list[int] = []
    x = pb.as_tensor(counted(computed)).requires_grad_()
    persist(x)
    assert sorted(computed) == [4, 4, 4]
    assert x.requires_grad
    assert x.is_leaf
    x.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1] * 12
    assert x.tolist() == list(range(12))
    assert len(computed) == 3


def test_elements_given_to_numpy_cannot_be_written() -> None:
    """The graph holds the array that a tensor was made of: a write would change the tensor."""
    x = pb.as_tensor(da.from_array(np.zeros(3, "float32")))
    with pytest.raises(ValueError, match="read-only"):
        x.numpy()[0] = 1
