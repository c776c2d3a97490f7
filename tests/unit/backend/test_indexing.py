"""Indexing kernels against NumPy, whose semantics they have."""

from __future__ import annotations

import array_api_strict
import ml_dtypes
import numpy as np
import pytest

from pullback.backend.array_api import ArrayAPIBackend

X = np.arange(60.0).reshape(3, 4, 5)
I = np.array([2, 0, -1])  # noqa: E741
J = np.array([[1, 0, 3], [3, 2, -4]])

KEYS = [
    1,
    -1,
    slice(None),
    slice(1, None),
    slice(None, None, 2),
    slice(10, 20),
    slice(-100, 2),
    slice(2, 1),
    slice(None, None, -1),
    slice(5, None, -2),
    Ellipsis,
    None,
    (),
    (0, 1),
    (0, 1, 2),
    (Ellipsis, 1),
    (slice(None), None, 2),
    (None, Ellipsis, None),
    (1, Ellipsis, slice(1, 3)),
    I,
    (slice(None), I),
    (Ellipsis, I),
    (I, slice(1, 3)),
    (I, I),
    (I, slice(None), I),
    (slice(None), I, I),
    (0, slice(None), I),
    (I, 0),
    (I, None, I),
    (J % 3, slice(None), J),
    (slice(None), J),
    np.array(1),
    np.zeros(0, "int64"),
    X > 30,
    np.array([True, False, True]),
    (slice(None), np.array([True, False, True, True])),
    (np.array([True, False, True]), slice(None), np.array([1, 2])),
    (slice(None), X[0] > 7),
    X[:, :, 0] > 20,
    (Ellipsis, np.array([True, False, True, True, False])),
    np.zeros((3, 4, 5), bool),
]


def describe(key):
    return str(key).replace("\n", "").replace(" ", "")[:50]


@pytest.mark.parametrize("key", KEYS, ids=describe)
def test_getitem(run, key):
    out = run("getitem", X, key)
    np.testing.assert_array_equal(out, X[key])
    assert out.shape == np.shape(X[key])


@pytest.mark.parametrize("key", KEYS, ids=describe)
def test_index_put(run, key):
    shape = X[key].shape
    positions = np.arange(X.size).reshape(X.shape)[key]
    defined = run.keeps_the_last or np.unique(positions).size == positions.size
    for values in (np.arange(float(np.prod(shape))).reshape(shape) + 100, np.array(-7.0)):
        expected = X.copy()
        expected[key] = values
        if defined or not values.ndim:
            np.testing.assert_array_equal(run("index_put", X, key, values), expected)
        expected = X.copy()
        np.add.at(expected, key, values)
        np.testing.assert_array_equal(run("index_put", X, key, values, accumulate=True), expected)


def test_index_put_with_duplicates(run):
    x, index = np.zeros(4), np.array([1, 1, 3, 1])
    values = np.array([1.0, 2.0, 4.0, 8.0])
    if run.keeps_the_last:
        np.testing.assert_array_equal(run("index_put", x, index, values), [0, 8, 0, 4])
    np.testing.assert_array_equal(run("index_put", x, index, values, accumulate=True), [0, 11, 0, 4])
    np.testing.assert_array_equal(x, 0)


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float32", "complex64", "int8", "int64"])
def test_accumulating_writes_of_every_dtype(run, dtype):
    if not run.has(dtype):
        pytest.skip("the namespace has no such dtype")
    index, ones = (
        np.zeros(300, "int64"),
        np.full(300, 0.1 if np.dtype(dtype).kind != "i" else 1).astype(dtype),
    )
    if np.dtype(dtype).kind == "i":
        expected = np.array([ones.sum(dtype="int64"), 0]).astype(dtype)
    else:
        wide = np.result_type(dtype, "float32") if dtype != ml_dtypes.bfloat16 else np.dtype("float32")
        expected = np.array([np.cumsum(ones.astype(wide))[-1], 0]).astype(dtype)
    for out in (
        run("index_put", np.zeros(2, dtype), index, ones, accumulate=True),
        run("scatter", np.zeros(2, dtype), 0, index, ones, "add"),
    ):
        assert out.dtype == dtype
        np.testing.assert_allclose(out.astype("complex128"), expected.astype("complex128"), rtol=1e-5)


def torch_scatter(x, axis, indices, values, reduce):
    out = x.copy()
    for place in np.ndindex(indices.shape):
        target = list(place)
        target[axis] = indices[place]
        key = tuple(target)
        combine = {"add": np.add, "multiply": np.multiply, "max": np.maximum, "min": np.minimum}.get(reduce)
        out[key] = values[place] if combine is None else combine(out[key], values[place])
    return out


@pytest.mark.parametrize("reduce", [None, "add", "multiply", "max", "min"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_scatter_has_torch_semantics(run, axis, reduce):
    if reduce is None and not run.keeps_the_last:
        pytest.skip("on a GPU any of several values for one element may stay")
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (4, 5))
    indices = rng.integers(0, 4, (3, 2))  # smaller than x in both dimensions, with duplicates
    values = rng.uniform(1, 2, (4, 3))  # larger than the indices
    out = run("scatter", x, axis, indices, values, reduce)
    np.testing.assert_allclose(out, torch_scatter(x, axis, indices, values, reduce), rtol=1e-15)


def test_scatter_corner_cases(run):
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(run("scatter", x, 0, np.zeros((0, 3), "int64"), np.zeros((0, 3))), x)
    np.testing.assert_array_equal(run("scatter", np.array(1.0), 0, np.array(0), np.array(5.0)), 5.0)
    np.testing.assert_array_equal(run("scatter", x, 1, np.array([[1], [2]]), 4.0), [[0, 4, 0], [0, 0, 4]])
    with pytest.raises(ValueError, match="reduce must be"):
        run("scatter", x, 0, np.array([[0]]), np.array([[1.0]]), "amax")


def test_take(run):
    for axis in (0, 1, -1):
        for index in (np.array([0, 2, -1]), np.array([[1, 0], [2, 2]]), np.array(1), np.zeros(0, "int64")):
            np.testing.assert_array_equal(run("take", X, index, axis=axis), np.take(X, index, axis=axis))
    np.testing.assert_array_equal(run("take", X, np.array([59, 0]), axis=None), [59.0, 0.0])


def test_take_along_axis(run):
    x = np.array([[3.0, 1.0, 2.0], [9.0, 7.0, 8.0]])
    for axis in (0, 1, -1):
        index = np.argsort(x, axis=axis)
        np.testing.assert_array_equal(run("take_along_axis", x, index, axis), np.take_along_axis(x, index, axis))
    np.testing.assert_array_equal(run("take_along_axis", x, np.array([[0, 2], [1, 1]]), 1), [[3, 2], [7, 7]])


@pytest.mark.parametrize(
    ("kernel", "arguments"),
    [
        ("getitem", (3,)),
        ("getitem", (-4,)),
        ("getitem", ((0, 9),)),
        ("getitem", (np.array([0, 3]),)),
        ("getitem", ((slice(None), np.array([4])),)),
        ("getitem", ((Ellipsis, np.array([-6])),)),
        ("getitem", ((0, 0, 0, 0),)),
        ("index_put", (np.array([3]), np.array(0.0))),
        ("take", (np.array([3]),)),
        ("scatter", (0, np.array([[[3]]]), np.array([[[1.0]]]))),
    ],
)
def test_out_of_bounds_is_an_error(run, kernel, arguments):
    options = {"axis": 0} if kernel == "take" else {}
    with pytest.raises(IndexError, match=r"out of bounds|too many indices"):
        run(kernel, X, *arguments, **options)


def test_getitem_of_one_element_is_a_view_on_mutable_backends(backend):
    if not backend.mutable:
        pytest.skip("immutable arrays have no views")
    x = backend.from_numpy(np.arange(6.0).reshape(2, 3).copy())
    element = backend.getitem(x, (1, 2))
    assert element.shape == ()
    backend.assign(element, 42.0)
    assert backend.to_numpy(x)[1, 2] == 42
    for view in (
        backend.reshape(x, (6,)),
        backend.permute_dims(x, (1, 0)),
        backend.expand_dims(x, axis=0),
        backend.squeeze(backend.expand_dims(x, axis=1), 1),
        backend.getitem(x, slice(1)),
        backend.broadcast_to(x, (4, 2, 3)),
    ):
        assert np.shares_memory(view, x)
        assert backend.writable(view)
    assert not np.shares_memory(backend.flip(x, axis=0), x)


@pytest.mark.parametrize("key", [(I,), (slice(None), J), (X[..., 0] > 9,), (slice(None), X[0] > 9), (X > 9,)], ids=str)
@pytest.mark.parametrize("accumulate", [False, True])
def test_writing_into_an_array_gives_what_a_copy_gives(run, key, accumulate):
    values = np.ones(()) if accumulate else np.full(X[key].shape, 7.0)
    expected = run("index_put", X, key, values, accumulate)
    np.testing.assert_array_equal(run("index_put_into", X.copy(), key, values, accumulate), expected)
    strided = np.asfortranarray(X)
    np.testing.assert_array_equal(run("index_put_into", strided, key, values, accumulate), expected)


def test_any_negative(run):
    assert run("any_negative", np.array([[0, 3], [2, -1]]))
    assert not run("any_negative", np.array([0, 3]))
    assert not run("any_negative", np.zeros((0, 2), "int64"))


def test_a_kernel_that_is_replaced_is_replaced_in_place_too():
    backend = ArrayAPIBackend("another", array_api_strict)
    backend.add_kernels({"index_put": lambda x, key, values, accumulate=False: "replaced"})
    assert backend.index_put_into(None, (), None) == "replaced"
