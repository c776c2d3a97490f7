"""Files that were damaged, or made to harm: each ends in an error of one type, and takes no memory."""

from __future__ import annotations

import io
import json
import random
import struct
from typing import Any

import pytest

import pullback as pb


def _file(header: Any, data: bytes = bytes(16)) -> io.BytesIO:
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return io.BytesIO(struct.pack("<Q", len(head)) + head + data)


def _told(**changed: Any) -> dict[str, Any]:
    """The header of a file with one tensor that repeats its four elements, with changed metadata."""
    tensor = {"stored": 0, "dtype": "float32", "shape": [3, 4], "strides": [0, 1], "offset": 0}
    told: dict[str, Any] = {
        "version": 1,
        "object": {"tensor": 0},
        "tensors": [tensor | changed.pop("tensor", {})],
        "stored": [{"name": "a", "backend": "numpy", "device": "cpu"} | changed.pop("stored_place", {})],
    }
    told |= changed
    stored = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    return {"a": stored, "__metadata__": {"pullback": json.dumps(told)}}


def test_the_file_without_changes_is_read() -> None:
    assert pb.load(_file(_told())).shape == (3, 4)
    assert pb.load(_file(_told()), backend="jax").tolist() == [[0.0] * 4] * 3


DAMAGED: dict[str, dict[str, Any]] = {
    "a huge shape": {"tensor": {"shape": [2**62, 2**62], "strides": [0, 0]}},
    "a shape of text": {"tensor": {"shape": "ab"}},
    "a negative size": {"tensor": {"shape": [-1, 4]}},
    "a shape of fractions": {"tensor": {"shape": [1.5, 4]}},
    "a stride beyond the data": {"tensor": {"strides": [2**62, 1]}},
    "a negative stride": {"tensor": {"strides": [-1, 1]}},
    "fewer strides than sizes": {"tensor": {"strides": [1]}},
    "a negative offset": {"tensor": {"offset": -1}},
    "an offset beyond the data": {"tensor": {"offset": 2**40}},
    "an unknown dtype": {"tensor": {"dtype": "float31"}},
    "a dtype that is no name": {"tensor": {"dtype": ["float32"]}},
    "memory that is not there": {"tensor": {"stored": 7}},
    "an unknown container": {"object": {"module": []}},
    "a tensor that is not there": {"object": {"tensor": 3}},
    "no table": {"tensors": None},
    "an unknown backend": {"stored_place": {"backend": "none", "device": "cpu"}},
    "an unknown device": {"stored_place": {"device": "here"}},
    "a name that is not there": {"stored_place": {"name": "b"}},
    "a number that is none": {"object": {"float": "x" * 1000}},
    "a list as a key": {"object": {"dict": [[{"list": []}, 1]]}},
    "a version of the future": {"version": 10**30},
    "a version that is none": {"version": None},
}


@pytest.mark.parametrize("changed", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_metadata(changed: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError):
        pb.load(_file(_told(**changed)))


def test_metadata_nested_without_end() -> None:
    nested = '{"list":[' * 50_000 + "1" + "]}" * 50_000
    metadata = f'{{"version":1,"object":{nested},"tensors":[],"stored":[]}}'
    with pytest.raises(RuntimeError):
        pb.load(_file({"__metadata__": {"pullback": metadata}}, b""))


def test_a_small_file_takes_little_memory_where_elements_cannot_share_it() -> None:
    header = _told(tensor={"shape": [10**7], "strides": [0]})
    assert pb.load(_file(header)).shape == (10**7,)
    with pytest.raises(RuntimeError, match=r"would take 40000000 bytes on backend 'jax'\. Use load"):
        pb.load(_file(header), backend="jax")
    many = _told(tensor={"shape": [10**6], "strides": [0]})
    told = json.loads(many["__metadata__"]["pullback"])
    told["tensors"] *= 1000
    many["__metadata__"]["pullback"] = json.dumps(told)
    with pytest.raises(RuntimeError, match="would take"):
        pb.load(_file(many), backend="jax")


def test_mutated_files_are_read_or_refused() -> None:
    file = io.BytesIO()
    base = pb.arange(6.0).reshape(2, 3)
    pb.save({"w": base, "v": base.T, "n": [1, (2.5, None), "text"], "p": pb.nn.Parameter(pb.ones(2))}, file)
    content = file.getvalue()
    draw = random.Random(0)
    outcomes = set()
    for _ in range(1500):
        mutated = bytearray(content)
        for _ in range(draw.choice((1, 1, 2, 8))):
            kind = draw.random()
            place = draw.randrange(len(mutated))
            if kind < 0.5:
                mutated[place] = draw.randrange(256)
            elif kind < 0.65:
                mutated[place : place + draw.randrange(1, 9)] = b""
            elif kind < 0.8:
                mutated[place:place] = draw.choice((b"0", b"9" * 20, b"-", b"[", b'"', b"{}", b"1e999"))
            elif kind < 0.9:
                mutated = mutated[:place]
            else:
                digits = [i for i, byte in enumerate(mutated[8:], 8) if 48 <= byte < 58]
                mutated[draw.choice(digits or [0])] = 48 + draw.randrange(10)
            if not mutated:
                break
        try:
            pb.load(io.BytesIO(bytes(mutated)))
            outcomes.add("read")
        except RuntimeError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
