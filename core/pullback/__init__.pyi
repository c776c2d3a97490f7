# Written by `python -m pullback.stubs` from the operations' declarations: change those.

import builtins
from collections.abc import Sequence
from math import e, inf, nan, pi
from typing import Any, overload

from pullback import autograd, cuda, nn, optim, return_types
from pullback.autograd.grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from pullback.backend.selection import (
    available_backends,
    current_backend,
    get_backend,
    set_default_backend,
    use_backend,
)
from pullback.devices import Device as device
from pullback.dtypes import (
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
from pullback.dtypes import DType as dtype
from pullback.dtypes import bool_ as bool
from pullback.dtypes import complex64 as cfloat
from pullback.dtypes import complex128 as cdouble
from pullback.dtypes import float16 as half
from pullback.dtypes import float32 as float
from pullback.dtypes import float64 as double
from pullback.dtypes import int16 as short
from pullback.dtypes import int32 as int
from pullback.dtypes import int64 as long
from pullback.errors import (
    BackendError,
    BackendUnavailableError,
    MissingKernelError,
    PluginError,
    PluginWarning,
    UnknownBackendError,
)
from pullback.op import Number
from pullback.ops.arithmetic import div
from pullback.ops.arithmetic import div as divide
from pullback.ops.binary import allclose, clamp, clamp_max, clamp_min, equal, float_power, isclose
from pullback.ops.binary import clamp as clip
from pullback.ops.classification_losses import binary_cross_entropy_with_logits
from pullback.ops.comparison import where
from pullback.ops.complex_numbers import conj, imag, real
from pullback.ops.contraction import einsum
from pullback.ops.conversion import cpu
from pullback.ops.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from pullback.ops.dims import Dims
from pullback.ops.extreme import aminmax, max, median, min
from pullback.ops.gathering import gather, index_select, take_along_dim
from pullback.ops.indexing import argwhere, index_put, nonzero
from pullback.ops.joining import column_stack, dstack, hstack, vstack
from pullback.ops.joining import vstack as row_stack
from pullback.ops.linalg import inner, outer, tensordot, vdot
from pullback.ops.linalg import outer as ger
from pullback.ops.masking import masked_fill
from pullback.ops.norm import norm
from pullback.ops.random import multinomial, normal, rand, rand_like, randint, randint_like, randn, randn_like, randperm
from pullback.ops.rearranging import (
    block_diag,
    cartesian_prod,
    diag,
    diagflat,
    fliplr,
    flipud,
    meshgrid,
    repeat_interleave,
    tile,
)
from pullback.ops.reduction import count_nonzero, std_mean, var_mean
from pullback.ops.scattering import index_add, index_copy, index_fill, scatter, scatter_add
from pullback.ops.shape import (
    adjoint,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    flatten,
    movedim,
    ravel,
    reshape,
    unflatten,
)
from pullback.ops.shape import movedim as moveaxis
from pullback.ops.slicing import chunk, dsplit, hsplit, narrow, split, tensor_split, vsplit
from pullback.ops.sorting import msort
from pullback.ops.unary import positive
from pullback.printing import get_printoptions, printoptions, set_printoptions
from pullback.queries import is_complex, is_floating_point, is_tensor, numel, result_type
from pullback.random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from pullback.size import Size
from pullback.tensor import Tensor

__all__ = [
    "BackendError",
    "BackendUnavailableError",
    "Generator",
    "MissingKernelError",
    "PluginError",
    "PluginWarning",
    "Size",
    "Tensor",
    "UnknownBackendError",
    "abs",
    "abs_",
    "absolute",
    "acos",
    "acos_",
    "acosh",
    "acosh_",
    "add",
    "addcdiv",
    "addcmul",
    "addmm",
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
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "argmax",
    "argmin",
    "argsort",
    "argwhere",
    "as_tensor",
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
    "bernoulli",
    "bfloat16",
    "binary_cross_entropy_with_logits",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
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
    "cfloat",
    "chunk",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "clone",
    "column_stack",
    "complex64",
    "complex128",
    "concat",
    "concatenate",
    "conj",
    "conj_physical",
    "conj_physical_",
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
    "device",
    "diag",
    "diag_embed",
    "diagflat",
    "diagonal",
    "diagonal_copy",
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
    "enable_grad",
    "eq",
    "equal",
    "erf",
    "erf_",
    "erfc",
    "erfc_",
    "exp",
    "exp2",
    "exp2_",
    "exp_",
    "expm1",
    "expm1_",
    "eye",
    "fill",
    "fix",
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
    "from_numpy",
    "full",
    "full_like",
    "gather",
    "ge",
    "ger",
    "get_backend",
    "get_default_dtype",
    "get_printoptions",
    "get_rng_state",
    "greater",
    "greater_equal",
    "gt",
    "half",
    "hsplit",
    "hstack",
    "hypot",
    "imag",
    "index_add",
    "index_copy",
    "index_fill",
    "index_put",
    "index_select",
    "inf",
    "initial_seed",
    "inner",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_complex",
    "is_floating_point",
    "is_grad_enabled",
    "is_tensor",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "le",
    "lerp",
    "less",
    "less_equal",
    "linspace",
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
    "nan",
    "nan_to_num",
    "nan_to_num_",
    "nansum",
    "narrow",
    "ne",
    "neg",
    "neg_",
    "negative",
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
    "permute",
    "pi",
    "positive",
    "pow",
    "printoptions",
    "prod",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "ravel",
    "real",
    "reciprocal",
    "reciprocal_",
    "relu",
    "relu_",
    "remainder",
    "repeat_interleave",
    "reshape",
    "result_type",
    "roll",
    "rot90",
    "round",
    "round_",
    "row_stack",
    "rsqrt",
    "rsqrt_",
    "rsub",
    "scatter",
    "scatter_add",
    "seed",
    "select",
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
    "sinh",
    "sinh_",
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
    "tile",
    "topk",
    "trace",
    "transpose",
    "tril",
    "triu",
    "true_divide",
    "trunc",
    "trunc_",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "unbind",
    "unflatten",
    "unsqueeze",
    "use_backend",
    "var",
    "var_mean",
    "vdot",
    "vsplit",
    "vstack",
    "where",
    "xlogy",
    "xlogy_",
    "zeros",
    "zeros_like",
]

__version__: str

def abs(input: Tensor) -> Tensor: ...
def abs_(input: Tensor) -> Tensor: ...
def absolute(input: Tensor) -> Tensor: ...
def acos(input: Tensor) -> Tensor: ...
def acos_(input: Tensor) -> Tensor: ...
def acosh(input: Tensor) -> Tensor: ...
def acosh_(input: Tensor) -> Tensor: ...
@overload
def add(input: Tensor, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor: ...
@overload
def add(input: Number, other: Tensor, *, alpha: builtins.float = 1) -> Tensor: ...
@overload
def addcdiv(
    input: Tensor, tensor1: Tensor | Number, tensor2: Tensor | Number, *, value: builtins.float = 1
) -> Tensor: ...
@overload
def addcdiv(input: Number, tensor1: Tensor, tensor2: Tensor | Number, *, value: builtins.float = 1) -> Tensor: ...
@overload
def addcdiv(input: Number, tensor1: Number, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor: ...
@overload
def addcmul(
    input: Tensor, tensor1: Tensor | Number, tensor2: Tensor | Number, *, value: builtins.float = 1
) -> Tensor: ...
@overload
def addcmul(input: Number, tensor1: Tensor, tensor2: Tensor | Number, *, value: builtins.float = 1) -> Tensor: ...
@overload
def addcmul(input: Number, tensor1: Number, tensor2: Tensor, *, value: builtins.float = 1) -> Tensor: ...
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: complex = 1, alpha: complex = 1) -> Tensor: ...
def all(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor: ...
def amax(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor: ...
def amin(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor: ...
def angle(input: Tensor) -> Tensor: ...
def any(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False) -> Tensor: ...
def arccos(input: Tensor) -> Tensor: ...
def arccosh(input: Tensor) -> Tensor: ...
def arcsin(input: Tensor) -> Tensor: ...
def arcsinh(input: Tensor) -> Tensor: ...
def arctan(input: Tensor) -> Tensor: ...
@overload
def arctan2(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def arctan2(input: Number, other: Tensor) -> Tensor: ...
def arctanh(input: Tensor) -> Tensor: ...
def argmax(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor: ...
def argmin(input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False) -> Tensor: ...
def argsort(
    input: Tensor, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool = False
) -> Tensor: ...
def asin(input: Tensor) -> Tensor: ...
def asin_(input: Tensor) -> Tensor: ...
def asinh(input: Tensor) -> Tensor: ...
def asinh_(input: Tensor) -> Tensor: ...
def atan(input: Tensor) -> Tensor: ...
@overload
def atan2(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def atan2(input: Number, other: Tensor) -> Tensor: ...
def atan_(input: Tensor) -> Tensor: ...
def atanh(input: Tensor) -> Tensor: ...
def atanh_(input: Tensor) -> Tensor: ...
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: complex = 1, alpha: complex = 1) -> Tensor: ...
def bernoulli(input: Tensor, p: builtins.float | None = None, *, generator: Generator | None = None) -> Tensor: ...
@overload
def bitwise_and(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def bitwise_and(input: Number, other: Tensor) -> Tensor: ...
@overload
def bitwise_left_shift(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def bitwise_left_shift(input: Number, other: Tensor) -> Tensor: ...
def bitwise_not(input: Tensor) -> Tensor: ...
@overload
def bitwise_or(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def bitwise_or(input: Number, other: Tensor) -> Tensor: ...
@overload
def bitwise_right_shift(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def bitwise_right_shift(input: Number, other: Tensor) -> Tensor: ...
@overload
def bitwise_xor(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def bitwise_xor(input: Number, other: Tensor) -> Tensor: ...
def bmm(input: Tensor, mat2: Tensor) -> Tensor: ...
def cat(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def ceil(input: Tensor) -> Tensor: ...
def ceil_(input: Tensor) -> Tensor: ...
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor: ...
def concat(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def concatenate(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def conj_physical(input: Tensor) -> Tensor: ...
def conj_physical_(input: Tensor) -> Tensor: ...
@overload
def copysign(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def copysign(input: Number, other: Tensor) -> Tensor: ...
def cos(input: Tensor) -> Tensor: ...
def cos_(input: Tensor) -> Tensor: ...
def cosh(input: Tensor) -> Tensor: ...
def cosh_(input: Tensor) -> Tensor: ...
def cumprod(input: Tensor, dim: builtins.int, *, dtype: DType | None = None) -> Tensor: ...
def cumsum(input: Tensor, dim: builtins.int, *, dtype: DType | None = None) -> Tensor: ...
def diag_embed(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = -2, dim2: builtins.int = -1) -> Tensor: ...
def diagonal(input: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1) -> Tensor: ...
def diagonal_copy(
    input: Tensor, offset: builtins.int = 0, dim1: builtins.int = 0, dim2: builtins.int = 1
) -> Tensor: ...
def dot(input: Tensor, tensor: Tensor) -> Tensor: ...
@overload
def eq(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def eq(input: Number, other: Tensor) -> Tensor: ...
def erf(input: Tensor) -> Tensor: ...
def erf_(input: Tensor) -> Tensor: ...
def erfc(input: Tensor) -> Tensor: ...
def erfc_(input: Tensor) -> Tensor: ...
def exp(input: Tensor) -> Tensor: ...
def exp2(input: Tensor) -> Tensor: ...
def exp2_(input: Tensor) -> Tensor: ...
def exp_(input: Tensor) -> Tensor: ...
def expm1(input: Tensor) -> Tensor: ...
def expm1_(input: Tensor) -> Tensor: ...
def fill(input: Tensor, value: Any) -> Tensor: ...
def fix(input: Tensor) -> Tensor: ...
def flip(input: Tensor, dims: builtins.int | Sequence[builtins.int]) -> Tensor: ...
def floor(input: Tensor) -> Tensor: ...
def floor_(input: Tensor) -> Tensor: ...
@overload
def floor_divide(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def floor_divide(input: Number, other: Tensor) -> Tensor: ...
@overload
def fmod(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def fmod(input: Number, other: Tensor) -> Tensor: ...
def frac(input: Tensor) -> Tensor: ...
def frac_(input: Tensor) -> Tensor: ...
@overload
def ge(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def ge(input: Number, other: Tensor) -> Tensor: ...
@overload
def greater(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def greater(input: Number, other: Tensor) -> Tensor: ...
@overload
def greater_equal(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def greater_equal(input: Number, other: Tensor) -> Tensor: ...
@overload
def gt(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def gt(input: Number, other: Tensor) -> Tensor: ...
@overload
def hypot(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def hypot(input: Number, other: Tensor) -> Tensor: ...
def isfinite(input: Tensor) -> Tensor: ...
def isinf(input: Tensor) -> Tensor: ...
def isnan(input: Tensor) -> Tensor: ...
@overload
def le(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def le(input: Number, other: Tensor) -> Tensor: ...
@overload
def lerp(input: Tensor, end: Tensor | Number, weight: Tensor | Number) -> Tensor: ...
@overload
def lerp(input: Number, end: Tensor, weight: Tensor | Number) -> Tensor: ...
@overload
def lerp(input: Number, end: Number, weight: Tensor) -> Tensor: ...
@overload
def less(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def less(input: Number, other: Tensor) -> Tensor: ...
@overload
def less_equal(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def less_equal(input: Number, other: Tensor) -> Tensor: ...
def log(input: Tensor) -> Tensor: ...
def log10(input: Tensor) -> Tensor: ...
def log10_(input: Tensor) -> Tensor: ...
def log1p(input: Tensor) -> Tensor: ...
def log1p_(input: Tensor) -> Tensor: ...
def log2(input: Tensor) -> Tensor: ...
def log2_(input: Tensor) -> Tensor: ...
def log_(input: Tensor) -> Tensor: ...
def log_softmax(input: Tensor, dim: builtins.int, dtype: DType | None = None) -> Tensor: ...
@overload
def logaddexp(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def logaddexp(input: Number, other: Tensor) -> Tensor: ...
@overload
def logical_and(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def logical_and(input: Number, other: Tensor) -> Tensor: ...
def logical_not(input: Tensor) -> Tensor: ...
@overload
def logical_or(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def logical_or(input: Number, other: Tensor) -> Tensor: ...
@overload
def logical_xor(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def logical_xor(input: Number, other: Tensor) -> Tensor: ...
def logsumexp(input: Tensor, dim: Dims, keepdim: builtins.bool = False) -> Tensor: ...
@overload
def lt(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def lt(input: Number, other: Tensor) -> Tensor: ...
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor: ...
def masked_select(input: Tensor, mask: Tensor) -> Tensor: ...
def matmul(input: Tensor, other: Tensor) -> Tensor: ...
@overload
def maximum(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def maximum(input: Number, other: Tensor) -> Tensor: ...
def mean(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, dtype: DType | None = None) -> Tensor: ...
@overload
def minimum(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def minimum(input: Number, other: Tensor) -> Tensor: ...
def mm(input: Tensor, mat2: Tensor) -> Tensor: ...
@overload
def mul(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def mul(input: Number, other: Tensor) -> Tensor: ...
@overload
def multiply(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def multiply(input: Number, other: Tensor) -> Tensor: ...
def mv(input: Tensor, vec: Tensor) -> Tensor: ...
def nan_to_num(
    input: Tensor,
    nan: builtins.float | None = 0.0,
    posinf: builtins.float | None = None,
    neginf: builtins.float | None = None,
) -> Tensor: ...
def nan_to_num_(
    input: Tensor,
    nan: builtins.float | None = 0.0,
    posinf: builtins.float | None = None,
    neginf: builtins.float | None = None,
) -> Tensor: ...
def nansum(
    input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, dtype: DType | None = None
) -> Tensor: ...
@overload
def ne(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def ne(input: Number, other: Tensor) -> Tensor: ...
def neg(input: Tensor) -> Tensor: ...
def neg_(input: Tensor) -> Tensor: ...
def negative(input: Tensor) -> Tensor: ...
@overload
def not_equal(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def not_equal(input: Number, other: Tensor) -> Tensor: ...
def permute(input: Tensor, dims: Sequence[builtins.int]) -> Tensor: ...
@overload
def pow(input: Tensor, exponent: Tensor | Number) -> Tensor: ...
@overload
def pow(input: Number, exponent: Tensor) -> Tensor: ...
def prod(
    input: Tensor, dim: builtins.int | None = None, keepdim: builtins.bool = False, *, dtype: DType | None = None
) -> Tensor: ...
def reciprocal(input: Tensor) -> Tensor: ...
def reciprocal_(input: Tensor) -> Tensor: ...
def relu(input: Tensor) -> Tensor: ...
def relu_(input: Tensor) -> Tensor: ...
@overload
def remainder(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def remainder(input: Number, other: Tensor) -> Tensor: ...
def roll(
    input: Tensor,
    shifts: builtins.int | Sequence[builtins.int],
    dims: builtins.int | Sequence[builtins.int] | None = None,
) -> Tensor: ...
def rot90(input: Tensor, k: builtins.int = 1, dims: Sequence[builtins.int] = ...) -> Tensor: ...
def round(input: Tensor, *, decimals: builtins.int = 0) -> Tensor: ...
def round_(input: Tensor, *, decimals: builtins.int = 0) -> Tensor: ...
def rsqrt(input: Tensor) -> Tensor: ...
def rsqrt_(input: Tensor) -> Tensor: ...
@overload
def rsub(input: Tensor, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor: ...
@overload
def rsub(input: Number, other: Tensor, *, alpha: builtins.float = 1) -> Tensor: ...
def select(input: Tensor, dim: builtins.int, index: builtins.int) -> Tensor: ...
def sgn(input: Tensor) -> Tensor: ...
def sigmoid(input: Tensor) -> Tensor: ...
def sigmoid_(input: Tensor) -> Tensor: ...
def sign(input: Tensor) -> Tensor: ...
def signbit(input: Tensor) -> Tensor: ...
def sin(input: Tensor) -> Tensor: ...
def sin_(input: Tensor) -> Tensor: ...
def sinh(input: Tensor) -> Tensor: ...
def sinh_(input: Tensor) -> Tensor: ...
def softmax(input: Tensor, dim: builtins.int, dtype: DType | None = None) -> Tensor: ...
def sort(
    input: Tensor, dim: builtins.int = -1, descending: builtins.bool = False, stable: builtins.bool | None = None
) -> return_types.ValuesAndIndices: ...
def split_with_sizes(
    input: Tensor, split_sizes: Sequence[builtins.int], dim: builtins.int = 0
) -> tuple[Tensor, ...]: ...
def sqrt(input: Tensor) -> Tensor: ...
def sqrt_(input: Tensor) -> Tensor: ...
def square(input: Tensor) -> Tensor: ...
def square_(input: Tensor) -> Tensor: ...
def squeeze(input: Tensor, dim: builtins.int | Sequence[builtins.int] | None = None) -> Tensor: ...
def stack(tensors: Sequence[Tensor], dim: builtins.int = 0) -> Tensor: ...
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: builtins.bool | None = None,
    keepdim: builtins.bool = False,
    *,
    correction: builtins.float | None = None,
) -> Tensor: ...
@overload
def sub(input: Tensor, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor: ...
@overload
def sub(input: Number, other: Tensor, *, alpha: builtins.float = 1) -> Tensor: ...
@overload
def subtract(input: Tensor, other: Tensor | Number, *, alpha: builtins.float = 1) -> Tensor: ...
@overload
def subtract(input: Number, other: Tensor, *, alpha: builtins.float = 1) -> Tensor: ...
def sum(input: Tensor, dim: Dims = None, keepdim: builtins.bool = False, *, dtype: DType | None = None) -> Tensor: ...
def swapaxes(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def swapdims(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def t(input: Tensor) -> Tensor: ...
def take(input: Tensor, index: Tensor) -> Tensor: ...
def tan(input: Tensor) -> Tensor: ...
def tan_(input: Tensor) -> Tensor: ...
def tanh(input: Tensor) -> Tensor: ...
def tanh_(input: Tensor) -> Tensor: ...
def topk(
    input: Tensor, k: builtins.int, dim: builtins.int = -1, largest: builtins.bool = True, sorted: builtins.bool = True
) -> return_types.ValuesAndIndices: ...
def trace(input: Tensor) -> Tensor: ...
def transpose(input: Tensor, dim0: builtins.int, dim1: builtins.int) -> Tensor: ...
def tril(input: Tensor, diagonal: builtins.int = 0) -> Tensor: ...
def triu(input: Tensor, diagonal: builtins.int = 0) -> Tensor: ...
@overload
def true_divide(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def true_divide(input: Number, other: Tensor) -> Tensor: ...
def trunc(input: Tensor) -> Tensor: ...
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
) -> Tensor: ...
@overload
def xlogy(input: Tensor, other: Tensor | Number) -> Tensor: ...
@overload
def xlogy(input: Number, other: Tensor) -> Tensor: ...
def xlogy_(input: Tensor, other: Tensor | Number) -> Tensor: ...
