# Written by `python tools/stubs.py` from the operations' declarations: change those.

import builtins
from collections.abc import Sequence
from math import e, inf, nan, pi
from typing import Any, Literal, overload

from pullback import autograd, cuda, func, nn, optim, overrides, return_types, testing, utils
from pullback.autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled
from pullback.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from pullback.backend.base import Backend
from pullback.backend.selection import (
    available_backends,
    current_backend,
    get_backend,
    set_default_backend,
    use_backend,
)
from pullback.backend.transfers import transfer_guard
from pullback.dispatch.declaration import Number
from pullback.dispatch.fallback import FallbackCall, FallbackReport, fallback
from pullback.errors import (
    BackendError,
    BackendUnavailableError,
    FallbackWarning,
    MissingKernelError,
    PluginError,
    PluginWarning,
    TransferError,
    UnknownBackendError,
)
from pullback.func.mapping import vmap
from pullback.interop.dlpack import from_dlpack
from pullback.interop.serialization import load, save
from pullback.meta.devices import Device
from pullback.meta.devices import Device as device
from pullback.meta.dtypes import (
    DType,
    bfloat16,
    can_cast,
    complex64,
    complex128,
    float16,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
    uint16,
    uint32,
    uint64,
)
from pullback.meta.dtypes import DType as dtype
from pullback.meta.dtypes import bool_ as bool
from pullback.meta.dtypes import complex64 as cfloat
from pullback.meta.dtypes import complex128 as cdouble
from pullback.meta.dtypes import float16 as half
from pullback.meta.dtypes import float32 as float
from pullback.meta.dtypes import float64 as double
from pullback.meta.dtypes import int16 as short
from pullback.meta.dtypes import int32 as int
from pullback.meta.dtypes import int64 as long
from pullback.meta.formats import (
    MemoryFormat,
    StorageLayout,
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
    strided,
)
from pullback.meta.formats import MemoryFormat as memory_format
from pullback.meta.formats import StorageLayout as layout
from pullback.meta.limits import finfo, iinfo
from pullback.meta.shapes import Dims, Size, Sizes
from pullback.ops.creation.conversion import cpu, fill_, zero_
from pullback.ops.creation.filled import (
    empty_like,
    empty_permuted,
    empty_strided,
    full_like,
    ones_like,
    scalar_tensor,
    zeros_like,
)
from pullback.ops.creation.from_data import as_tensor, asarray, from_numpy, frombuffer, tensor
from pullback.ops.creation.grids import cartesian_prod, combinations, meshgrid, tril_indices, triu_indices, vander
from pullback.ops.creation.legacy_types import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)
from pullback.ops.creation.windows import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window
from pullback.ops.indexing.masking import masked_fill
from pullback.ops.indexing.reading_and_writing import argwhere, index_put
from pullback.ops.indexing.slices import index_fill
from pullback.ops.linalg.einsum import einsum
from pullback.ops.nn.classification_losses import binary_cross_entropy_with_logits
from pullback.ops.nn.inplace_activations import celu_, selu_, threshold_
from pullback.ops.pointwise.clamping import clamp_, clamp_max_, clamp_min_
from pullback.ops.pointwise.clamping import clamp_ as clip_
from pullback.ops.pointwise.closeness import allclose, equal, isclose
from pullback.ops.pointwise.complex_numbers import conj, imag, real
from pullback.ops.pointwise.unary import positive
from pullback.ops.random.drawing import rand_like, randint_like, randn_like
from pullback.ops.reduction.sums import count_nonzero, std_mean, var_mean
from pullback.ops.shape.attributes import (
    get_device,
    is_conj,
    is_inference,
    is_neg,
    is_nonzero,
    is_same_size,
    is_storage,
    resolve_conj,
    resolve_neg,
    typename,
)
from pullback.ops.shape.diagonals import block_diag, diagflat
from pullback.ops.shape.expanding import broadcast_shapes, broadcast_tensors, broadcast_to
from pullback.ops.shape.queries import is_complex, is_floating_point, is_signed, is_tensor, numel, result_type
from pullback.ops.shape.rearranging import fliplr, flipud, repeat_interleave, tile
from pullback.ops.shape.reshaping import atleast_1d, atleast_2d, atleast_3d, flatten, ravel, reshape, unflatten
from pullback.ops.shape.slicing import chunk, dsplit, hsplit, narrow, split, tensor_split, vsplit
from pullback.ops.shape.striding import as_strided
from pullback.ops.shape.transposing import adjoint, movedim
from pullback.ops.shape.transposing import movedim as moveaxis
from pullback.printing import get_printoptions, printoptions, set_printoptions
from pullback.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from pullback.return_types import MinAndMax, ValuesAndIndices
from pullback.tensor import Tensor

__all__ = [
    "BFloat16Tensor",
    "BackendError",
    "BackendUnavailableError",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
    "FallbackCall",
    "FallbackReport",
    "FallbackWarning",
    "FloatTensor",
    "Generator",
    "HalfTensor",
    "IntTensor",
    "LongTensor",
    "MissingKernelError",
    "PluginError",
    "PluginWarning",
    "ShortTensor",
    "Size",
    "Tensor",
    "TransferError",
    "UnknownBackendError",
    "abs",
    "abs_",
    "absolute",
    "acos",
    "acos_",
    "acosh",
    "acosh_",
    "add",
    "addbmm",
    "addcdiv",
    "addcmul",
    "addmm",
    "addmv",
    "addmv_",
    "addr",
    "adjoint",
    "all",
    "allclose",
    "amax",
    "amin",
    "aminmax",
    "angle",
    "any",
    "arange",
    "arccos",
    "arccos_",
    "arccosh",
    "arccosh_",
    "arcsin",
    "arcsin_",
    "arcsinh",
    "arcsinh_",
    "arctan",
    "arctan2",
    "arctan_",
    "arctanh",
    "arctanh_",
    "argmax",
    "argmin",
    "argsort",
    "argwhere",
    "as_strided",
    "as_tensor",
    "asarray",
    "asin",
    "asin_",
    "asinh",
    "asinh_",
    "atan",
    "atan2",
    "atan_",
    "atanh",
    "atanh_",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "autograd",
    "available_backends",
    "baddbmm",
    "bartlett_window",
    "bernoulli",
    "bfloat16",
    "binary_cross_entropy_with_logits",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "blackman_window",
    "block_diag",
    "bmm",
    "bool",
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "can_cast",
    "cartesian_prod",
    "cat",
    "cdouble",
    "ceil",
    "ceil_",
    "celu",
    "celu_",
    "cfloat",
    "channels_last",
    "channels_last_3d",
    "chunk",
    "clamp",
    "clamp_",
    "clamp_max",
    "clamp_max_",
    "clamp_min",
    "clamp_min_",
    "clip",
    "clip_",
    "clone",
    "column_stack",
    "combinations",
    "complex",
    "complex64",
    "complex128",
    "concat",
    "concatenate",
    "conj",
    "conj_physical",
    "conj_physical_",
    "contiguous_format",
    "copysign",
    "cos",
    "cos_",
    "cosh",
    "cosh_",
    "count_nonzero",
    "cpu",
    "cuda",
    "cumprod",
    "cumsum",
    "current_backend",
    "default_generator",
    "deg2rad",
    "deg2rad_",
    "detach_",
    "device",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_copy",
    "diagonal_scatter",
    "digamma",
    "div",
    "divide",
    "dot",
    "double",
    "dsplit",
    "dstack",
    "dtype",
    "e",
    "einsum",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "enable_grad",
    "eq",
    "equal",
    "erf",
    "erf_",
    "erfc",
    "erfc_",
    "erfinv",
    "exp",
    "exp2",
    "exp2_",
    "exp_",
    "expm1",
    "expm1_",
    "eye",
    "fallback",
    "fill",
    "fill_",
    "finfo",
    "fix",
    "fix_",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "float",
    "float16",
    "float32",
    "float64",
    "float_power",
    "floor",
    "floor_",
    "floor_divide",
    "fmod",
    "frac",
    "frac_",
    "from_dlpack",
    "from_numpy",
    "frombuffer",
    "full",
    "full_like",
    "func",
    "gather",
    "gcd",
    "gcd_",
    "ge",
    "ger",
    "get_backend",
    "get_default_dtype",
    "get_device",
    "get_printoptions",
    "get_rng_state",
    "greater",
    "greater_equal",
    "gt",
    "half",
    "hamming_window",
    "hann_window",
    "heaviside",
    "hsplit",
    "hstack",
    "hypot",
    "iinfo",
    "imag",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_reduce",
    "index_select",
    "inf",
    "inference_mode",
    "initial_seed",
    "inner",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_grad_enabled",
    "is_inference",
    "is_inference_mode_enabled",
    "is_neg",
    "is_nonzero",
    "is_same_size",
    "is_signed",
    "is_storage",
    "is_tensor",
    "isclose",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "kaiser_window",
    "layout",
    "lcm",
    "lcm_",
    "ldexp",
    "ldexp_",
    "le",
    "lerp",
    "less",
    "less_equal",
    "lgamma",
    "linspace",
    "load",
    "log",
    "log1p",
    "log1p_",
    "log2",
    "log2_",
    "log10",
    "log10_",
    "log_",
    "log_softmax",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "logit",
    "logit_",
    "logspace",
    "logsumexp",
    "long",
    "lt",
    "manual_seed",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "matmul",
    "max",
    "maximum",
    "mean",
    "median",
    "memory_format",
    "meshgrid",
    "min",
    "minimum",
    "mm",
    "moveaxis",
    "movedim",
    "msort",
    "mul",
    "multinomial",
    "multiply",
    "mv",
    "mvlgamma",
    "nan",
    "nan_to_num",
    "nan_to_num_",
    "nansum",
    "narrow",
    "ne",
    "neg",
    "neg_",
    "negative",
    "negative_",
    "nextafter",
    "nn",
    "no_grad",
    "nonzero",
    "norm",
    "normal",
    "not_equal",
    "numel",
    "ones",
    "ones_like",
    "optim",
    "outer",
    "overrides",
    "permute",
    "pi",
    "poisson",
    "polar",
    "polygamma",
    "positive",
    "pow",
    "preserve_format",
    "printoptions",
    "prod",
    "promote_types",
    "put",
    "rad2deg",
    "rad2deg_",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "range",
    "ravel",
    "real",
    "reciprocal",
    "reciprocal_",
    "relu",
    "relu_",
    "remainder",
    "repeat_interleave",
    "reshape",
    "resolve_conj",
    "resolve_neg",
    "result_type",
    "roll",
    "rot90",
    "round",
    "round_",
    "row_stack",
    "rsqrt",
    "rsqrt_",
    "rsub",
    "save",
    "scalar_tensor",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "seed",
    "select",
    "select_scatter",
    "selu",
    "selu_",
    "set_anomaly_enabled",
    "set_default_backend",
    "set_default_dtype",
    "set_grad_enabled",
    "set_printoptions",
    "set_rng_state",
    "sgn",
    "short",
    "sigmoid",
    "sigmoid_",
    "sign",
    "signbit",
    "sin",
    "sin_",
    "sinc",
    "sinc_",
    "sinh",
    "sinh_",
    "slice_scatter",
    "softmax",
    "sort",
    "split",
    "split_with_sizes",
    "sqrt",
    "sqrt_",
    "square",
    "square_",
    "squeeze",
    "stack",
    "std",
    "std_mean",
    "strided",
    "sub",
    "subtract",
    "sum",
    "swapaxes",
    "swapdims",
    "t",
    "take",
    "take_along_dim",
    "tan",
    "tan_",
    "tanh",
    "tanh_",
    "tensor",
    "tensor_split",
    "tensordot",
    "testing",
    "threshold",
    "threshold_",
    "tile",
    "topk",
    "trace",
    "transfer_guard",
    "transpose",
    "tril",
    "tril_indices",
    "triu",
    "triu_indices",
    "true_divide",
    "trunc",
    "trunc_",
    "typename",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unbind",
    "unflatten",
    "unsqueeze",
    "use_backend",
    "utils",
    "vander",
    "var",
    "var_mean",
    "vdot",
    "view_as_complex",
    "view_as_real",
    "vmap",
    "vsplit",
    "vstack",
    "where",
    "xlogy",
    "xlogy_",
    "zero_",
    "zeros",
    "zeros_like",
]

__version__: str

def abs(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def abs_(input: Tensor) -> Tensor: ...
def absolute(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def acos(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def acos_(input: Tensor) -> Tensor: ...
def acosh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def acosh_(input: Tensor) -> Tensor: ...
@overload
def add(input: Tensor, other: Tensor | Number, *, alpha: builtins.complex = 1, out: Tensor | None = None) -> Tensor: ...
@overload
def add(input: Number, other: Tensor, *, alpha: builtins.complex = 1, out: Tensor | None = None) -> Tensor: ...
def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: builtins.complex = 1,
    alpha: builtins.complex = 1,
    out: Tensor | None = None,
) -> Tensor: ...
def addcdiv(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.complex = 1, out: Tensor | None = None
) -> Tensor: ...
def addcmul(
    input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: builtins.complex = 1, out: Tensor | None = None
) -> Tensor: ...
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: builtins.complex = 1,
    alpha: builtins.complex = 1,
    out: Tensor | None = None,
) -> Tensor: ...
def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: builtins.complex = 1,
    alpha: builtins.complex = 1,
    out: Tensor | None = None,
) -> Tensor: ...
def addmv_(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: builtins.complex = 1, alpha: builtins.complex = 1
) -> Tensor: ...
def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: builtins.complex = 1,
    alpha: builtins.complex = 1,
    out: Tensor | None = None,
) -> Tensor: ...
def all(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
def amax(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
def amin(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
def aminmax(
    input: Tensor,
    *,
    dim: builtins.int | None = None,
    keepdim: builtins.bool = False,
    out: Sequence[Tensor] | None = None,
) -> MinAndMax: ...
def angle(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def any(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def arccos(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arccos_(input: Tensor) -> Tensor: ...
def arccosh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arccosh_(input: Tensor) -> Tensor: ...
def arcsin(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arcsin_(input: Tensor) -> Tensor: ...
def arcsinh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arcsinh_(input: Tensor) -> Tensor: ...
def arctan(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arctan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arctan_(input: Tensor) -> Tensor: ...
def arctanh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def arctanh_(input: Tensor) -> Tensor: ...
def argmax(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None
) -> Tensor: ...
def argmin(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None
) -> Tensor: ...
def argsort(
    input: Tensor,
    dim: builtins.int = -1,
    descending: builtins.bool = False,
    stable: builtins.bool = False,
    *,
    out: Tensor | None = None,
) -> Tensor: ...
def asin(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def asin_(input: Tensor) -> Tensor: ...
def asinh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def asinh_(input: Tensor) -> Tensor: ...
def atan(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def atan2(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def atan_(input: Tensor) -> Tensor: ...
def atanh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def atanh_(input: Tensor) -> Tensor: ...
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: builtins.complex = 1,
    alpha: builtins.complex = 1,
    out: Tensor | None = None,
) -> Tensor: ...
def bernoulli(
    input: Tensor, p: builtins.float | None = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor: ...
@overload
def bitwise_and(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_and(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_left_shift(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_left_shift(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def bitwise_not(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_or(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_or(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_right_shift(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_right_shift(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_xor(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def bitwise_xor(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def cat(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
def ceil(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def ceil_(input: Tensor) -> Tensor: ...
def celu(input: Tensor, alpha: builtins.float = 1.0) -> Tensor: ...
def clamp(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor: ...
def clamp_max(input: Tensor, max: Any, *, out: Tensor | None = None) -> Tensor: ...
def clamp_min(input: Tensor, min: Any, *, out: Tensor | None = None) -> Tensor: ...
def clip(input: Tensor, min: Any = None, max: Any = None, *, out: Tensor | None = None) -> Tensor: ...
def clone(input: Tensor, *, memory_format: MemoryFormat | None = None) -> Tensor: ...
def column_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor: ...
def complex(real: Tensor, imag: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def concat(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
def concatenate(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
def conj_physical(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def conj_physical_(input: Tensor) -> Tensor: ...
def copysign(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def cos(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def cos_(input: Tensor) -> Tensor: ...
def cosh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def cosh_(input: Tensor) -> Tensor: ...
def cumprod(input: Tensor, dim: builtins.int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor: ...
def cumsum(input: Tensor, dim: builtins.int, *, dtype: DType | None = None, out: Tensor | None = None) -> Tensor: ...
def deg2rad(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def deg2rad_(input: Tensor) -> Tensor: ...
def detach_(input: Tensor) -> Tensor: ...
def diag(input: Tensor, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
def diag_embed(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor: ...
def diagonal(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor: ...
def diagonal_copy(
    input: Tensor,
    offset: builtins.int = 0,
    dim1: builtins.int = 0,
    dim2: builtins.int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor: ...
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1
) -> Tensor: ...
def digamma(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def div(
    input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor: ...
def divide(
    input: Tensor, other: Tensor | Number, *, rounding_mode: str | None = None, out: Tensor | None = None
) -> Tensor: ...
def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def dstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor: ...
def empty(
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    memory_format: MemoryFormat | None = None,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def eq(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def erf(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def erf_(input: Tensor) -> Tensor: ...
def erfc(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def erfc_(input: Tensor) -> Tensor: ...
def erfinv(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def exp(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def exp2(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def exp2_(input: Tensor) -> Tensor: ...
def exp_(input: Tensor) -> Tensor: ...
def expm1(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def expm1_(input: Tensor) -> Tensor: ...
def eye(
    n: builtins.int,
    m: builtins.int | None = None,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def fill(input: Tensor, value: Any) -> Tensor: ...
def fix(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def fix_(input: Tensor) -> Tensor: ...
def flip(input: Tensor, dims: builtins.int | Sequence[builtins.int]) -> Tensor: ...
def float_power(input: Any, exponent: Any, *, out: Tensor | None = None) -> Tensor: ...
def floor(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def floor_(input: Tensor) -> Tensor: ...
@overload
def floor_divide(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def floor_divide(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def fmod(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def frac(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def frac_(input: Tensor) -> Tensor: ...
def full(
    size: Sizes,
    fill_value: Any,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def gather(
    input: Tensor, dim: builtins.int, index: Tensor, *, sparse_grad: builtins.bool = False, out: Tensor | None = None
) -> Tensor: ...
def gcd(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def gcd_(input: Tensor, other: Tensor) -> Tensor: ...
def ge(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def ger(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def greater(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def greater_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def gt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def heaviside(input: Tensor, values: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def hstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor: ...
def hypot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def index_add(
    input: Tensor,
    dim: builtins.int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: builtins.float = 1,
    out: Tensor | None = None,
) -> Tensor: ...
def index_copy(
    input: Tensor, dim: builtins.int, index: Tensor, source: Tensor, *, out: Tensor | None = None
) -> Tensor: ...
def index_reduce(
    input: Tensor,
    dim: builtins.int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: builtins.bool = True,
    out: Tensor | None = None,
) -> Tensor: ...
def index_select(input: Tensor, dim: builtins.int, index: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def inner(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def isfinite(input: Tensor) -> Tensor: ...
def isin(
    elements: Tensor | builtins.float,
    test_elements: Tensor | builtins.float,
    *,
    assume_unique: builtins.bool = False,
    invert: builtins.bool = False,
    out: Tensor | None = None,
) -> Tensor: ...
def isinf(input: Tensor) -> Tensor: ...
def isnan(input: Tensor) -> Tensor: ...
def lcm(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def lcm_(input: Tensor, other: Tensor) -> Tensor: ...
def ldexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def ldexp_(input: Tensor, other: Tensor) -> Tensor: ...
def le(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def lerp(input: Tensor, end: Tensor, weight: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def less(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def less_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def lgamma(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def linspace(
    start: Any,
    end: Any,
    steps: builtins.int,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def log(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def log10(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def log10_(input: Tensor) -> Tensor: ...
def log1p(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def log1p_(input: Tensor) -> Tensor: ...
def log2(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def log2_(input: Tensor) -> Tensor: ...
def log_(input: Tensor) -> Tensor: ...
def log_softmax(
    input: Tensor, dim: builtins.int, dtype: DType | None = None, *, out: Tensor | None = None
) -> Tensor: ...
def logaddexp(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def logical_and(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def logical_not(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def logical_or(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def logical_xor(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def logit(input: Tensor, eps: builtins.float | None = None, *, out: Tensor | None = None) -> Tensor: ...
def logit_(input: Tensor, eps: builtins.float | None = None) -> Tensor: ...
def logspace(
    start: Any,
    end: Any,
    steps: builtins.int,
    base: builtins.float = 10.0,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def logsumexp(input: Tensor, dim: Dims, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
def lt(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor: ...
def masked_select(input: Tensor, mask: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def max(input: Tensor, dim: None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
@overload
def max(
    input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: Sequence[Tensor] | None = None
) -> ValuesAndIndices: ...
@overload
def max(input: Tensor, dim: Tensor, /, *, out: Tensor | None = None) -> Tensor: ...
@overload
def max(input: Tensor, *, other: Tensor, out: Tensor | None = None) -> Tensor: ...
def maximum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def mean(
    input: Tensor,
    dim: Dims = None,
    keepdim: builtins.bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
@overload
def median(input: Tensor, dim: None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
@overload
def median(
    input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: Sequence[Tensor] | None = None
) -> ValuesAndIndices: ...
@overload
def min(input: Tensor, dim: None = None, keepdim: builtins.bool = False, *, out: Tensor | None = None) -> Tensor: ...
@overload
def min(
    input: Tensor, dim: builtins.int, keepdim: builtins.bool = False, *, out: Sequence[Tensor] | None = None
) -> ValuesAndIndices: ...
@overload
def min(input: Tensor, dim: Tensor, /, *, out: Tensor | None = None) -> Tensor: ...
@overload
def min(input: Tensor, *, other: Tensor, out: Tensor | None = None) -> Tensor: ...
def minimum(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def msort(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def mul(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def mul(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def multinomial(
    input: Tensor,
    num_samples: builtins.int,
    replacement: builtins.bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
@overload
def multiply(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def multiply(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def mvlgamma(input: Tensor, p: builtins.int, *, out: Tensor | None = None) -> Tensor: ...
def nan_to_num(
    input: Tensor,
    nan: builtins.float | None = 0.0,
    posinf: builtins.float | None = None,
    neginf: builtins.float | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor: ...
def nan_to_num_(
    input: Tensor,
    nan: builtins.float | None = 0.0,
    posinf: builtins.float | None = None,
    neginf: builtins.float | None = None,
) -> Tensor: ...
def nansum(
    input: Tensor,
    dim: Dims = None,
    keepdim: builtins.bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def ne(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def neg(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def neg_(input: Tensor) -> Tensor: ...
def negative(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def negative_(input: Tensor) -> Tensor: ...
def nextafter(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[False] = False, out: Tensor | None = None) -> Tensor: ...
@overload
def nonzero(input: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
def norm(
    input: Tensor,
    p: builtins.float | str | None = "fro",
    dim: Dims = None,
    keepdim: builtins.bool = False,
    dtype: DType | None = None,
    *,
    out: Tensor | None = None,
) -> Tensor: ...
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def not_equal(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
def ones(
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def permute(input: Tensor, dims: Sequence[builtins.int]) -> Tensor: ...
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor: ...
def polar(abs: Tensor, angle: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def polygamma(n: builtins.int, input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
@overload
def pow(input: Tensor, exponent: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def pow(input: Number, exponent: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def prod(
    input: Tensor,
    dim: builtins.int | None = None,
    keepdim: builtins.bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: builtins.bool = False) -> Tensor: ...
def rad2deg(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def rad2deg_(input: Tensor) -> Tensor: ...
def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def randint(
    *bounds_and_size: Any,
    low: builtins.int | None = None,
    high: builtins.int | None = None,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def randperm(
    n: builtins.int,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def range(
    start: Any,
    end: Any,
    step: Any = 1,
    *,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def reciprocal(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def reciprocal_(input: Tensor) -> Tensor: ...
def relu(input: Tensor) -> Tensor: ...
def relu_(input: Tensor) -> Tensor: ...
@overload
def remainder(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def remainder(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def roll(
    input: Tensor,
    shifts: builtins.int | Sequence[builtins.int],
    dims: builtins.int | Sequence[builtins.int] | None = None,
) -> Tensor: ...
def rot90(input: Tensor, k: builtins.int = 1, dims: Sequence[builtins.int] = ...) -> Tensor: ...
def round(input: Tensor, *, decimals: builtins.int = 0, out: Tensor | None = None) -> Tensor: ...
def round_(input: Tensor, *, decimals: builtins.int = 0) -> Tensor: ...
def row_stack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor: ...
def rsqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def rsqrt_(input: Tensor) -> Tensor: ...
def rsub(input: Tensor, other: Tensor | Number, *, alpha: builtins.complex = 1) -> Tensor: ...
def scatter(
    input: Tensor,
    dim: builtins.int,
    index: Tensor,
    src: Any = None,
    *,
    value: Any = None,
    reduce: str | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def scatter_add(
    input: Tensor, dim: builtins.int, index: Tensor, src: Tensor, *, out: Tensor | None = None
) -> Tensor: ...
def scatter_reduce(
    input: Tensor,
    dim: builtins.int,
    index: Tensor,
    src: Tensor,
    reduce: str,
    *,
    include_self: builtins.bool = True,
    out: Tensor | None = None,
) -> Tensor: ...
def select(input: Tensor, dim: builtins.int, index: builtins.int) -> Tensor: ...
def select_scatter(input: Tensor, src: Tensor, dim: builtins.int, index: builtins.int) -> Tensor: ...
def selu(input: Tensor) -> Tensor: ...
def sgn(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sigmoid(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sigmoid_(input: Tensor) -> Tensor: ...
def sign(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def signbit(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sin(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sin_(input: Tensor) -> Tensor: ...
def sinc(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sinc_(input: Tensor) -> Tensor: ...
def sinh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sinh_(input: Tensor) -> Tensor: ...
def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: builtins.int = 0,
    start: builtins.int | None = None,
    end: builtins.int | None = None,
    step: builtins.int = 1,
    *,
    out: Tensor | None = None,
) -> Tensor: ...
def softmax(input: Tensor, dim: builtins.int, dtype: DType | None = None, *, out: Tensor | None = None) -> Tensor: ...
def sort(
    input: Tensor,
    dim: builtins.int = -1,
    descending: builtins.bool = False,
    stable: builtins.bool | None = None,
    *,
    out: Sequence[Tensor] | None = None,
) -> return_types.ValuesAndIndices: ...
def split_with_sizes(
    input: Tensor, split_sizes: Sequence[builtins.int], dim: builtins.int = 0
) -> tuple[Tensor, ...]: ...
def sqrt(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def sqrt_(input: Tensor) -> Tensor: ...
def square(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def square_(input: Tensor) -> Tensor: ...
def squeeze(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor: ...
def stack(tensors: Sequence[Tensor], dim: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: builtins.bool | None = None,
    keepdim: builtins.bool = False,
    *,
    correction: builtins.float | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
@overload
def sub(input: Tensor, other: Tensor | Number, *, alpha: builtins.complex = 1, out: Tensor | None = None) -> Tensor: ...
@overload
def sub(input: Number, other: Tensor, *, alpha: builtins.complex = 1, out: Tensor | None = None) -> Tensor: ...
@overload
def subtract(
    input: Tensor, other: Tensor | Number, *, alpha: builtins.complex = 1, out: Tensor | None = None
) -> Tensor: ...
@overload
def subtract(input: Number, other: Tensor, *, alpha: builtins.complex = 1, out: Tensor | None = None) -> Tensor: ...
def sum(
    input: Tensor,
    dim: Dims = None,
    keepdim: builtins.bool = False,
    *,
    dtype: DType | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def swapaxes(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def swapdims(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def t(input: Tensor) -> Tensor: ...
def take(input: Tensor, index: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def take_along_dim(
    input: Tensor, indices: Tensor, dim: builtins.int | None = None, *, out: Tensor | None = None
) -> Tensor: ...
def tan(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def tan_(input: Tensor) -> Tensor: ...
def tanh(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def tanh_(input: Tensor) -> Tensor: ...
def tensordot(a: Tensor, b: Tensor, dims: Any = 2, *, out: Tensor | None = None) -> Tensor: ...
def threshold(
    input: Tensor, threshold: builtins.float, value: builtins.float, *, out: Tensor | None = None
) -> Tensor: ...
def topk(
    input: Tensor,
    k: builtins.int,
    dim: builtins.int = -1,
    largest: builtins.bool = True,
    sorted: builtins.bool = True,
    *,
    out: Sequence[Tensor] | None = None,
) -> return_types.ValuesAndIndices: ...
def trace(input: Tensor) -> Tensor: ...
def transpose(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def tril(input: Tensor, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
def triu(input: Tensor, diagonal: builtins.int = 0, *, out: Tensor | None = None) -> Tensor: ...
@overload
def true_divide(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def true_divide(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def trunc(input: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def trunc_(input: Tensor) -> Tensor: ...
def unbind(input: Tensor, dim: builtins.int = 0) -> tuple[Tensor, ...]: ...
def unsqueeze(input: Tensor, dim: builtins.int) -> Tensor: ...
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: builtins.bool | None = None,
    keepdim: builtins.bool = False,
    *,
    correction: builtins.float | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def view_as_complex(input: Tensor) -> Tensor: ...
def view_as_real(input: Tensor) -> Tensor: ...
def vstack(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor: ...
@overload
def where(condition: Tensor) -> tuple[Tensor, ...]: ...
@overload
def where(
    condition: Tensor, input: Tensor | Number, other: Tensor | Number, *, out: Tensor | None = None
) -> Tensor: ...
@overload
def xlogy(input: Tensor, other: Tensor | Number, *, out: Tensor | None = None) -> Tensor: ...
@overload
def xlogy(input: Number, other: Tensor, *, out: Tensor | None = None) -> Tensor: ...
def xlogy_(input: Tensor, other: Tensor | Number) -> Tensor: ...
def zeros(
    *sizes: Sizes,
    size: Sizes | None = None,
    dtype: DType | None = None,
    layout: StorageLayout | None = None,
    device: Device | str | None = None,
    pin_memory: builtins.bool = False,
    requires_grad: builtins.bool = False,
    backend: str | Backend | None = None,
    out: Tensor | None = None,
) -> Tensor: ...
