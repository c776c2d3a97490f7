"""``assert_close``: whether results agree within tolerances, and where they do not, which element is furthest off."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pullback import ops
from pullback.autograd.grad_mode import no_grad
from pullback.backend.selection import backend_of_array
from pullback.meta import dtypes
from pullback.meta.dtypes import DType, promote_types
from pullback.ops.creation.from_data import as_tensor, tensor
from pullback.tensor import Tensor

#: The relative and absolute tolerance for each dtype; other dtypes must be equal.
TOLERANCES: Final = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5),
    dtypes.complex128: (1e-7, 1e-7),
}

_PYTHON_DTYPES: Final = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}
_WIDE_UNSIGNED: Final = frozenset((dtypes.uint16, dtypes.uint32, dtypes.uint64))


class _Options(NamedTuple):
    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_backend: bool
    check_dtype: bool
    check_stride: bool


class _Tolerances(NamedTuple):
    rtol: float
    atol: float
    equal_nan: bool

    @property
    def exact(self) -> bool:
        return self.rtol == 0 and self.atol == 0


class _Mismatch(Exception):
    """An error for the user, and the item that it is about: indices and keys from the outermost container on."""

    def __init__(self, kind: type[Exception], text: str, path: tuple[Any, ...] = ()) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.path = path

    def error(self, msg: str | Callable[[str], str] | None) -> Exception:
        if isinstance(msg, str):
            return self.kind(msg)
        text = self.text
        if self.path:
            text += f"\n\nThe failure occurred for item {''.join(str([part]) for part in self.path)}"
        return self.kind(msg(text) if callable(msg) else text)


_Comparison = Callable[[], None]


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_backend: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise where ``actual`` and ``expected`` are not close: ``|actual - expected| <= atol + rtol * |expected|``.

    Parameters
    ----------
    actual, expected : Tensor, array, number, None, or sequences and mappings of these
        Containers are compared item by item, whatever their types.
    allow_subclasses : bool
        Whether an instance of a Tensor subclass may be compared with a Tensor.
    rtol, atol : float, optional
        Relative and absolute tolerance, both or none; by default those of the dtypes, the looser ones of the two:

        ==========================  ======  =====
        float16                     1e-3    1e-5
        bfloat16                    1.6e-2  1e-5
        float32, complex64          1.3e-6  1e-5
        float64, complex128, float  1e-7    1e-7
        others                      0       0
        ==========================  ======  =====
    equal_nan : bool
        Whether NaN is close to NaN.
    check_device, check_backend, check_dtype, check_stride : bool
        Whether tensors must agree in these as well; where they need not, they are compared on NumPy and in their common
        dtype.
    check_layout : bool
        As in PyTorch; every tensor has the same.
    msg : str or callable, optional
        The message of the error, or what makes it of the usual one.

    Raises
    ------
    AssertionError
        Where they are not close; with the number of elements that are not, and those with the greatest absolute and
        relative difference and with the greatest distance in ulp, units in the last place.
    TypeError
        For values that cannot be compared, an array and a Tensor among them.
    ValueError
        For one tolerance without the other.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.testing.assert_close(pb.tensor([1., 2.]) / 3 * 3, pb.tensor([1., 2.]))
    >>> pb.testing.assert_close({"loss": pb.tensor([1., 4.])}, {"loss": pb.tensor([1., 2.])})
    Traceback (most recent call last):
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 2 (50.0%)
    Greatest absolute difference: 2.0 at index (1,) (up to 1e-05 allowed)
    Greatest relative difference: 1.0 at index (1,) (up to 1.3e-06 allowed)
    Worst element: 4.0 instead of 2.0 at index (1,), 8388608 ulp away
    <BLANKLINE>
    The failure occurred for item ['loss']
    """
    __tracebackhide__ = True  # in pytest's tracebacks

    options = _Options(allow_subclasses, rtol, atol, equal_nan, check_device, check_backend, check_dtype, check_stride)
    failed: _Mismatch | None = None
    try:
        for compare in _comparisons(actual, expected, (), options):
            compare()
    except _Mismatch as mismatch:
        failed = mismatch
    if failed is not None:
        raise failed.error(msg)


def _comparisons(actual: Any, expected: Any, path: tuple[Any, ...], options: _Options) -> list[_Comparison]:
    """What is to be compared, each pair of leaves of the two containers."""
    if _is_sequence(actual) and _is_sequence(expected):
        if len(actual) != len(expected):
            raise _Mismatch(
                AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path
            )
        pairs: list[tuple[Any, Any, Any]] = [(n, actual[n], expected[n]) for n in range(len(actual))]
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        pairs = [(key, actual[key], expected[key]) for key in _common_keys(actual, expected, path)]
    else:
        return [_comparison(actual, expected, path, options)]
    found: list[_Comparison] = []
    for key, one, other in pairs:
        found += _comparisons(one, other, (*path, key), options)
    return found


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _common_keys(actual: Mapping[Any, Any], expected: Mapping[Any, Any], path: tuple[Any, ...]) -> list[Any]:
    if set(actual) != set(expected):
        raise _Mismatch(
            AssertionError,
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {sorted(set(expected) - set(actual))}\n"
            f"Additional keys in the actual mapping: {sorted(set(actual) - set(expected))}",
            path,
        )
    try:
        return sorted(actual)
    except TypeError:
        return list(actual)


def _comparison(actual: Any, expected: Any, path: tuple[Any, ...], options: _Options) -> _Comparison:
    """How two leaves are compared, by what they are."""
    if actual is None or expected is None:
        return lambda: _compare_none(actual, expected, path)
    numbers = _plain(actual), _plain(expected)
    if all(isinstance(number, bool) for number in numbers):
        return lambda: _compare_truths(*numbers, path)
    if all(isinstance(number, int | float | complex) for number in numbers):
        tolerances = _tolerances([_PYTHON_DTYPES[_kind(number)] for number in numbers], path, options)
        return lambda: _compare_numbers(*numbers, tolerances, path, options)
    tensors = _as_tensors(actual, expected, options)
    if tensors is None:
        raise _Mismatch(
            TypeError,
            f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.",
            path,
        )
    tolerances = _tolerances([tensor.dtype for tensor in tensors], path, options)
    return lambda: _compare_tensors(*tensors, tolerances, path, options)


def _plain(value: Any) -> Any:
    """A NumPy scalar as a Python number; anything else as it is."""
    if not isinstance(value, Tensor) and getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item() if backend_of_array(value) is None else value
    return value


def _kind(number: Any) -> type:
    return next(kind for kind in _PYTHON_DTYPES if isinstance(number, kind))


def _tolerances(compared: list[DType], path: tuple[Any, ...], options: _Options) -> _Tolerances:
    rtol, atol = options.rtol, options.atol
    if rtol is None and atol is None:
        known = [TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in compared]
        return _Tolerances(max(r for r, _ in known), max(a for _, a in known), options.equal_nan)
    if rtol is None or atol is None:
        raise _Mismatch(
            ValueError,
            "Both 'rtol' and 'atol' must be either specified or omitted, but got no"
            f" {'rtol' if rtol is None else 'atol'}.",
            path,
        )
    return _Tolerances(rtol, atol, options.equal_nan)


def _as_tensors(actual: Any, expected: Any, options: _Options) -> tuple[Tensor, Tensor] | None:
    """Both as tensors; None where they are of unrelated types, or nothing that a tensor can be made of."""
    if not isinstance(actual, type(expected)) and not isinstance(expected, type(actual)):
        return None
    if not options.allow_subclasses and type(actual) is not type(expected):
        return None

    try:
        first, second = (v if isinstance(v, Tensor) else as_tensor(v) for v in (actual, expected))
    except Exception:  # whatever a foreign object raises, it is none
        return None
    return first, second


# -- None, truth values, numbers --------------------------------------------------------------------------------------


def _compare_none(actual: Any, expected: Any, path: tuple[Any, ...]) -> None:
    if actual is not expected:
        raise _Mismatch(AssertionError, f"None mismatch: {actual} is not {expected}", path)


def _compare_truths(actual: bool, expected: bool, path: tuple[Any, ...]) -> None:
    if actual is not expected:
        raise _Mismatch(AssertionError, f"Booleans mismatch: {actual} is not {expected}", path)


def _compare_numbers(
    actual: Any, expected: Any, tolerances: _Tolerances, path: tuple[Any, ...], options: _Options
) -> None:
    if options.check_dtype and type(actual) is not type(expected):
        raise _Mismatch(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
    if actual == expected:
        return
    if tolerances.equal_nan and cmath.isnan(actual) and cmath.isnan(expected):
        return
    difference = abs(actual - expected)
    if cmath.isfinite(difference) and difference <= tolerances.atol + tolerances.rtol * abs(expected):
        return
    dtype = dtypes.float64 if isinstance(actual, float) and isinstance(expected, float) else None
    raise _Mismatch(AssertionError, _of_numbers(actual, expected, tolerances, dtype), path)


def _of_numbers(actual: Any, expected: Any, tolerances: _Tolerances, dtype: DType | None) -> str:
    """The message about two numbers."""
    absolute = abs(actual - expected)
    relative = math.inf if expected == 0 else absolute / abs(expected)
    lines = [
        f"Expected {expected} but got {actual}.",
        _of_difference("Absolute difference", absolute, None, tolerances.atol, tolerances.exact),
        _of_difference("Relative difference", relative, None, tolerances.rtol, tolerances.exact),
    ]
    if dtype is not None and dtype in _ORDERED and math.isfinite(actual) and math.isfinite(expected):
        lines.append(f"Difference in ulp: {abs(_key_of(actual, dtype) - _key_of(expected, dtype))}")
    return f"Scalars are not {'equal' if tolerances.exact else 'close'}!\n\n" + "\n".join(lines)


def _of_difference(what: str, value: Any, index: tuple[int, ...] | None, allowed: float, exact: bool) -> str:
    where = "" if index is None else f" at index {index}"
    return f"{what}: {value}{where}" + ("" if exact else f" (up to {allowed} allowed)")


# -- tensors ----------------------------------------------------------------------------------------------------------


def _compare_tensors(
    actual: Tensor, expected: Tensor, tolerances: _Tolerances, path: tuple[Any, ...], options: _Options
) -> None:
    with no_grad():
        actual, expected = actual.detach(), expected.detach()
        _compare_attributes(actual, expected, path, options)
        actual, expected = _brought_together(actual, expected)
        rtol, atol, equal_nan = tolerances
        matches = ops.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)
        if bool(matches.all()):
            return
        if not actual.ndim:
            text = _of_numbers(actual.item(), expected.item(), tolerances, actual.dtype)
        else:
            text = _of_tensors(actual, expected, matches, tolerances)
    raise _Mismatch(AssertionError, text, path)


def _compare_attributes(actual: Tensor, expected: Tensor, path: tuple[Any, ...], options: _Options) -> None:
    compared: list[tuple[str, Any, Any]] = [("shape", actual.shape, expected.shape)]
    if options.check_stride:
        compared.append(("stride()", actual.stride(), expected.stride()))
    if options.check_backend:
        compared.append(("backend", actual.backend.name, expected.backend.name))
    if options.check_device:
        compared.append(("device", actual.device, expected.device))
    if options.check_dtype:
        compared.append(("dtype", actual.dtype, expected.dtype))
    for name, one, other in compared:
        if one != other:
            raise _Mismatch(AssertionError, f"The values for attribute '{name}' do not match: {one} != {other}.", path)


def _brought_together(actual: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    """Both on one backend and device and of one dtype."""
    if actual.backend is not expected.backend or actual.device != expected.device:
        actual, expected = actual.to("numpy"), expected.to("numpy")
    if actual.dtype is not expected.dtype:
        both = [dtypes.int64 if t.dtype in _WIDE_UNSIGNED else t.dtype for t in (actual, expected)]
        common = promote_types(*both)
        actual, expected = actual.to(common), expected.to(common)
    return actual, expected


def _of_tensors(actual: Tensor, expected: Tensor, matches: Tensor, tolerances: _Tolerances) -> str:
    """The message about two tensors."""
    count = matches.numel()
    wrong = count - int(matches.sum())
    absolute, relative = _differences(actual, expected, matches)
    lines = [f"Mismatched elements: {wrong} / {count} ({wrong / count:.1%})"]
    places = []
    for what, values, allowed in (("absolute", absolute, tolerances.atol), ("relative", relative, tolerances.rtol)):
        greatest, place = ops.max(values, 0)
        places.append(int(place))
        index = _unravelled(places[-1], tuple(actual.shape))
        lines.append(_of_difference(f"Greatest {what} difference", greatest.item(), index, allowed, tolerances.exact))
    lines.append(_of_worst(actual, expected, matches, places[0]))
    return f"Tensor-likes are not {'equal' if tolerances.exact else 'close'}!\n\n" + "\n".join(lines)


def _differences(actual: Tensor, expected: Tensor, matches: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute and relative differences, as vectors; zero where elements match."""
    one, other, matching = actual.flatten(), expected.flatten(), matches.flatten()
    if one.dtype.category < dtypes.FLOATING:
        one, other = one.to(dtypes.int64), other.to(dtypes.int64)
    absolute = (one - other).abs().masked_fill(matching, 0)
    return absolute, (absolute / other.abs()).masked_fill(matching, 0)


def _unravelled(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        place, rest = divmod(place, size)
        index.append(rest)
    return tuple(reversed(index))


def _of_worst(actual: Tensor, expected: Tensor, matches: Tensor, furthest: int) -> str:
    """The line about one element: that furthest off in ulp, or by its absolute difference where that is not finite."""
    dtype = actual.dtype
    ulps: int | None = None
    if dtype.to_real() in _ORDERED:
        found = _furthest_in_ulp(actual, expected, matches)
        if found is not None:
            furthest, ulps = found
    one, other = (tensor.flatten()[furthest].item() for tensor in (actual, expected))
    line = f"Worst element: {one} instead of {other} at index {_unravelled(furthest, tuple(actual.shape))}"
    return line if ulps is None else f"{line}, {ulps} ulp away"


# -- units in the last place ------------------------------------------------------------------------------------------

#: The integer of the same size, whose order is that of the floating numbers: their distance is the one in ulp.
_ORDERED: Final = {
    dtypes.float16: "int16",
    dtypes.bfloat16: "int16",
    dtypes.float32: "int32",
    dtypes.float64: "int64",
}


def _host(tensor: Tensor) -> Any:
    """The elements as a NumPy vector."""
    return tensor.backend.to_numpy(tensor.contiguous().array).reshape(-1)


def _keys(tensor: Tensor) -> Any:
    """The bits of the elements, or of the parts of complex ones, as a NumPy vector of int64 in the numbers' order."""
    host = _host(tensor)
    real = tensor.dtype.to_real()
    if tensor.dtype.is_complex:
        host = host.view(real.name)
    bits = host.view(_ORDERED[real]).astype("int64")
    least = -(1 << (8 * real.itemsize - 1))
    return bits * (bits >= 0) + (least - bits) * (bits < 0)


def _key_of(number: float, dtype: DType) -> int:
    return int(_keys(tensor([number], dtype=dtype, backend="numpy"))[0])


def _furthest_in_ulp(actual: Tensor, expected: Tensor, matches: Tensor) -> tuple[int, int] | None:
    """The mismatched element furthest off in ulp, and how far; None where one of them is infinite or NaN."""
    if not bool((matches | (actual.isfinite() & expected.isfinite())).all()):
        return None
    one, other = _keys(actual), _keys(expected)
    wrong = ~_host(matches)
    parts = 2 if actual.dtype.is_complex else 1
    # Unsigned integers wrap around, so that distances beyond 2**63 are exact too.
    up, down = one.astype("uint64") - other.astype("uint64"), other.astype("uint64") - one.astype("uint64")
    distances = (up * (one >= other) + down * (one < other)).reshape(-1, parts).max(axis=1) * wrong
    place = int(distances.argmax())
    return place, int(distances[place])
