"""The public names of ``pullback`` but for its operations, each beside the module that has it.

Operations say in their declarations where they are public; ``ops/_index.py`` is written from that. ``__init__.py``
reads both. ``name:public`` gives a name of a module another one.
"""

from __future__ import annotations

from typing import Final

#: Imported with pullback: what nearly every program uses, and all that declares a method of Tensor.
NAMES: Final = {
    "autograd.grad_mode": (
        "enable_grad inference_mode is_grad_enabled is_inference_mode_enabled no_grad set_grad_enabled"
    ),
    "backend.selection": "available_backends current_backend get_backend set_default_backend use_backend",
    "errors": (
        "BackendError BackendUnavailableError FallbackWarning MissingKernelError PluginError PluginWarning "
        "TransferError UnknownBackendError"
    ),
    "meta.devices": "Device:device",
    "meta.dtypes": (
        "bfloat16 bool_:bool can_cast complex128:cdouble complex64:cfloat complex128 complex64 float64:double "
        "DType:dtype float32:float float16 float32 float64 get_default_dtype float16:half int32:int int16 int32 "
        "int64 int8 int64:long promote_types set_default_dtype int16:short uint16 uint32 uint64 uint8"
    ),
    "meta.formats": (
        "channels_last channels_last_3d contiguous_format StorageLayout:layout MemoryFormat:memory_format "
        "preserve_format strided"
    ),
    "meta.shapes": "Size",
    "random": "Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state",
    "tensor": "Tensor",
}

#: Imported when first used: what few programs need.
LATE: Final = {
    "backend.transfers": "transfer_guard",
    "dispatch.fallback": "FallbackCall FallbackReport fallback",
    "autograd.anomaly_mode": "is_anomaly_check_nan_enabled is_anomaly_enabled set_anomaly_enabled",
    "func.mapping": "vmap",
    "interop.dlpack": "from_dlpack",
    "interop.serialization": "load save",
    "meta.limits": "finfo iinfo",
    "ops.creation.legacy_types": (
        "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
        "ShortTensor"
    ),
    "printing": "get_printoptions printoptions set_printoptions",
}

#: In-place methods written by hand that PyTorch has as functions too.
INPLACE: Final = "clamp_ clamp_max_ clamp_min_ clip_ detach_ fill_ zero_"

#: Modules and packages that are public under their own name.
MODULES: Final = "autograd cuda func nn optim overrides testing utils"

#: Modules that are no families of operations, and give Tensor methods.
METHODS: Final = "autograd.tensor_methods tensor.memory_methods ops.late_families"


def renamed(words: str) -> list[tuple[str, str]]:
    """The public names of a line of the tables, each with the name that its module has."""
    pairs = [word.partition(":") for word in words.split()]
    return [(public or name, name) for name, _, public in pairs]
