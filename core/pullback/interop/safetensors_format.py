"""The safetensors file format, as the library of that name reads and writes it.

https://github.com/huggingface/safetensors describes it. Nothing in such a file is ever executed.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

#: pullback's dtypes by the format's names for them; it has none for complex128.
_DTYPE_NAMES: Final = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "I32": "int32",
    "U32": "uint32",
    "I64": "int64",
    "U64": "uint64",
    "F16": "float16",
    "BF16": "bfloat16",
    "F32": "float32",
    "F64": "float64",
    "C64": "complex64",
}

_METADATA: Final = "__metadata__"
_PIECE: Final = 1 << 24  # bytes to ask a file for at once


class Entry(NamedTuple):
    """One tensor of a file: its dtype by pullback's name, and its elements in row-major order."""

    dtype: str
    shape: tuple[int, ...]
    data: Any  # a contiguous NumPy array where it is written, a bytearray where it was read


class UnreadableFile(RuntimeError):
    """A file that is no safetensors file, or a damaged one."""


def serialize(entries: dict[str, Entry], metadata: dict[str, str]) -> bytes:
    """The content of a file."""
    from safetensors import SafetensorError, TensorSpec
    from safetensors import serialize as write

    # The addresses hold as long as the arrays of the entries are there.
    specs = {
        name: TensorSpec(
            dtype=entry.dtype,
            shape=entry.shape,
            data_ptr=entry.data.__array_interface__["data"][0],
            data_len=entry.data.nbytes,
        )
        for name, entry in entries.items()
    }
    try:
        return write(specs, metadata)
    except SafetensorError as error:
        raise RuntimeError(f"save(): the object has no place in a safetensors file: {_reason(error)}") from None


def read(file: Any) -> tuple[dict[str, Entry], dict[str, str]]:
    """The tensors of a file in the order of its header, each in memory of its own, and its metadata.

    Raises
    ------
    UnreadableFile
        Saying what is wrong with it.
    """
    from safetensors import SafetensorError, deserialize

    content = _content(file)
    try:
        found = dict(deserialize(content))
    except SafetensorError as error:
        raise UnreadableFile(_reason(error)) from None
    header = _header(content)
    metadata = header.pop(_METADATA, None) or {}
    return {name: _entry(name, found[name]) for name in header}, metadata


def _content(file: Any) -> bytes:
    """All of a file, unless its start tells of another format; a file may give less at once than it is asked for."""
    pieces = [file.read(8)]
    _recognize_others(pieces[0])
    while piece := file.read(_PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _recognize_others(start: bytes) -> None:
    """Say what a file of another format is, and how to convert it."""
    if start.startswith(b"PK\x03\x04") or (start[:1] == b"\x80" and start[1:2] in (b"\2", b"\3", b"\4", b"\5")):
        kind = "a zip archive, as torch.save writes" if start[:2] == b"PK" else "a pickle"
        raise UnreadableFile(
            f"it is {kind}. pullback never unpickles, for that can run any code. Where PyTorch is installed and the"
            " file is trusted, convert it once: safetensors.torch.save_file(torch.load(path), new_path)"
        )
    if start.startswith(b"\x93NUMPY"):
        raise UnreadableFile("it is a NumPy file. Use pullback.from_numpy(numpy.load(path))")


def _header(content: bytes) -> dict[str, Any]:
    """The header, which tells of the metadata and the order of the tensors: the library returns neither."""
    import json

    length = int.from_bytes(content[:8], "little")
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


def _entry(name: str, told: dict[str, Any]) -> Entry:
    if told["dtype"] not in _DTYPE_NAMES:
        raise UnreadableFile(f"{name!r} has the dtype {told['dtype']}, which pullback does not have")
    return Entry(_DTYPE_NAMES[told["dtype"]], tuple(told["shape"]), told["data"])


def _reason(error: Exception) -> str:
    """What the library says is wrong, without what it was doing."""
    return str(error).removeprefix("Error while deserializing: ").removeprefix("Error while serializing: ")
