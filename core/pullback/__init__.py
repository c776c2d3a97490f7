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
from pullback.dispatch.out import FunctionsWithOut as _FunctionsWithOut
from pullback.errors import (
    BackendError,
    BackendUnavailableError,
    MissingKernelError,
    PluginError,
    PluginWarning,
    UnknownBackendError,
)
from pullback.errors import did_you_mean as _did_you_mean
from pullback.meta.devices import (
    Device as device,
)
from pullback.meta.dtypes import (
    DType as dtype,
)
from pullback.meta.dtypes import (
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
from pullback.meta.dtypes import (
    bool_ as bool,
)
from pullback.meta.formats import (
    MemoryFormat as memory_format,
)
from pullback.meta.formats import (
    StorageLayout as layout,
)
from pullback.meta.formats import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    preserve_format,
    strided,
)
from pullback.meta.size import (
    Size,
)
from pullback.ops.creation.conversion import (
    clone,
    cpu,
    fill,
)
from pullback.ops.creation.filled import (
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
from pullback.ops.creation.from_data import (
    as_tensor,
    asarray,
    from_numpy,
    frombuffer,
    tensor,
)
from pullback.ops.creation.sequences import (
    arange,
    linspace,
    logspace,
    range,
)
from pullback.ops.indexing.gathering import (
    gather,
    index_select,
    take,
    take_along_dim,
)
from pullback.ops.indexing.masking import (
    masked_fill,
    masked_scatter,
    masked_select,
)
from pullback.ops.indexing.putting import (
    diagonal_scatter,
    put,
    select_scatter,
    slice_scatter,
)
from pullback.ops.indexing.reading_and_writing import (
    argwhere,
    index_put,
    nonzero,
)
from pullback.ops.indexing.scatter_reduction import (
    index_reduce,
    scatter_reduce,
)
from pullback.ops.indexing.scattering import (
    index_add,
    index_copy,
    index_fill,
    scatter,
    scatter_add,
)
from pullback.ops.linalg.added_products import (
    addbmm,
    addmv,
    addr,
)
from pullback.ops.linalg.einsum import (
    einsum,
)
from pullback.ops.linalg.products import (
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
from pullback.ops.linalg.products import (
    outer as ger,
)
from pullback.ops.nn.activations import (
    relu,
)
from pullback.ops.nn.classification_losses import (
    binary_cross_entropy_with_logits,
)
from pullback.ops.nn.inplace_activations import (
    celu_,
    selu_,
    threshold_,
)
from pullback.ops.nn.piecewise_activations import (
    celu,
    selu,
    threshold,
)
from pullback.ops.nn.softmax import (
    log_softmax,
    logsumexp,
    softmax,
)
from pullback.ops.pointwise import python_functions as _python_functions  # noqa: F401  # it attaches apply_, map_ and map2_
from pullback.ops.pointwise.arithmetic import (
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
from pullback.ops.pointwise.arithmetic import (
    div as divide,
)
from pullback.ops.pointwise.arithmetic import (
    mul as multiply,
)
from pullback.ops.pointwise.arithmetic import (
    neg as negative,
)
from pullback.ops.pointwise.arithmetic import (
    sub as subtract,
)
from pullback.ops.pointwise.binary import (
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
from pullback.ops.pointwise.binary import (
    atan2 as arctan2,
)
from pullback.ops.pointwise.binary import (
    clamp as clip,
)
from pullback.ops.pointwise.comparison import (
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
from pullback.ops.pointwise.comparison import (
    ge as greater_equal,
)
from pullback.ops.pointwise.comparison import (
    gt as greater,
)
from pullback.ops.pointwise.comparison import (
    le as less_equal,
)
from pullback.ops.pointwise.comparison import (
    lt as less,
)
from pullback.ops.pointwise.comparison import (
    ne as not_equal,
)
from pullback.ops.pointwise.complex_from_parts import (
    complex,
    polar,
)
from pullback.ops.pointwise.complex_numbers import (
    angle,
    conj,
    conj_physical,
    imag,
    real,
)
from pullback.ops.pointwise.exponential import (
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
from pullback.ops.pointwise.heaviside import (
    heaviside,
)
from pullback.ops.pointwise.rounding import (
    ceil,
    floor,
    frac,
    round,
    trunc,
)
from pullback.ops.pointwise.rounding import (
    trunc as fix,
)
from pullback.ops.pointwise.shorthands import (
    deg2rad,
    ldexp,
    logit,
    rad2deg,
    sinc,
)
from pullback.ops.pointwise.trigonometric import (
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
from pullback.ops.pointwise.trigonometric import (
    acos as arccos,
)
from pullback.ops.pointwise.trigonometric import (
    acosh as arccosh,
)
from pullback.ops.pointwise.trigonometric import (
    asin as arcsin,
)
from pullback.ops.pointwise.trigonometric import (
    asinh as arcsinh,
)
from pullback.ops.pointwise.trigonometric import (
    atan as arctan,
)
from pullback.ops.pointwise.trigonometric import (
    atanh as arctanh,
)
from pullback.ops.pointwise.unary import (
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
from pullback.ops.pointwise.unary import (
    abs as absolute,
)
from pullback.ops.random import skewed_distributions as _skewed_distributions  # noqa: F401  # and cauchy_, log_normal_, geometric_
from pullback.ops.random.drawing import (
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
from pullback.ops.reduction.cumulative import (
    cumprod,
    cumsum,
    prod,
)
from pullback.ops.reduction.extremes import (
    amax,
    amin,
    aminmax,
    argmax,
    argmin,
    max,
    median,
    min,
)
from pullback.ops.reduction.norms import (
    norm,
)
from pullback.ops.reduction.sorting import (
    argsort,
    msort,
    sort,
    topk,
)
from pullback.ops.reduction.sums import (
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
from pullback.ops.shape.joining import (
    cat,
    column_stack,
    dstack,
    hstack,
    stack,
    vstack,
)
from pullback.ops.shape.joining import (
    cat as concat,
)
from pullback.ops.shape.joining import (
    cat as concatenate,
)
from pullback.ops.shape.joining import (
    vstack as row_stack,
)
from pullback.ops.shape.rearranging import (
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
from pullback.ops.shape.reshaping import (
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
from pullback.ops.shape.reshaping import (
    movedim as moveaxis,
)
from pullback.ops.shape.reshaping import (
    transpose as swapaxes,
)
from pullback.ops.shape.reshaping import (
    transpose as swapdims,
)
from pullback.ops.shape.slicing import (
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
from pullback.ops.shape.striding import as_strided, view_as_complex, view_as_real
from pullback.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from pullback.tensor import (
    Tensor,
)
from pullback.tensor import memory_methods as _memory_methods  # noqa: F401  # it attaches methods to Tensor

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
    from pullback.meta.limits import (
        finfo,
        iinfo,
    )
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
    from pullback.ops.creation.windows import (
        bartlett_window,
        blackman_window,
        hamming_window,
        hann_window,
        kaiser_window,
    )
    from pullback.ops.pointwise.divisors import gcd, gcd_, lcm, lcm_
    from pullback.ops.pointwise.next_number import nextafter
    from pullback.ops.pointwise.special_functions import digamma, erfinv, lgamma, mvlgamma, polygamma
    from pullback.ops.reduction.membership import isin
    from pullback.ops.shape.queries import (
        is_complex,
        is_floating_point,
        is_signed,
        is_tensor,
        numel,
        result_type,
    )
    from pullback.printing import get_printoptions, printoptions, set_printoptions


#: Where functions are that few programs need.
_HOMES = {
    "BFloat16Tensor": "ops.creation.legacy_types",
    "BoolTensor": "ops.creation.legacy_types",
    "ByteTensor": "ops.creation.legacy_types",
    "CharTensor": "ops.creation.legacy_types",
    "DoubleTensor": "ops.creation.legacy_types",
    "FloatTensor": "ops.creation.legacy_types",
    "HalfTensor": "ops.creation.legacy_types",
    "IntTensor": "ops.creation.legacy_types",
    "LongTensor": "ops.creation.legacy_types",
    "ShortTensor": "ops.creation.legacy_types",
    "bartlett_window": "ops.creation.windows",
    "blackman_window": "ops.creation.windows",
    "cartesian_prod": "ops.creation.grids",
    "combinations": "ops.creation.grids",
    "digamma": "ops.pointwise.special_functions",
    "erfinv": "ops.pointwise.special_functions",
    "finfo": "meta.limits",
    "from_dlpack": "interop.dlpack",
    "gcd": "ops.pointwise.divisors",
    "gcd_": "ops.pointwise.divisors",
    "get_printoptions": "printing",
    "hamming_window": "ops.creation.windows",
    "hann_window": "ops.creation.windows",
    "iinfo": "meta.limits",
    "is_anomaly_check_nan_enabled": "autograd.anomaly_mode",
    "is_anomaly_enabled": "autograd.anomaly_mode",
    "is_complex": "ops.shape.queries",
    "is_floating_point": "ops.shape.queries",
    "is_signed": "ops.shape.queries",
    "is_tensor": "ops.shape.queries",
    "isin": "ops.reduction.membership",
    "kaiser_window": "ops.creation.windows",
    "lcm": "ops.pointwise.divisors",
    "lcm_": "ops.pointwise.divisors",
    "lgamma": "ops.pointwise.special_functions",
    "load": "interop.serialization",
    "meshgrid": "ops.creation.grids",
    "mvlgamma": "ops.pointwise.special_functions",
    "nextafter": "ops.pointwise.next_number",
    "numel": "ops.shape.queries",
    "polygamma": "ops.pointwise.special_functions",
    "printoptions": "printing",
    "result_type": "ops.shape.queries",
    "save": "interop.serialization",
    "set_anomaly_enabled": "autograd.anomaly_mode",
    "set_printoptions": "printing",
    "tril_indices": "ops.creation.grids",
    "triu_indices": "ops.creation.grids",
    "vander": "ops.creation.grids",
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
        # Without the object Python adds no guess of its own.
        raise AttributeError(
            f"module 'pullback' has no attribute {name!r}{_did_you_mean(name, __all__)}", name=name, obj=None
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
