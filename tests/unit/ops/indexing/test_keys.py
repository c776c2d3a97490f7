"""Keys of ``x[key]``: against NumPy where both mean the same, and where PyTorch has rules of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pullback as pb

DATA = np.arange(60.0).reshape(3, 4, 5)


# -- what NumPy means too ---------------------------------------------------------------------------------------------


@st.composite
def keys(draw: st.DrawFn) -> tuple[Any, ...]:
    """A key for three dimensions whose arrays stand side by side or apart; integers only where there is no array."""
    index_shape = draw(st.sampled_from([(), (1,), (2,), (2, 1)]))
    parts: list[Any] = []
    whole = draw(st.booleans())
    for size in DATA.shape[: draw(st.integers(1, 3))]:
        if whole and draw(st.booleans()):
            parts.append(draw(st.integers(-size, size - 1)))
        elif whole or draw(st.booleans()):
            limits = st.none() | st.integers(-7, 7)
            parts.append(slice(draw(limits), draw(limits), draw(st.none() | st.integers(1, 3))))
        elif draw(st.integers(0, 3)):
            positions = draw(st.lists(st.integers(-size, size - 1), min_size=2, max_size=2))
            parts.append(np.resize(np.array(positions), index_shape or (2,)))
        else:
            kept = np.zeros(size, dtype=bool)
            kept[draw(st.integers(0, size - 1))] = True
            parts.append(kept)
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if draw(st.booleans()):
        parts.append(...)
    return tuple(parts)


@given(keys())
@settings(max_examples=150, derandomize=True, deadline=None, database=None)
def test_keys_mean_what_they_mean_to_numpy(key: tuple[Any, ...]) -> None:
    expected = DATA[key]
    found = pb.tensor(DATA)[key]
    assert found.shape == expected.shape
    assert found.tolist() == expected.tolist()


@given(keys())
@settings(max_examples=150, derandomize=True, deadline=None, database=None)
def test_writes_land_where_numpys_do(key: tuple[Any, ...]) -> None:
    expected = DATA.copy()
    expected[key] = -1
    x = pb.tensor(DATA)
    x[key] = -1
    assert x.tolist() == expected.tolist()
    values = np.arange(float(DATA[key].size)).reshape(DATA[key].shape)
    expected[key] = values
    x[key] = pb.tensor(values)
    assert x.tolist() == expected.tolist()


# -- PyTorch's own rules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "is_view"),
    [
        (..., True),
        ((), True),
        (slice(None), True),
        (None, True),
        (0, True),
        (np.int64(0), True),
        (pb.tensor(0), True),
        (np.array(0), True),
        ([0], False),
        (pb.tensor([0]), False),
        (True, False),
        (pb.tensor(True), False),
        (range(1), False),
    ],
    ids=str,
)
def test_which_parts_are_views(key: Any, is_view: bool) -> None:
    x = pb.zeros(2, 3)
    part = x[key]
    assert part is not x
    assert part._is_view() is is_view
    assert part._base is (x if is_view else None)


@pytest.mark.parametrize(
    "key",
    [(slice(None), [0, 2]), (slice(None), [0, 1], [1, 2]), (..., [1, 0]), (slice(None), DATA[0, :, 0] > 4)],
    ids=str,
)
def test_gathered_elements_are_contiguous(key: Any) -> None:
    found = pb.tensor(DATA)[key]
    assert found.is_contiguous()
    assert found.view(-1).shape == (found.numel(),)


def test_an_integer_beside_index_tensors_selects_first() -> None:
    assert pb.tensor(DATA)[0, :, [0, 1]].shape == (4, 2)  # (2, 4) in NumPy, to which it is an index array too
    assert pb.tensor(DATA)[[0, 1], :, [0, 1]].shape == (2, 4)


def test_only_explicit_bounds_make_a_slice_of_all() -> None:
    x = pb.ones(2, 3, requires_grad=True)
    assert x[:, 0:9].grad_fn.name() == "AliasBackward0"
    assert x[:, -3:].grad_fn.name() == "SliceBackward0"


def test_a_list_that_holds_indices_stands_for_a_tuple() -> None:
    x = pb.tensor(DATA)
    with pytest.warns(UserWarning, match="Using a non-tuple sequence for multidimensional indexing is deprecated"):
        assert x[[slice(0, 1), 2]].shape == (1, 5)
    assert x[[0, 2]].shape == (2, 4, 5)


def test_bytes_as_masks_are_deprecated() -> None:
    with pytest.warns(UserWarning, match=r"indexing with dtype torch\.uint8 is now deprecated"):
        assert pb.arange(3)[pb.tensor([1, 0, 1], dtype=pb.uint8)].tolist() == [0, 2]
    with pytest.raises(RuntimeError, match="masked_fill_ only supports boolean masks"):
        pb.arange(3)[pb.tensor([1, 0, 1], dtype=pb.uint8)] = 1


@pytest.mark.parametrize(
    ("key", "kind", "text"),
    [
        (10**30, ValueError, "Overflow when unpacking long long"),
        (np.bool_(True), IndexError, "(got numpy.bool)"),
        (np.float64(1), IndexError, "(got numpy.float64)"),
        (iter([0]), IndexError, "(got list_iterator)"),
        (pb.tensor([1.0]), IndexError, "tensors used as indices must be long, int, byte or bool tensors"),
        (pb.tensor([1], dtype=pb.int16), IndexError, "tensors used as indices must be long, int, byte or bool"),
        ([0.5, 1j], TypeError, "'complex' object cannot be interpreted as an integer"),
        (slice(None, None, 0), ValueError, "slice step cannot be zero"),
        (slice("a"), TypeError, "slice indices must be integers or None or have an __index__ method"),
        ((slice(None), [9]), IndexError, "index 9 is out of bounds for dimension 0 with size 4"),
        ((slice(None), DATA[:, :, 0] > 0), IndexError, "The shape of the mask [3, 4] at index 0 does not match"),
        ((..., ..., 0), IndexError, "index 0 is out of bounds for dimension 2 with size 0"),
    ],
    ids=lambda value: type(value).__name__ if " at 0x" in str(value) else str(value),
)
def test_what_is_no_index(key: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        pb.tensor(DATA)[key]
    assert text in str(caught.value)


def test_positions_of_nothing_need_not_exist() -> None:
    assert pb.zeros(2, 0)[[7]].shape == (1, 0)
    with pytest.raises(IndexError, match="index is out of bounds for dimension with size 0"):
        pb.zeros(0, 2)[[0]]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (np.ones(3), TypeError, "can't assign a numpy.ndarray to a torch.ByteTensor"),
        (np.float32(1), TypeError, "can't assign a numpy.float32 to a torch.ByteTensor"),
        ([1], TypeError, "can't assign a list to a torch.ByteTensor"),
        (2**63, ValueError, "Overflow when unpacking long long"),
        (300, RuntimeError, "value cannot be converted to type uint8_t without overflow"),
        (float("nan"), RuntimeError, "value cannot be converted to type uint8_t without overflow"),
    ],
    ids=str,
)
@pytest.mark.parametrize("key", [0, [0], pb.tensor([True, False, True])], ids=["int", "list", "mask"])
def test_values_that_do_not_fit(key: Any, value: Any, kind: type[Exception], text: str) -> None:
    x = pb.tensor([1, 2, 3], dtype=pb.uint8)
    with pytest.raises(kind) as caught:
        x[key] = value
    assert text in str(caught.value)
    assert x.tolist() == [1, 2, 3]
    assert x._version == 0


def test_leading_ones_of_a_value_do_not_count() -> None:
    x = pb.zeros(2, 3)
    x[0] = pb.ones(1, 1, 3)
    x[[1]] = pb.full((1, 1, 1, 3), 2.0)
    assert x.tolist() == [[1, 1, 1], [2, 2, 2]]
    with pytest.raises(RuntimeError, match="cannot be broadcast to indexing result of shape"):
        x.index_put_((pb.tensor([1]),), pb.ones(1, 1, 3))


def test_one_value_for_a_mask_is_cast_but_not_several() -> None:
    x = pb.zeros(3)
    mask = pb.tensor([True, False, True])
    x[mask] = pb.tensor(2)
    assert x.tolist() == [2, 0, 2]
    with pytest.raises(RuntimeError, match="Index put requires the source and destination dtypes match"):
        x[mask] = pb.tensor([1, 2])


@pytest.mark.parametrize("key", [False, np.False_], ids=["bool", "numpy"])
def test_false_writes_nothing_and_is_no_index_of_numpys(key: Any) -> None:
    x = pb.zeros(2)
    if key is False:
        x[key] = 1.0
    else:
        with pytest.raises(IndexError, match=r"got numpy\.bool"):
            x[key] = 1.0
    assert x.tolist() == [0, 0]
    assert x._version == 0
