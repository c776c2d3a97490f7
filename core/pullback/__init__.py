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
from pullback import memory_methods as _memory_methods  # noqa: F401  # it attaches methods to Tensor
from pullback.autograd import tensor_methods as _tensor_methods  # noqa: F401  # so does this
from pullback.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
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
from pullback.formats import (
    MemoryFormat as memory_format,
)
from pullback.formats import (
    StorageLayout as layout,
)
from pullback.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
    strided,
)
from pullback.ops import python_functions as _python_functions  # noqa: F401  # it attaches apply_, map_ and map2_
from pullback.ops import skewed_distributions as _skewed_distributions  # noqa: F401  # and cauchy_, log_normal_, geometric_
from pullback.ops.activation import (
    relu,
)
from pullback.ops.added_products import (
    addbmm,
    addmv,
    addr,
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
from pullback.ops.attributes import (
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
from pullback.ops.complex_from_parts import (
    complex,
    polar,
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
    empty,
    empty_like,
    empty_permuted,
    empty_strided,
    eye,
    full,
    full_like,
    ones,
    ones_like,
    scalar_tensor,
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
from pullback.ops.from_data import (
    as_tensor,
    asarray,
    from_numpy,
    frombuffer,
    tensor,
)
from pullback.ops.gathering import (
    gather,
    index_select,
    take,
    take_along_dim,
)
from pullback.ops.heaviside import (
    heaviside,
)
from pullback.ops.indexing import (
    argwhere,
    index_put,
    nonzero,
)
from pullback.ops.inplace_activations import (
    celu_,
    selu_,
    threshold_,
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
from pullback.ops.piecewise_activations import (
    celu,
    selu,
    threshold,
)
from pullback.ops.putting import (
    diagonal_scatter,
    put,
    select_scatter,
    slice_scatter,
)
from pullback.ops.random import (
    bernoulli,
    multinomial,
    normal,
    poisson,
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
    diag,
    diag_embed,
    diagflat,
    diagonal,
    diagonal_copy,
    flip,
    fliplr,
    flipud,
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
from pullback.ops.scatter_reduction import (
    index_reduce,
    scatter_reduce,
)
from pullback.ops.scattering import (
    index_add,
    index_copy,
    index_fill,
    scatter,
    scatter_add,
)
from pullback.ops.sequences import (
    arange,
    linspace,
    logspace,
    range,
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
from pullback.ops.shorthands import (
    deg2rad,
    ldexp,
    logit,
    rad2deg,
    sinc,
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
from pullback.ops.striding import as_strided, view_as_complex, view_as_real
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
from pullback.out_argument import FunctionsWithOut as _FunctionsWithOut
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
addmv_ = Tensor.addmv_
arccos_ = Tensor.arccos_
arccosh_ = Tensor.arccosh_
arcsin_ = Tensor.arcsin_
arcsinh_ = Tensor.arcsinh_
arctan_ = Tensor.arctan_
arctanh_ = Tensor.arctanh_
asin_ = Tensor.asin_
asinh_ = Tensor.asinh_
atan_ = Tensor.atan_
atanh_ = Tensor.atanh_
ceil_ = Tensor.ceil_
clamp_ = Tensor.clamp_
clamp_max_ = Tensor.clamp_max_
clamp_min_ = Tensor.clamp_min_
clip_ = Tensor.clip_
conj_physical_ = Tensor.conj_physical_
cos_ = Tensor.cos_
cosh_ = Tensor.cosh_
deg2rad_ = Tensor.deg2rad_
detach_ = Tensor.detach_
erf_ = Tensor.erf_
erfc_ = Tensor.erfc_
exp2_ = Tensor.exp2_
exp_ = Tensor.exp_
expm1_ = Tensor.expm1_
fill_ = Tensor.fill_
fix_ = Tensor.fix_
floor_ = Tensor.floor_
frac_ = Tensor.frac_
ldexp_ = Tensor.ldexp_
log10_ = Tensor.log10_
log1p_ = Tensor.log1p_
log2_ = Tensor.log2_
log_ = Tensor.log_
logit_ = Tensor.logit_
nan_to_num_ = Tensor.nan_to_num_
neg_ = Tensor.neg_
negative_ = Tensor.negative_
rad2deg_ = Tensor.rad2deg_
reciprocal_ = Tensor.reciprocal_
relu_ = Tensor.relu_
round_ = Tensor.round_
rsqrt_ = Tensor.rsqrt_
sigmoid_ = Tensor.sigmoid_
sin_ = Tensor.sin_
sinc_ = Tensor.sinc_
sinh_ = Tensor.sinh_
sqrt_ = Tensor.sqrt_
square_ = Tensor.square_
tan_ = Tensor.tan_
tanh_ = Tensor.tanh_
trunc_ = Tensor.trunc_
xlogy_ = Tensor.xlogy_
zero_ = Tensor.zero_

if TYPE_CHECKING:
    from pullback import cuda, func, nn, optim, overrides, testing, utils
    from pullback.autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled
    from pullback.func.mapping import vmap
    from pullback.interop.dlpack import from_dlpack
    from pullback.interop.serialization import load, save
    from pullback.numeric_limits import (
        finfo,
        iinfo,
    )
    from pullback.ops.divisors import gcd, gcd_, lcm, lcm_
    from pullback.ops.grids import cartesian_prod, combinations, meshgrid, tril_indices, triu_indices, vander
    from pullback.ops.membership import isin
    from pullback.ops.next_number import nextafter
    from pullback.ops.special_functions import digamma, erfinv, lgamma, mvlgamma, polygamma
    from pullback.ops.windows import bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window
    from pullback.printing import get_printoptions, printoptions, set_printoptions
    from pullback.queries import (
        is_complex,
        is_floating_point,
        is_signed,
        is_tensor,
        numel,
        result_type,
    )
    from pullback.tensor_types import (
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


#: Where functions are that few programs need.
_HOMES = {
    "BFloat16Tensor": "tensor_types",
    "BoolTensor": "tensor_types",
    "ByteTensor": "tensor_types",
    "CharTensor": "tensor_types",
    "DoubleTensor": "tensor_types",
    "FloatTensor": "tensor_types",
    "HalfTensor": "tensor_types",
    "IntTensor": "tensor_types",
    "LongTensor": "tensor_types",
    "ShortTensor": "tensor_types",
    "bartlett_window": "ops.windows",
    "blackman_window": "ops.windows",
    "cartesian_prod": "ops.grids",
    "combinations": "ops.grids",
    "digamma": "ops.special_functions",
    "erfinv": "ops.special_functions",
    "finfo": "numeric_limits",
    "from_dlpack": "interop.dlpack",
    "gcd": "ops.divisors",
    "gcd_": "ops.divisors",
    "get_printoptions": "printing",
    "hamming_window": "ops.windows",
    "hann_window": "ops.windows",
    "iinfo": "numeric_limits",
    "is_anomaly_check_nan_enabled": "autograd.anomaly_mode",
    "is_anomaly_enabled": "autograd.anomaly_mode",
    "is_complex": "queries",
    "is_floating_point": "queries",
    "is_signed": "queries",
    "is_tensor": "queries",
    "isin": "ops.membership",
    "kaiser_window": "ops.windows",
    "lcm": "ops.divisors",
    "lcm_": "ops.divisors",
    "lgamma": "ops.special_functions",
    "load": "interop.serialization",
    "meshgrid": "ops.grids",
    "mvlgamma": "ops.special_functions",
    "nextafter": "ops.next_number",
    "numel": "queries",
    "polygamma": "ops.special_functions",
    "printoptions": "printing",
    "result_type": "queries",
    "save": "interop.serialization",
    "set_anomaly_enabled": "autograd.anomaly_mode",
    "set_printoptions": "printing",
    "tril_indices": "ops.grids",
    "triu_indices": "ops.grids",
    "vander": "ops.grids",
    "vmap": "func",
}


def __getattr__(name: str) -> _Any:
    # Made or imported when first used: a program without modules and optimizers starts sooner.
    if name in _functions_with_out:
        return _functions_with_out.make(name)
    import importlib

    if name in _HOMES:
        found = getattr(importlib.import_module(f"pullback.{_HOMES[name]}"), name)
        found = globals()[name] = _functions_with_out.later(name, found)
        return found
    if name not in ("cuda", "func", "nn", "optim", "overrides", "testing", "utils"):
        from pullback.errors import did_you_mean

        # Without the object Python adds no guess of its own.
        raise AttributeError(
            f"module 'pullback' has no attribute {name!r}{did_you_mean(name, __all__)}", name=name, obj=None
        )
    return importlib.import_module(f"pullback.{name}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


__version__ = "0.1.0"

_functions_with_out = _FunctionsWithOut(globals())

__all__ = [
    "BFloat16Tensor",
    "BackendError",
    "BackendUnavailableError",
    "BoolTensor",
    "ByteTensor",
    "CharTensor",
    "DoubleTensor",
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
