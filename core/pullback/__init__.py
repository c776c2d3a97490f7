"""PyTorch's autograd semantics over any array library: ``import pullback as pb``.

The namespace is PyTorch's: ``pb.tensor``, ``pb.ones``, ``pb.no_grad``, ``x.backward()``.
"""

from __future__ import annotations

from math import (
    e,
    inf,
    nan,
    pi,
)
from typing import TYPE_CHECKING
from typing import Any as _Any

from pullback import autograd
from pullback.autograd.grad_mode import (
    enable_grad,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from pullback.backend.selection import (
    available_backends,
    current_backend,
    get_backend,
    set_default_backend,
    use_backend,
)
from pullback.devices import (
    Device as device,
)
from pullback.dtypes import (
    DType as dtype,
)
from pullback.dtypes import (
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
from pullback.dtypes import (
    bool_ as bool,
)
from pullback.errors import (
    BackendError,
    BackendUnavailableError,
    MissingKernelError,
    PluginError,
    PluginWarning,
    UnknownBackendError,
)
from pullback.ops.activation import (
    relu,
)
from pullback.ops.arithmetic import (
    add,
    div,
    floor_divide,
    fmod,
    mul,
    neg,
    pow,
    remainder,
    rsub,
    sub,
    true_divide,
)
from pullback.ops.arithmetic import (
    div as divide,
)
from pullback.ops.arithmetic import (
    mul as multiply,
)
from pullback.ops.arithmetic import (
    neg as negative,
)
from pullback.ops.arithmetic import (
    sub as subtract,
)
from pullback.ops.binary import (
    addcdiv,
    addcmul,
    allclose,
    atan2,
    clamp,
    clamp_max,
    clamp_min,
    copysign,
    equal,
    float_power,
    hypot,
    isclose,
    lerp,
    logaddexp,
    maximum,
    minimum,
    xlogy,
)
from pullback.ops.binary import (
    atan2 as arctan2,
)
from pullback.ops.binary import (
    clamp as clip,
)
from pullback.ops.classification_losses import (
    binary_cross_entropy_with_logits,
)
from pullback.ops.comparison import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    eq,
    ge,
    gt,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
    where,
)
from pullback.ops.comparison import (
    ge as greater_equal,
)
from pullback.ops.comparison import (
    gt as greater,
)
from pullback.ops.comparison import (
    le as less_equal,
)
from pullback.ops.comparison import (
    lt as less,
)
from pullback.ops.comparison import (
    ne as not_equal,
)
from pullback.ops.complex_numbers import (
    angle,
    conj,
    conj_physical,
    imag,
    real,
)
from pullback.ops.contraction import (
    einsum,
)
from pullback.ops.conversion import (
    clone,
    cpu,
    fill,
)
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
from pullback.ops.cumulative import (
    cumprod,
    cumsum,
    prod,
)
from pullback.ops.exponential import (
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    reciprocal,
    rsqrt,
    sqrt,
    square,
)
from pullback.ops.extreme import (
    amax,
    amin,
    aminmax,
    argmax,
    argmin,
    max,
    median,
    min,
)
from pullback.ops.gathering import (
    gather,
    index_select,
    take,
    take_along_dim,
)
from pullback.ops.indexing import (
    argwhere,
    index_put,
    nonzero,
)
from pullback.ops.joining import (
    cat,
    column_stack,
    dstack,
    hstack,
    stack,
    vstack,
)
from pullback.ops.joining import (
    cat as concat,
)
from pullback.ops.joining import (
    cat as concatenate,
)
from pullback.ops.joining import (
    vstack as row_stack,
)
from pullback.ops.linalg import (
    addmm,
    baddbmm,
    bmm,
    dot,
    inner,
    matmul,
    mm,
    mv,
    outer,
    tensordot,
    vdot,
)
from pullback.ops.linalg import (
    outer as ger,
)
from pullback.ops.masking import (
    masked_fill,
    masked_scatter,
    masked_select,
)
from pullback.ops.norm import (
    norm,
)
from pullback.ops.random import (
    bernoulli,
    multinomial,
    normal,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
)
from pullback.ops.rearranging import (
    block_diag,
    cartesian_prod,
    diag,
    diag_embed,
    diagflat,
    diagonal,
    diagonal_copy,
    flip,
    fliplr,
    flipud,
    meshgrid,
    repeat_interleave,
    roll,
    rot90,
    tile,
    trace,
    tril,
    triu,
)
from pullback.ops.reduction import (
    all,
    any,
    count_nonzero,
    mean,
    nansum,
    std,
    std_mean,
    sum,
    var,
    var_mean,
)
from pullback.ops.rounding import (
    ceil,
    floor,
    frac,
    round,
    trunc,
)
from pullback.ops.rounding import (
    trunc as fix,
)
from pullback.ops.scattering import (
    index_add,
    index_copy,
    index_fill,
    scatter,
    scatter_add,
)
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
    permute,
    ravel,
    reshape,
    squeeze,
    t,
    transpose,
    unflatten,
    unsqueeze,
)
from pullback.ops.shape import (
    movedim as moveaxis,
)
from pullback.ops.shape import (
    transpose as swapaxes,
)
from pullback.ops.shape import (
    transpose as swapdims,
)
from pullback.ops.slicing import (
    chunk,
    dsplit,
    hsplit,
    narrow,
    select,
    split,
    split_with_sizes,
    tensor_split,
    unbind,
    vsplit,
)
from pullback.ops.softmax import (
    log_softmax,
    logsumexp,
    softmax,
)
from pullback.ops.sorting import (
    argsort,
    msort,
    sort,
    topk,
)
from pullback.ops.trigonometric import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    sin,
    sinh,
    tan,
    tanh,
)
from pullback.ops.trigonometric import (
    acos as arccos,
)
from pullback.ops.trigonometric import (
    acosh as arccosh,
)
from pullback.ops.trigonometric import (
    asin as arcsin,
)
from pullback.ops.trigonometric import (
    asinh as arcsinh,
)
from pullback.ops.trigonometric import (
    atan as arctan,
)
from pullback.ops.trigonometric import (
    atanh as arctanh,
)
from pullback.ops.unary import (
    abs,
    erf,
    erfc,
    isfinite,
    isinf,
    isnan,
    nan_to_num,
    positive,
    sgn,
    sigmoid,
    sign,
    signbit,
)
from pullback.ops.unary import (
    abs as absolute,
)
from pullback.printing import (
    get_printoptions,
    printoptions,
    set_printoptions,
)
from pullback.queries import (
    is_complex,
    is_floating_point,
    is_tensor,
    numel,
    result_type,
)
from pullback.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from pullback.size import (
    Size,
)
from pullback.tensor import (
    Tensor,
)

float = float32
double = float64
half = float16
int = int32
long = int64
short = int16
cfloat = complex64
cdouble = complex128

# PyTorch has the in-place methods of these functions as functions too.
abs_ = Tensor.abs_
acos_ = Tensor.acos_
acosh_ = Tensor.acosh_
asin_ = Tensor.asin_
asinh_ = Tensor.asinh_
atan_ = Tensor.atan_
atanh_ = Tensor.atanh_
ceil_ = Tensor.ceil_
conj_physical_ = Tensor.conj_physical_
cos_ = Tensor.cos_
cosh_ = Tensor.cosh_
erf_ = Tensor.erf_
erfc_ = Tensor.erfc_
exp2_ = Tensor.exp2_
exp_ = Tensor.exp_
expm1_ = Tensor.expm1_
floor_ = Tensor.floor_
frac_ = Tensor.frac_
log10_ = Tensor.log10_
log1p_ = Tensor.log1p_
log2_ = Tensor.log2_
log_ = Tensor.log_
nan_to_num_ = Tensor.nan_to_num_
neg_ = Tensor.neg_
reciprocal_ = Tensor.reciprocal_
relu_ = Tensor.relu_
round_ = Tensor.round_
rsqrt_ = Tensor.rsqrt_
sigmoid_ = Tensor.sigmoid_
sin_ = Tensor.sin_
sinh_ = Tensor.sinh_
sqrt_ = Tensor.sqrt_
square_ = Tensor.square_
tan_ = Tensor.tan_
tanh_ = Tensor.tanh_
trunc_ = Tensor.trunc_
xlogy_ = Tensor.xlogy_

if TYPE_CHECKING:
    from pullback import cuda, nn, optim


def __getattr__(name: str) -> _Any:
    # Imported when first used: a program without modules and optimizers starts sooner.
    if name not in ("cuda", "nn", "optim"):
        raise AttributeError(f"module 'pullback' has no attribute {name!r}")
    import importlib

    return importlib.import_module(f"pullback.{name}")


__version__ = "0.1.0"

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
