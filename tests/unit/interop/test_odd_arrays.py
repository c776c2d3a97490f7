"""NumPy arrays that lie in memory in ways no tensor can: refused or copied, never read or written at wrong places."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pullback as pb


def _records(kind: str, other: str) -> Callable[[], Any]:
    return lambda: np.array([(i, 7) for i in range(5)], dtype=[("value", kind), ("flag", other)])["value"]


def _misaligned() -> Any:
    array = np.zeros(8 * 5 + 1, dtype=np.uint8)[1:].view(np.float64)
    array[:] = range(5)
    return array


def _read_only() -> Any:
    array = np.arange(5.0)
    array.setflags(write=False)
    return array


class Subclass(np.ndarray):
    pass


BETWEEN = "given numpy array strides not a multiple of the element byte size"
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a field of nine bytes": (_records("f8", "i1"), BETWEEN),
    "a field of six bytes": (_records("f4", "i2"), BETWEEN),
    "one element of it": (lambda: _records("f8", "i1")()[:1], BETWEEN),
    "of two dimensions": (lambda: np.zeros((3, 4), dtype=[("a", "f4"), ("b", "i1")])["a"], BETWEEN),
    "backwards": (lambda: np.arange(5.0)[::-1], "At least one stride in the given numpy array is negative"),
    "swapped bytes": (lambda: np.arange(5.0).astype(">f8"), "byte order different from the native byte order"),
}
TAKEN: dict[str, Callable[[], Any]] = {
    "a field of sixteen bytes": _records("f8", "i8"),
    "misaligned": _misaligned,
    "read-only": _read_only,
    "expanded": lambda: np.broadcast_to(np.array(2.0), (5,)),
    "overlapping": lambda: np.lib.stride_tricks.as_strided(np.arange(5.0), (3, 2), (8, 8)),
    "a subclass": lambda: np.arange(5.0).view(Subclass),
    "an imaginary part": lambda: (np.arange(3) + 1j * np.arange(3)).imag,
    "every second": lambda: np.arange(10.0)[::2],
}
ROUTES: dict[str, Callable[[Any], Any]] = {
    "from_numpy": pb.from_numpy, "as_tensor": pb.as_tensor, "asarray": pb.asarray, "tensor": pb.tensor,
}  # fmt: skip


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_tensor_can_show_is_refused(name: str, route: str) -> None:
    make, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        ROUTES[route](make())


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_is_read_where_it_lies(name: str, route: str) -> None:
    array = TAKEN[name]()
    t = ROUTES[route](array)
    expected = array.tolist()
    assert t.tolist() == expected
    assert t.as_strided(t.size(), t.stride()).tolist() == expected
    assert copy.deepcopy(t).tolist() == expected
    assert pickle.loads(pickle.dumps(t)).tolist() == expected
    assert (t + 0)[1:].tolist() == expected[1:]


@pytest.mark.parametrize("name", [name for name in (*REFUSED, *TAKEN) if name != "swapped bytes"])
def test_as_an_operand_it_is_copied(name: str) -> None:
    array = (REFUSED[name][0] if name in REFUSED else TAKEN[name])()
    assert (pb.zeros(array.shape, dtype=pb.float64) + array).tolist() == array.tolist()


def test_dlpack_copies_what_runs_backwards() -> None:
    array = np.arange(6.0).reshape(2, 3)[:, ::-1]
    t = pb.from_dlpack(array)
    assert t.tolist() == array.tolist()
    assert t.stride() == (3, 1)
    t.fill_(7)
    assert array[0, 0] == 2
    with pytest.raises(BufferError, match="backwards"):
        pb.from_dlpack(array, copy=False)


def test_neighbours_in_a_record_are_not_written() -> None:
    record = np.zeros(5, dtype=[("value", "f8"), ("flag", "i8")])
    record["flag"] = 7
    t = pb.from_numpy(record["value"])
    t.as_strided(t.size(), t.stride()).fill_(3)
    assert record["value"].tolist() == [3] * 5
    assert record["flag"].tolist() == [7] * 5
