"""What an index means, and gathering and scattering."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pullback as pb

pytestmark = pytest.mark.usefixtures("backend")


DATA = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "key",
    [
        0,
        (1, -1),
        (slice(None), 1),
        (..., 0),
        (None, 1, ..., None),
        (slice(0, 9), slice(None, None, 2)),
        [0, 1, 1],
        ([0, 1], slice(None), [2, 3]),
        (slice(None), [0, 2], [1, 1]),
        (slice(None), slice(1, None), [[0], [1]]),
        ([[0], [1]], [[2, 0]]),
        DATA > 10,
        (slice(None), np.array([True, False, True])),
        (np.array([True, False]), None),
        (1, np.array([0, -1])),
    ],
    ids=str,
)
def test_indices_mean_what_they_mean_to_numpy(key: Any) -> None:
    assert pb.tensor(DATA)[key].tolist() == DATA[key].tolist()


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        (2, IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
        ((0, -4), IndexError, "index -4 is out of bounds for dimension 1 with size 3"),
        ((0, 0, 0, 0), IndexError, "too many indices for tensor of dimension 3"),
        (1.5, IndexError, "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables"),
        (slice(None, None, -1), ValueError, "step must be greater than zero"),
        ([0, 5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
        (([0, 1], [0, 1, 2]), IndexError, "could not be broadcast together with shapes [2], [3]"),
    ],
    ids=str,
)
def test_wrong_indices(key: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        pb.tensor(DATA)[key]
    assert text in str(caught.value)


def test_an_element_of_a_number_is_refused() -> None:
    with pytest.raises(IndexError, match="invalid index of a 0-dim tensor"):
        pb.tensor(1.0)[0]


def test_index_tensors_of_another_backend_are_refused(backend: str) -> None:
    other = "jax" if backend == "numpy" else "numpy"
    if other == "jax":
        pytest.importorskip("jax", reason="the jax extra installs it")
    index = pb.tensor([0], backend=other)
    with pytest.raises(RuntimeError, match=f"on backend '{backend}'"):
        pb.zeros(2)[index]


def test_elements_taken_twice_get_both_gradients() -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x[[0, 0, 2]] * pb.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [3, 0, 3]


def test_an_index_written_since_is_noticed() -> None:
    x = pb.ones(2, requires_grad=True)
    index = pb.tensor([1, 0])
    y = x[index]
    index.zero_()
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (0, 5.0),
        ((slice(None), 1), [[1.0], [2.0]]),
        ([0, 1], 7.0),
        (([0, 1], [0, 2]), 3.0),
        (DATA[:, :, 0] > 4, 9.0),
        ((1, [0, 2]), 4.0),
        ((..., 1), 2.0),
    ],
    ids=str,
)
def test_writes_land_where_numpys_do(key: Any, value: Any) -> None:
    expected = DATA.astype(np.float32)
    expected[key] = value
    x = pb.tensor(DATA, dtype=pb.float32)
    x[key] = pb.tensor(value) if isinstance(value, list) else value
    assert x.tolist() == expected.tolist()


def test_a_list_cannot_be_assigned() -> None:
    with pytest.raises(TypeError, match=r"can't assign a list to a torch\.FloatTensor"):
        pb.zeros(2)[0] = [1.0]


def test_writing_casts_a_part_but_not_gathered_elements() -> None:
    x = pb.zeros(2)
    x[0] = pb.tensor(3)
    assert x.tolist() == [3, 0]
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match"):
        x[[0]] = pb.tensor([3])


def test_gather_and_scatter_are_each_others_transpose() -> None:
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    index = pb.tensor([[1, 1], [0, 1]])
    found = x.gather(1, index)
    assert found.tolist() == [[2, 2], [3, 4]]
    found.backward(pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert x.grad.tolist() == [[0, 3], [3, 4]]
    assert pb.zeros(2, 2).scatter_add(1, index, x.detach()).tolist() == [[0, 3], [3, 4]]


def test_scatter_takes_numbers_and_reductions() -> None:
    index = pb.tensor([1, 1])
    assert pb.ones(3).scatter(0, index, 4).tolist() == [1, 4, 1]
    assert pb.ones(3).scatter(0, index, 4, reduce="add").tolist() == [1, 9, 1]
    assert pb.ones(3).scatter_(0, index, 4, reduce="multiply").tolist() == [1, 16, 1]
    leaf = pb.ones(3, requires_grad=True)
    leaf.scatter(0, index, 4, reduce="multiply").sum().backward()
    assert leaf.grad.tolist() == [1, 16, 1]


def test_masks() -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    filled = x.masked_fill(x > 1.5, pb.tensor(7.0))
    assert filled.tolist() == [1, 7, 7]
    filled.sum().backward()
    assert x.grad.tolist() == [1, 0, 0]
    assert x.masked_select(x > 1.5).tolist() == [2, 3]
    with pytest.raises(RuntimeError, match="only supports boolean masks"):
        x.masked_fill(pb.tensor([1, 0, 0]), 0)


def test_nonzero_gives_positions() -> None:
    x = pb.tensor([[0, 1], [2, 0]])
    assert pb.nonzero(x).tolist() == [[0, 1], [1, 0]]
    assert [p.tolist() for p in pb.where(x > 0)] == [[0, 1], [1, 0]]
    assert pb.nonzero(pb.tensor(0)).shape == (0, 0)
    assert pb.nonzero(pb.tensor(3)).shape == (1, 0)


def test_one_hot() -> None:
    assert pb.nn.functional.one_hot(pb.tensor([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(RuntimeError, match=r"Class values must be smaller than num_classes\."):
        pb.nn.functional.one_hot(pb.tensor([2]), 2)


@pytest.mark.parametrize("method", ["index_add_", "index_copy_"])
def test_slices_written_in_place(method: str) -> None:
    x = pb.ones(3, 2)
    getattr(x, method)(0, pb.tensor([2, 0]), pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
    added = method == "index_add_"
    assert x.tolist() == [[3 + added, 4 + added], [1, 1], [1 + added, 2 + added]]


def test_gathers_refuse_positions_out_of_bounds() -> None:
    with pytest.raises(RuntimeError, match="index 5 is out of bounds for dimension 0 with size 2"):
        pb.zeros(2).gather(0, pb.tensor([5]))
    with pytest.raises(IndexError, match="index out of range in self"):
        pb.zeros(2).index_select(0, pb.tensor([5]))


@pytest.mark.parametrize("method", ["gather", "scatter", "scatter_add", "scatter_reduce", "index_select", "index_add"])
def test_positions_along_a_dimension_do_not_count_from_the_end(method: str) -> None:
    further = {"gather": (), "index_select": (), "scatter_reduce": (pb.ones(1), "sum")}.get(method, (pb.ones(1),))
    with pytest.raises((RuntimeError, IndexError), match="out of"):
        getattr(pb.zeros(2), method)(0, pb.tensor([-1]), *further)


def test_those_of_put_take_and_index_fill_do() -> None:
    x = pb.zeros(3)
    assert x.put(pb.tensor([-1]), pb.ones(1)).tolist() == [0, 0, 1]
    assert x.index_fill(0, pb.tensor([-1]), 2).tolist() == [0, 0, 2]
    assert pb.arange(3).take(pb.tensor([-1])).tolist() == [2]


def test_slices_of_empty_tensors_are_refused_as_those_out_of_range() -> None:
    for position in (0, 5, -1):
        with pytest.raises(IndexError, match="index out of range in self"):
            pb.zeros(0).index_select(0, pb.tensor([position]))
    with pytest.raises(RuntimeError, match="self indexing axis dim should be positive"):
        pb.zeros(0, 2).index_select(0, pb.tensor([0]))
    with pytest.raises(RuntimeError, match="INDICES element is out of DATA bounds, id=4 axis_dim=3"):
        pb.zeros(0, 3).index_select(1, pb.tensor([4]))
    assert pb.zeros(0, 3).index_select(1, pb.tensor([2])).shape == (0, 1)
