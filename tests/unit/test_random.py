"""Random numbers: the published vectors, one stream on every backend, distributions, errors."""

from __future__ import annotations

import copy
import math
import pickle
import threading
import tracemalloc
import types

import array_api_strict
import numpy as np
import pytest

import pullback as pb
from pullback.extend import ArrayAPIBackend
from pullback.meta.dtypes import uint64
from pullback.ops.random.philox import block, python_block, word_dtype, words
from pullback.ops.random.signed_words import in_order, remainder_plus

BACKENDS = ["numpy", "jax"]

# Counter, key and result from the authors' kat_vectors file.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_published_vectors(name, counter, key, expected):
    backend = pb.get_backend(name)
    numbers = tuple(backend.from_data([word], uint64, None) for word in counter)
    found = block(backend, numbers, key[0] | key[1] << 32)
    assert [int(backend.to_numpy(word)[0]) for word in found] == list(expected)


@pytest.mark.parametrize("name", BACKENDS)
def test_few_blocks_and_many_are_one_stream(name):
    backend = pb.get_backend(name)
    first = (1 << 32) - 3  # the numbers carry into their second word
    many = backend.to_numpy(words(backend, 12345, first, 70_000))
    few = backend.to_numpy(words(backend, 12345, first, 5))
    assert few.tolist() == many[:5].tolist() == [python_block(first + n, 12345) for n in range(5)]
    assert many[-1].tolist() == python_block(first + 69_999, 12345)


def without_uint64():
    """A backend over the standard's own namespace, less its unsigned integers beyond bytes."""
    names = {n: v for n, v in vars(array_api_strict).items() if n not in ("uint16", "uint32", "uint64")}
    return ArrayAPIBackend("without_uint64", types.SimpleNamespace(**names))


DRAWS = {
    "rand": lambda: pb.rand(1001),
    "rand float64": lambda: pb.rand(7, 11, dtype=pb.float64),
    "rand float16": lambda: pb.rand(9, dtype=pb.float16),
    "rand bfloat16": lambda: pb.rand(9, dtype=pb.bfloat16).float(),
    "rand complex": lambda: pb.rand(9, dtype=pb.complex64),
    "randint": lambda: pb.randint(-5, 1000, (1001,)),
    "randint wide": lambda: pb.randint(-(2**62), 2**62 + 1, (101,)),
    "randperm": lambda: pb.randperm(1001),
    "bernoulli": lambda: pb.empty(1001).bernoulli_(0.3),
    "bernoulli of tensor": lambda: pb.bernoulli(pb.full((1001,), 0.3)),
    "uniform_": lambda: pb.empty(1001).uniform_(-3, 5),
    "random_": lambda: pb.empty(101, dtype=pb.int16).random_(),
    "multinomial": lambda: pb.multinomial(pb.tensor([[1.0, 2.0, 0.0, 3.0]]), 2),
    "multinomial with replacement": lambda: pb.multinomial(pb.tensor([1.0, 2.0, 0.0, 3.0]), 50, replacement=True),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_every_backend_draws_the_same(draw):
    found = []
    for name in BACKENDS:
        pb.manual_seed(7)
        with pb.use_backend(name):
            result = DRAWS[draw]()
            assert result.backend.name == name
            found.append(np.array(result.numpy()))
    assert found[0].dtype == found[1].dtype
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("draw", [name for name in DRAWS if "float16" not in name])
def test_a_backend_without_uint64_draws_the_same(draw):
    pb.manual_seed(3)
    expected = DRAWS[draw]()
    backend = without_uint64()
    assert word_dtype(backend) is pb.int64
    pb.manual_seed(3)
    with pb.use_backend(backend):
        found = DRAWS[draw]()
    assert found.backend is backend
    np.testing.assert_array_equal(backend.to_numpy(found.array), expected.numpy())


@pytest.mark.parametrize("span", [1, 2, 7, 2**31 - 1, 2**31, 2**31 + 1, 2**32, 2**32 + 5, 3 * 2**61, 2**63 - 1, 2**63])
@pytest.mark.parametrize("above", [0, 1, 2**62 + 9])
def test_remainders_by_signed_arithmetic_are_those_of_uint64(span, above):
    span = min(span + above, 2**64)
    rng = np.random.default_rng(span % 1000)
    values = [0, 1, span - 1, span % 2**64, (span + 1) % 2**64, 2**64 - 1, 2**63, 2**63 - 1]
    values += [int(v) for v in rng.integers(0, 2**64, 200, dtype=np.uint64)]
    backend = pb.get_backend("numpy")
    high, low = (np.array([v >> shift & 0xFFFFFFFF for v in values]) for shift in (32, 0))
    start = -(2**63) if span > 2**63 else -5
    with np.errstate(all="raise"):
        found = remainder_plus(backend, high, low, span, start)
    assert found.tolist() == [start + v % span for v in values]
    assert in_order(backend, high, low).tolist() == [v - 2**63 for v in values]


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
def test_normal_numbers_agree_to_a_few_ulp(dtype):
    found = []
    for name in BACKENDS:
        pb.manual_seed(7)
        found.append(np.array(pb.randn(1001, dtype=dtype, backend=name).numpy()))
    np.testing.assert_array_max_ulp(*found, maxulp=4)


def test_the_stream_of_a_seed_stays_what_it_is():
    expected = [9, 8, 3, 1, 4, 4, 6, 8]
    pb.manual_seed(0)
    assert pb.randint(10, (8,)).tolist() == expected
    generator = pb.Generator().manual_seed(0)
    generator.take(2)  # each block holds two integers
    assert pb.randint(10, (4,), generator=generator).tolist() == expected[4:]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_a_shorter_draw_is_the_beginning_of_a_longer_one(n):
    for draw in (pb.rand, pb.randn):
        long = draw(9, generator=pb.Generator().manual_seed(3))
        assert draw(n, generator=pb.Generator().manual_seed(3)).tolist() == long.tolist()[:n]


# -- distributions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def seeded():
    pb.manual_seed(2024)


def test_uniform_numbers_are_in_range_and_even(seeded):
    x = np.array(pb.rand(100_000).numpy())
    assert 0 <= x.min() < 1e-4
    assert 1 - 1e-4 < x.max() < 1
    assert (x * 2**24 == np.floor(x * 2**24)).all()
    counts = np.histogram(x, 100, (0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 150  # chi-squared with 99 degrees of freedom: p < 0.001
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.015


def test_normal_numbers_have_the_moments(seeded):
    x = np.array(pb.randn(100_000, dtype=pb.float64).numpy())
    moments = [x.mean(), (x**2).mean(), (x**3).mean(), (x**4).mean()]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.08)
    assert abs(np.corrcoef(x[::2], x[1::2])[0, 1]) < 0.02


def test_integers_are_each_as_likely(seeded):
    counts = np.bincount(pb.randint(7, (70_000,)).numpy(), minlength=7)
    assert len(counts) == 7
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 25


def test_rejected_integers_are_drawn_again(seeded):
    # More than a third of all draws are rejected for this span.
    x = pb.randint(-(2**62), 2**62 + 2**61, (3000,)).numpy()
    assert x.min() >= -(2**62)
    counts = np.histogram(x.astype(float), 5, (-(2.0**62), 2.0**62 + 2.0**61))[0]
    assert ((counts - 600) ** 2 / 600).sum() < 20


def test_permutations_are_each_as_likely(seeded):
    seen = {}
    for _ in range(1200):
        order = tuple(pb.randperm(3).tolist())
        seen[order] = seen.get(order, 0) + 1
    assert len(seen) == 6
    assert all(abs(count - 200) < 70 for count in seen.values())


def test_bernoulli_and_multinomial_have_their_probabilities(seeded):
    assert pb.empty(100_000).bernoulli_(0.3).mean().item() == pytest.approx(0.3, abs=0.01)
    drawn = pb.multinomial(pb.tensor([1.0, 0.0, 3.0]), 10_000, replacement=True)
    np.testing.assert_allclose(np.bincount(drawn.numpy(), minlength=3) / 10_000, [0.25, 0, 0.75], atol=0.02)
    first = [pb.multinomial(pb.tensor([1.0, 0.0, 3.0]), 2)[0].item() for _ in range(500)]
    assert 1 not in first
    assert first.count(2) / 500 == pytest.approx(0.75, abs=0.08)


def test_exponential_and_scaled_draws(seeded):
    assert pb.empty(100_000).exponential_(4.0).mean().item() == pytest.approx(0.25, rel=0.02)
    x = pb.normal(pb.full((50_000,), 5.0), 2.0)
    assert (x.mean().item(), x.std().item()) == (pytest.approx(5, abs=0.05), pytest.approx(2, abs=0.05))
    y = pb.empty(10_000).uniform_(2, 3)
    assert 2 <= y.min().item() < y.max().item() < 3


# -- generators -------------------------------------------------------------------------------------------------------


def test_state_can_be_saved_and_restored():
    generator = pb.Generator().manual_seed(5)
    pb.rand(3, generator=generator)
    state = generator.get_state()
    expected = pb.rand(4, generator=generator).tolist()
    generator.set_state(state)
    assert pb.rand(4, generator=generator).tolist() == expected
    generator.set_state(state)
    for other in (pickle.loads(pickle.dumps(generator)), copy.deepcopy(generator)):
        assert pb.rand(4, generator=other).tolist() == expected
    assert generator.initial_seed() == 5


def test_seeds():
    generator = pb.Generator()
    assert generator.initial_seed() == 67280421310721
    assert generator.manual_seed(-5) is generator
    assert generator.initial_seed() == 2**64 - 5
    assert generator.seed() == generator.initial_seed()
    for wrong in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            generator.manual_seed(wrong)
    assert generator.device == pb.device("cpu")


def test_set_state_refuses_what_is_no_state():
    generator = pb.Generator()
    with pytest.raises(TypeError, match=r"expected a torch\.ByteTensor, but got int"):
        generator.set_state(5)
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        generator.set_state(pb.zeros(16))
    with pytest.raises(RuntimeError, match="wrong size"):
        generator.set_state(pb.zeros(3, dtype=pb.uint8))


def test_threads_draw_different_numbers_from_one_generator():
    generator = pb.Generator().manual_seed(1)
    drawn = []

    def draw():
        for _ in range(20):
            drawn.append(tuple(pb.randint(2**40, (4,), generator=generator).tolist()))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(drawn)) == 80
    assert generator.take(0)[1] == 80 * 2


# -- the interface ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", BACKENDS)
def test_keywords_and_shapes(backend):
    with pb.use_backend(backend):
        x = pb.rand((2, 3), dtype=pb.float64, requires_grad=True)
        assert (x.shape, x.dtype, x.requires_grad, x.is_leaf) == ((2, 3), pb.float64, True, True)
        assert pb.randn(()).shape == ()
        assert pb.rand(0, 3).shape == (0, 3)
        assert pb.randint(5, (2,), dtype=pb.int32).dtype is pb.int32
        assert pb.randint(low=3, high=4, size=(2,)).tolist() == [3, 3]
        assert pb.randint_like(x, 5).dtype is pb.float64
        assert pb.rand_like(x).shape == pb.randn_like(x).shape == (2, 3)
        assert pb.randperm(0).shape == (0,)
        assert pb.rand_like(x).backend.name == backend


@pytest.mark.parametrize("backend", BACKENDS)
def test_writing_in_place(backend):
    with pb.use_backend(backend):
        x = pb.zeros(4)
        view = x[:2]
        version = x._version
        view.uniform_(1, 2)
        assert x._version == version + 1
        assert all(1 <= v < 2 for v in x.tolist()[:2])
        assert x.tolist()[2:] == [0, 0]
        leaf = pb.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place"):
            leaf.normal_()
        with pb.no_grad():
            leaf.normal_()
        y = leaf * 1
        y.uniform_()
        assert y.grad_fn.name() == "UniformBackward0"
        y.sum().backward()
        assert leaf.grad.tolist() == [0, 0]
        z = pb.bernoulli(pb.tensor([0.0, 1.0], requires_grad=True))
        assert (z.tolist(), z.grad_fn.name()) == ([0, 1], "BernoulliBackward0")


ERRORS = [
    (lambda: pb.randint(5, 5, (2,)), RuntimeError, "random_ expects 'from' to be less than 'to', but got from=5"),
    (lambda: pb.randint(0, 300, (2,), dtype=pb.uint8), RuntimeError, "to - 1 is out of bounds for unsigned char"),
    (lambda: pb.randint(3), TypeError, "invalid combination of arguments - got \\(int\\)"),
    (lambda: pb.rand(2, dtype=pb.int64), NotImplementedError, "\"check_uniform_bounds\" not implemented for 'Long'"),
    (lambda: pb.randn(2, dtype=pb.int64), NotImplementedError, "\"normal_kernel_cpu\" not implemented for 'Long'"),
    (lambda: pb.rand(-1), RuntimeError, "Trying to create tensor with negative dimension -1: \\[-1\\]"),
    (lambda: pb.rand(2.5), TypeError, "argument 'size' \\(position 1\\) must be tuple of ints, not float"),
    (lambda: pb.rand(2, generator=5), TypeError, "generator"),
    (lambda: pb.zeros(2).uniform_(2, 1), RuntimeError, "uniform_ expects to return a \\[from, to\\) range, but found"),
    (lambda: pb.zeros(2).normal_(0, -1), RuntimeError, "normal expects std >= 0.0, but found std -1"),
    (lambda: pb.zeros(2).bernoulli_(1.5), RuntimeError, "bernoulli_ expects p to be in \\[0, 1\\], but got p=1.5"),
    (lambda: pb.bernoulli(pb.tensor([1.5])), RuntimeError, "Expected p_in >= 0 && p_in <= 1 to be true"),
    (lambda: pb.normal(0.0, -1.0, (2,)), RuntimeError, "normal expects std >= 0.0, but found std -1"),
    (lambda: pb.normal(pb.zeros(2), -pb.ones(2)), RuntimeError, "normal expects all elements of std >= 0.0"),
    (lambda: pb.normal(pb.zeros(2), pb.ones(3)), RuntimeError, "must match the size of tensor b \\(3\\)"),
    (lambda: pb.zeros(2).exponential_(-1), RuntimeError, "exponential_ expects lambda > 0.0, but found lambda=-1"),
    (
        lambda: pb.zeros(2, dtype=pb.complex64).exponential_(),
        RuntimeError,
        "dtype must be a floating point but you specified ComplexFloat",
    ),
    (
        lambda: pb.zeros(2, dtype=pb.int64).exponential_(),
        RuntimeError,
        "dtype must be a floating point but you specified Long",
    ),
    (lambda: pb.multinomial(pb.zeros(2), 1), RuntimeError, "sum of probabilities <= 0"),
    (lambda: pb.multinomial(-pb.ones(2), 1), RuntimeError, "contains either `inf`, `nan` or element < 0"),
    (lambda: pb.multinomial(pb.ones(2), 3), RuntimeError, "cannot sample n_sample > prob_dist.size\\(-1\\) samples"),
    (lambda: pb.multinomial(pb.ones(2), 0), RuntimeError, "cannot sample n_sample <= 0 samples"),
    (lambda: pb.multinomial(pb.tensor([1]), 1), RuntimeError, "supports floating-point dtypes for input, got: Long"),
    (lambda: pb.randint(9, (2,), requires_grad=True), RuntimeError, "Only Tensors of floating point and complex dtype"),
]


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_a_million_numbers_are_whole_numbers_of_blocks():
    generator = pb.Generator().manual_seed(0)
    assert pb.rand(1_000_000, generator=generator).numel() == 1_000_000
    assert generator.take(0)[1] == math.ceil(1_000_000 / 4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_sampling_with_replacement_finds_its_category_among_many(backend):
    weights = pb.tensor([[0.0, 3.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]], backend=backend)
    drawn = pb.multinomial(weights, 1000, replacement=True)
    counts = [drawn[0].tolist().count(n) for n in range(5)]
    assert counts[0] == counts[2] == counts[4] == 0
    assert 650 < counts[1] < 850
    assert drawn[1].eq(0).all()


def test_sampling_with_replacement_takes_memory_for_weights_and_samples_alone():
    weights = pb.ones(4000)
    pb.multinomial(weights, 4000, replacement=True)
    tracemalloc.start()
    pb.multinomial(weights, 4000, replacement=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * 4000  # a truth value for each pair would be 16 million bytes
