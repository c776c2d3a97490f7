"""``finfo`` and ``iinfo``, and what dtypes say of themselves, agree with PyTorch's."""

from __future__ import annotations

from typing import Any

import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="the oracle extra installs it")

pytestmark = pytest.mark.oracle

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
QUESTIONS = [
    *(f"lib.finfo(lib.{dtype})" for dtype in DTYPES),
    *(f"lib.iinfo(lib.{dtype})" for dtype in DTYPES),
    *(f"lib.finfo(lib.{dtype}).{name}" for dtype in ("float16", "bfloat16", "float32", "float64", "complex64")
      for name in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype")),
    *(f"lib.iinfo(lib.{dtype}).{name}" for dtype in DTYPES[1:9] for name in ("bits", "max", "min", "dtype")),
    *(f"lib.{dtype}.{name}" for dtype in DTYPES
      for name in ("is_floating_point", "is_complex", "is_signed", "itemsize", "to_real()")),
    *(f"lib.{dtype}.to_complex()" for dtype in DTYPES if dtype != "float16"),  # there is no complex32
    "lib.finfo()",
    "lib.finfo(float)",
    "lib.finfo(type=lib.float64)",
    "lib.finfo('a')",
    "lib.finfo(None)",
    "lib.finfo(lib.ones(1))",
    "lib.finfo(lib.float32) == lib.finfo(lib.complex64)",
    "lib.finfo(lib.float32) == lib.finfo(lib.float64)",
    "lib.finfo(lib.float32) == 3",
    "lib.iinfo(int)",
    "lib.iinfo(3)",
    "lib.iinfo(type=lib.int16)",
    "lib.iinfo(lib.int16) == lib.iinfo(lib.int16)",
    "lib.iinfo(lib.int16) == lib.iinfo(lib.int8)",
]  # fmt: skip


def answer(lib: Any, question: str) -> Any:
    try:
        return repr(eval(question, {"lib": lib}))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("question", QUESTIONS)
def test_limits_are_those_of_pytorch(question):
    assert answer(pb, question) == answer(torch, question)


@pytest.mark.parametrize("default", ["float64", "float16"])
def test_without_a_dtype_they_are_those_of_the_default(default, monkeypatch):
    monkeypatch.setattr(pb.meta.dtypes, "_default_dtype", getattr(pb, default))
    assert repr(pb.finfo()) == repr(torch.finfo(getattr(torch, default)))
