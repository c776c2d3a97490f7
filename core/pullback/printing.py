"""The text of a tensor: what ``repr``, ``str`` and f-strings show, and the options that govern it.

The text equals PyTorch's to the character. It is made in three steps: fetch the elements that will be shown
(the edges alone when the tensor is large), write each as text of a common width, and lay the texts out in
brackets and lines. The suffixes (``dtype=``, ``grad_fn=`` and so on) follow, on a new line where they would
be too long.
"""

from __future__ import annotations

import math
from contextlib import ContextDecorator
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pullback.autograd.forward_ad import tangent_of
from pullback.backend.transfers import elements_read
from pullback.meta.dtypes import get_default_dtype, int64
from pullback.process.blocks import begins_at_once
from pullback.tensor import Tensor
from pullback.tensor.modes import FORWARD, mode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullback.meta.dtypes import DType
    from pullback.tensor import Tensor


class PrintOptions(NamedTuple):
    """How tensors are printed; see `set_printoptions` for the meaning of each."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES: Final = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}

# Replaced as a whole, never changed in place: a thread that prints reads one consistent set of options.
_options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors are printed, for the whole process.

    An option left at ``None`` keeps its value, with one exception that PyTorch makes too: every call sets
    ``sci_mode``.

    Parameters
    ----------
    precision : int, optional
        Digits after the decimal point of floating-point and complex elements; 4 at first.
    threshold : float, optional
        A tensor with more elements than this is summarised; 1000 at first.
    edgeitems : int, optional
        How many elements a summary shows at either end of a dimension; 3 at first.
    linewidth : int, optional
        The length at which lines are broken; 80 at first.
    profile : {"default", "short", "full"}, optional
        Start from these settings of the four options above. "short" shows 2 digits and 2 edge items; "full"
        never summarises.
    sci_mode : bool, optional
        Always or never use scientific notation. ``None``: use it where magnitudes are very large, very small
        or far apart.

    Raises
    ------
    ValueError
        If the profile does not exist, or `precision` or `edgeitems` is negative.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.set_printoptions(precision=2)
    >>> pb.tensor([1.12345])
    tensor([1.12])
    >>> pb.set_printoptions(profile="default")
    >>> pb.tensor([1.12345])
    tensor([1.1235])
    """
    global _options
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(map(repr, PROFILES))}, but got {profile!r}")
    for name, value in (("precision", precision), ("edgeitems", edgeitems)):
        if value is not None and value < 0:
            raise ValueError(f"{name} must not be negative, but got {value}")
    base = _options if profile is None else PROFILES[profile]
    _options = PrintOptions(
        base.precision if precision is None else precision,
        base.threshold if threshold is None else threshold,
        base.edgeitems if edgeitems is None else edgeitems,
        base.linewidth if linewidth is None else linewidth,
        sci_mode,
    )


def get_printoptions() -> dict[str, Any]:
    """The options in force, as keyword arguments for `set_printoptions`.

    Examples
    --------
    >>> import pullback as pb
    >>> pb.get_printoptions()
    {'precision': 4, 'threshold': 1000, 'edgeitems': 3, 'linewidth': 80, 'sci_mode': None}
    """
    return _options._asdict()


class printoptions(ContextDecorator):
    """Change how tensors are printed within a ``with`` block or a decorated function.

    Parameters
    ----------
    **options
        As for `set_printoptions`.

    Examples
    --------
    >>> import pullback as pb
    >>> with pb.printoptions(threshold=5, edgeitems=2):
    ...     print(pb.arange(10))
    tensor([0, 1,  ..., 8, 9])
    """

    def __init__(self, **options: Any) -> None:
        self._given = options
        self._before: list[PrintOptions] = []

    def __enter__(self) -> None:
        global _options
        before = _options
        self._before.append(before)
        try:
            set_printoptions(**self._given)
        except BaseException:
            _options = before
            del self._before[-1]
            raise

    @begins_at_once
    def __exit__(self, *error: object) -> None:
        global _options
        _options = self._before[-1]
        del self._before[-1]


def tensor_repr(
    tensor: Tensor,
    *,
    prefix: str = "tensor(",
    default_dtype: DType | None = None,
    tangent: Tensor | None = None,
    abstract: bool = False,
) -> str:
    """The text that PyTorch's ``repr`` gives for such a tensor.

    Parameters
    ----------
    tensor : Tensor
        What to print. It is only read.
    prefix : str
        How the text begins, on its first line. A subclass gives its own name, such as ``"Masked("``.
    default_dtype : DType, optional
        The floating dtype that needs no mention; ``pullback.get_default_dtype()`` when not given.
    tangent : Tensor, optional
        The forward-mode tangent to show beside the tensor; the one that it carries when not given.
    abstract : bool
        The elements are unknown, as while a function is traced: show ``...`` in their place, and the shape.

    Examples
    --------
    >>> import pullback as pb
    >>> from pullback.printing import tensor_repr
    >>> tensor_repr(pb.tensor([1.0, 2.5], dtype=pb.float64), prefix="Masked(")
    'Masked([1.0000, 2.5000], dtype=torch.float64)'
    """
    if tangent is None and mode() & FORWARD:
        tangent = tangent_of(tensor)
    options = _options
    text = prefix + ("..." if abstract else _contents(tensor, len(prefix), options))
    suffixes = _suffixes(tensor, default_dtype, tangent, abstract, options)
    return _append(text, suffixes, len(prefix), options.linewidth) + ")"


def subclass_repr(tensor: Tensor) -> str:
    """The text of an instance of a Tensor subclass: its class's name stands in place of ``tensor``."""
    kind = type(tensor)
    text = tensor_repr(tensor, prefix=f"{kind.__name__}(")
    return f"Parameter({text})" if getattr(tensor, "_is_param", False) else text


def format_tensor(tensor: Tensor, spec: str) -> str:
    """The text of ``f"{tensor:{spec}}"``: a 0-d tensor is formatted as its element, any other takes no spec.

    As in PyTorch, a subclass of Tensor takes no spec, whatever its shape.

    Raises
    ------
    TypeError
        If `spec` is not empty and `tensor` is not a plain 0-d tensor.

    Examples
    --------
    >>> import pullback as pb
    >>> f"{pb.tensor(2.0).sqrt():.3f}"
    '1.414'
    """
    if type(tensor) is Tensor and tensor.shape == ():
        return format(_as_list(elements_read("printing", tensor.backend, tensor.array), tensor.dtype)[0], spec)
    return object.__format__(tensor, spec)


# --- contents


def _contents(tensor: Tensor, indent: int, options: PrintOptions) -> str:
    """The elements in their brackets, to be continued on lines indented by `indent`."""
    shape = tensor.shape
    size = math.prod(shape)
    if size == 0:
        return "[]"
    summarised = size > options.threshold
    if summarised and shape and not options.edgeitems:
        return "[...]"
    cut = [summarised and length > 2 * options.edgeitems for length in shape]
    if any(cut):
        elements = _edges(tensor, cut, options.edgeitems)
    else:
        elements = elements_read("printing", tensor.backend, tensor.array)
    texts, width = _texts(_as_list(elements, tensor.dtype), tensor.dtype, options)
    return _layout(iter(texts), width, shape, cut, indent, options) if shape else texts[0]


def _edges(tensor: Tensor, cut: list[bool], edgeitems: int) -> Any:
    """A NumPy array of the elements that a summary shows."""
    last = len(cut) - 1
    mesh: list[list[Any]] = []
    for axis, (length, is_cut) in enumerate(zip(tensor.shape, cut, strict=True)):
        positions = [*range(edgeitems), *range(length - edgeitems, length)] if is_cut else [*range(length)]
        # The positions along this axis lie along it in the index too, so that the axes' indices broadcast.
        index: list[Any] = positions
        for _ in range(last - axis):
            index = [[item] for item in index]
        mesh.append(index)
    backend = tensor.backend
    getitem = None if tensor.device.type == "cpu" else backend.kernel("getitem")
    if getitem is None:
        return elements_read("printing", backend, tensor.array)[tuple(mesh)]
    # Elsewhere than in host memory, to_numpy of the whole tensor would transfer all of it.

    key = tuple(backend.from_data(index, int64, tensor.device) for index in mesh)
    return elements_read("printing", backend, getitem(tensor.array, key))


def _as_list(elements: Any, dtype: DType) -> list[Any]:
    """The elements of a NumPy array as a flat list of Python scalars."""
    flat = elements.reshape(-1)
    if dtype.name == "bfloat16":  # an extension type of NumPy's, whose tolist gives its own scalars
        flat = flat.astype("float32")
    values: list[Any] = flat.tolist()
    return values


# --- elements


def _texts(values: list[Any], dtype: DType, options: PrintOptions) -> tuple[list[str], int]:
    """The text of each element, and the width that lines are broken by."""
    if dtype.is_complex:
        reals, real_width = _float_texts([value.real for value in values], options)
        imags, imag_width = _float_texts([value.imag for value in values], options)
        return list(map(_complex_text, reals, imags)), real_width + imag_width + 1
    if dtype.is_floating_point:
        return _float_texts(values, options)
    texts = list(map(str, values))
    width = max(map(len, texts))
    return [text.rjust(width) for text in texts], width


def _complex_text(real: str, imag: str) -> str:
    imag = imag.lstrip()
    return f"{real}{imag}j" if imag.startswith("-") else f"{real}+{imag}j"


def _float_texts(values: list[float], options: PrintOptions) -> tuple[list[str], int]:
    """Texts in one notation: ``1.`` if all are whole numbers, ``1.0000`` or ``1.0000e+00``.

    Zeros, infinities and NaNs have no say in the notation nor in the width, which they may exceed.
    """
    telling = [value for value in values if value and math.isfinite(value)]
    if not telling:
        return [_whole_text(value) for value in values], 1
    if options.sci_mode if options.sci_mode is not None else _magnitudes_need_exponents(telling):
        spec = f".{options.precision}e"
    elif all(map(float.is_integer, telling)):
        width = max(len(_whole_text(value)) for value in telling)
        return [_whole_text(value).rjust(width) for value in values], width
    else:
        spec = f".{options.precision}f"
    width = max(len(format(value, spec)) for value in telling)
    return [format(value, spec).rjust(width) for value in values], width


def _whole_text(value: float) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


def _magnitudes_need_exponents(values: list[float]) -> bool:
    magnitudes = list(map(abs, values))
    smallest, largest = min(magnitudes), max(magnitudes)
    return largest / smallest > 1000.0 or largest > 1.0e8 or smallest < 1.0e-4


# --- layout


def _layout(
    texts: Iterator[str],
    width: int,
    shape: Sequence[int],
    cut: Sequence[bool],
    indent: int,
    options: PrintOptions,
) -> str:
    """Put the next texts, as many as `shape` shows, in nested brackets broken into lines."""
    shown = 2 * options.edgeitems if cut[0] else shape[0]
    if len(shape) == 1:
        cells = list(islice(texts, shown))
        if cut[0]:
            cells.insert(options.edgeitems, " ...")
        cells_per_line = max(1, (options.linewidth - indent) // (width + len(", ")))
        parts = [", ".join(cells[i : i + cells_per_line]) for i in range(0, len(cells), cells_per_line)]
        line_breaks = "\n"
    else:
        parts = [_layout(texts, width, shape[1:], cut[1:], indent + 1, options) for _ in range(shown)]
        if cut[0]:
            parts.insert(options.edgeitems, "...")
        line_breaks = "\n" * (len(shape) - 1)
    return "[" + f",{line_breaks}{' ' * (indent + 1)}".join(parts) + "]"


# --- suffixes


def _suffixes(
    tensor: Tensor,
    default_dtype: DType | None,
    tangent: Tensor | None,
    abstract: bool,
    options: PrintOptions,
) -> list[str]:
    """What the elements alone do not tell, in PyTorch's order."""
    if default_dtype is None:
        default_dtype = get_default_dtype()
    shape, dtype = tensor.shape, tensor.dtype
    empty = math.prod(shape) == 0

    suffixes = []
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    # A list of no elements can only be of shape (0,).
    if abstract or (empty and len(shape) != 1) or not (empty or options.edgeitems):
        suffixes.append(f"size={tuple(shape)}")
    if dtype is not default_dtype and (abstract or empty or not _literals_tell(dtype, default_dtype)):
        suffixes.append(f"dtype={dtype}")
    grad_fn = _grad_fn_name(tensor)
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    if tangent is not None:
        suffixes.append(f"tangent={tangent}")
    return suffixes


def _literals_tell(dtype: DType, default_dtype: DType) -> bool:
    """Whether the elements as written would give a tensor of this dtype again."""
    return dtype.name in ("int64", "bool") or (dtype.is_complex and dtype is default_dtype.to_complex())


def _grad_fn_name(tensor: Tensor) -> str | None:
    try:
        grad_fn = tensor.grad_fn
    except RuntimeError:
        # The history of a view that was written to without grad mode cannot be made; it can still be printed.
        return "Invalid"
    return None if grad_fn is None else grad_fn.name().rsplit("::", 1)[-1]


def _append(text: str, suffixes: list[str], indent: int, linewidth: int) -> str:
    """Append the suffixes, each on a new line if this one has no room for it."""
    # PyTorch counts two characters more than a line of elements has, and so breaks a little early.
    line_length = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if line_length + len(suffix) + len(", ") > linewidth:
            text += f",\n{' ' * indent}{suffix}"
            line_length = indent + len(suffix)
        else:
            text += f", {suffix}"
            line_length += len(suffix) + len(", ")
    return text
