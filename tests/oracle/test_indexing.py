"""Indexing, gathering and scattering, held against PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytestmark = pytest.mark.oracle

READS = """
x[0]
x[-1]
x[5]
x[-3]
x[0, 0, 0]
x[0, 1]
x[:, 1]
x[1, :]
x[..., 0]
x[0, ...]
x[...]
x[()]
x[..., ...]
x[:]
x[:, :]
x[0:5]
x[0:5, :]
x[:, 0:3]
x[0:]
x[0:5, 1:]
x[1:]
x[:-1]
x[::2]
x[:, ::2]
x[:, 2:1]
x[::-1]
x[:, ::-1]
x[::0]
x["a"]
x["a":]
x[1.0]
x[{1}]
x[None]
x[:, None]
x[..., None]
x[None, ..., 0]
x[1:2, None, 0]
x[True]
x[False]
x[True, 0]
x[lib.tensor(True)]
x[lib.tensor(1)]
x[i]
x[i, i]
x[:, i]
x[0, i]
x[i, 0]
x[i, None]
x[i, True]
x[i - 1]
x[integers([1, 5])]
x[integers([1, -3])]
x[lib.tensor([1.0])]
x[i.int()]
x[i.short()]
x[[0, 1], [0, 1]]
x[[0, 1], [0, 1, 2]]
x[[0]]
x[[]]
x[[True, False]]
x[:, [0, 1]]
x[:, [[0, 1], [1, 2]]]
x[[[0, 1], [1, 2]]]
x[[slice(None), 0]]
x[[0, None]]
x[(0, 1)]
x[range(2)]
x[np.array([1, 0])]
x[np.int64(1)]
x[np.array([True, False])]
x[x > 1]
x[m]
x[m[:, 0]]
x[:, m[0]]
x[m[0]]
x[m[:, :2]]
x[lib.tensor([[True, False]])]
x[integers([[0], [1]]), integers([0, 2])]
x[x]
b[0, :, [0, 1]]
b[:, [0, 1], [0, 1]]
b[[0, 1], :, [0, 1]]
b[i, :, :2]
b[m]
b[..., m[0].repeat(2)[:4]]
b[:, m[0]]
b[1, i, 1:]
b[0][1][2]
s[...]
s[None]
s[()]
s[True]
s[lib.tensor(True)]
s[0]
s[0,]
s[:]
s[i]
e[:, 0]
list(x)[1]
len(x)
""".strip().split("\n")

OPERATIONS = """
x.gather(0, g)
x.gather(1, integers([[2, 2, 0, 1], [0, 1, 1, 1]]))
lib.gather(x, dim=0, index=g)
x.gather(0, g.int())
x.gather(0, g.float())
x.gather(2, g)
x.gather(0, i)
x.gather(0, g + 5)
x.gather(1, integers([[0], [0], [0]]))
s.gather(0, lib.tensor(0))
x.scatter(0, g, y[:1])
x.scatter(0, g, 1.0)
x.scatter(0, g, value=2)
x.scatter(0, g.int(), 1.0)
x.scatter(0, g, y.double())
x.scatter(0, g, y[:, :2])
x.scatter(0, g + 5, y)
x.scatter(0, integers([[0, 0, 0, 0]]), 1.0)
x.detach().scatter(0, g, y.detach(), reduce="add")
x.detach().scatter(0, g, 2.0, reduce="multiply")
x.scatter_add(0, g, y[:1])
x.scatter_add(0, integers([[0, 1, 0], [0, 0, 1]]), y)
x.scatter_add(0, g, y.double())
x.scatter_add(0, g, y[:, :2])
x.index_select(0, i)
x.index_select(1, integers([2, 0, 2]))
x.index_select(0, m)
x.index_select(0, i + 4)
x.index_select(0, i.float())
x.index_select(0, lib.tensor(0))
x.index_select(2, i)
x.index_add(0, i, y)
x.index_add(0, integers([1, 1]), y, alpha=2)
x.index_add(0, i, y[:1])
x.index_add(0, i + 4, y)
x.index_add(0, i, y.double())
x.index_fill(0, i, 2.0)
x.index_fill(1, i, s)
x.index_fill(0, i, x)
x.index_copy(0, integers([1, 0]), y)
x.index_copy(0, i, y[:1])
x.index_put((i,), y)
x.index_put((i,), s)
x.index_put((i, i), v[:2])
x.index_put((integers([0, 0]),), y, accumulate=True)
x.index_put((m,), s, accumulate=True)
x.index_put((i,), y.double())
x.index_put((i,), lib.ones(5))
x.index_put((i, i, i), y)
x.masked_fill(m, 0)
x.masked_fill(m, s)
x.masked_fill(m[0], 0)
v.masked_fill(m, 0)
v.masked_fill(m, s)
x.masked_fill(m, x)
x.masked_fill(m.int(), 0)
x.masked_fill(m[:, :2], 0)
x.long().masked_fill(m, 1.5)
x.masked_fill(m, 1j)
x.masked_select(m)
x.masked_select(m[0])
v.masked_select(m)
x.masked_select(m.int())
x.masked_select(m[:, :2])
x.masked_scatter(m, y)
x.masked_scatter(m, y[0, :1])
x.take(i)
x.take(g)
x.take(integers(5))
x.take(i + 9)
x.take(i.float())
x.take_along_dim(g, 0)
x.take_along_dim(g, 1)
x.take_along_dim(i)
x.take_along_dim(i, 0)
x.nonzero()
lib.nonzero(m)
lib.nonzero(m, as_tuple=True)
lib.where(m)
lib.tensor(1.0).nonzero()
lib.tensor(0.0).nonzero()
lib.tensor(1.0).nonzero(as_tuple=True)
m.argwhere()
lib.nn.functional.one_hot(i)
lib.nn.functional.one_hot(i, 4)
lib.nn.functional.one_hot(i, 1)
lib.nn.functional.one_hot(i - 1)
lib.nn.functional.one_hot(i.int())
x.clone().index_put_((i,), y)
x.clone().scatter_(0, g, y[:1])
x.clone().scatter_(0, g, 1.0)
x.clone().scatter_add_(0, g, y[:1])
x.clone().masked_fill_(m, 1.0)
x.clone().masked_fill_(m, s)
x.clone().index_add_(0, i, y)
x.clone().index_fill_(0, i, 1.0)
x.clone().index_copy_(0, i, y)
x.clone().masked_scatter_(m, y)
""".strip().split("\n")

#: Index, and what is written there.
WRITES = """
0, 1.0
0, True
0, s
0, y[1]
0, lib.ones(1, 1, 3)
0, lib.ones(3, dtype=lib.int64)
0, [1.0, 2.0, 3.0]
0, np.ones(3)
0, "a"
0, 1j
0, lib.ones(2)
0, lib.ones(2, 3)
5, 1.0
(0, 0, 0), 1.0
(0, i), 1.0
i, 1.0
i, s
i, v
i, lib.ones(1, 1, 2, 3)
i, lib.ones(2)
i, lib.ones(2, 3, dtype=lib.int64)
[0, 1], s
([0, 1], [2, 0]), y[0, :2]
m, 1.0
m, s
m, y[0]
m, lib.ones(2)
True, 1.0
None, 1.0
(None, 0), 1.0
(..., 0), s
(), y
..., y
slice(None), y
(slice(None), 1), v[:2]
(slice(None), slice(None, None, 2)), y[:, :2]
(slice(None), [0, 0]), 3.0
""".strip().split("\n")


@pytest.mark.parametrize("expression", [*READS, *OPERATIONS])
def test_agrees_with_pytorch(expression: str, agrees: Callable[[str, str], None]) -> None:
    agrees(expression, "numpy")


@pytest.mark.parametrize("write", WRITES)
def test_writes_agree_with_pytorch(write: str, agrees: Callable[[str, str], None]) -> None:
    agrees(f"(lambda t: (t.__setitem__({write}), t)[1])(x * 1)", "numpy")


@pytest.mark.parametrize(
    "expression",
    [
        "x[0, 1]",
        "x[:, i]",
        "x[m]",
        "x[integers([1, 5])]",
        "b[[0, 1], :, [0, 1]]",
        "x[[]]",
        "x.gather(0, g)",
        "x.gather(0, integers([[0, 5, 0]]))",
        "x.scatter_add(0, g, y[:1])",
        "x.index_add(0, i, y)",
        "x.masked_fill(m, s)",
        "x.masked_select(m)",
        "x.take(integers([1, 9]))",
        "(lambda t: (t.__setitem__((slice(None), 1), v[:2]), t)[1])(x * 1)",
        "(lambda t: (t.__setitem__((0, i), s), t)[1])(x * 1)",
    ],
)
def test_on_immutable_arrays(expression: str, agrees: Callable[[str, str], None]) -> None:
    agrees(expression, "jax")
