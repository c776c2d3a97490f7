"""``save`` and ``load``: what comes back is what was saved, and nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pullback as pb
from pullback.meta.dtypes import ALL


def saved(obj: Any) -> bytes:
    file = io.BytesIO()
    pb.save(obj, file)
    return file.getvalue()


def again(obj: Any, **settings: Any) -> Any:
    return pb.load(io.BytesIO(saved(obj)), **settings)


# -- values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ALL, ids=lambda dtype: dtype.name)
def test_every_dtype(dtype: Any) -> None:
    for tensor in (pb.tensor([[0, 1], [1, 1]]).to(dtype), pb.tensor(1).to(dtype), pb.zeros(0, 3, dtype=dtype)):
        loaded = again(tensor)
        assert (loaded.dtype, loaded.shape) == (dtype, tensor.shape)
        assert loaded.tolist() == tensor.tolist()


def test_every_bit_of_a_number() -> None:
    tensor = pb.tensor([math.nan, -0.0, math.inf, 5e-324, 1 / 3], dtype=pb.float64)
    assert again(tensor).numpy().tobytes() == tensor.numpy().tobytes()


PLAIN = [
    None, True, 3, -(10**30), 2.5, -0.0, math.inf, 1 / 3, 1 - 2j, "text \u00e9\n", b"\x00\xff", [], (), {}, set(),
    [1, [2, (3,)]], (1, None), {"a": {"b": 1}}, {1: "int", (1, 2): "tuple", None: "none", 2.5: b"", False: 0},
    OrderedDict(b=1, a=2), {1, 2}, frozenset([3]), pb.Size([2, 3]), pb.float16, pb.bool, pb.device("cuda:1"),
    {"tensor": 0}, {"float": "nan"},
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_and_containers(value: Any) -> None:
    loaded = again([value, value])
    assert loaded == [value, value]
    assert type(loaded[0]) is type(value)
    assert repr(loaded[0]) == repr(value)


def test_not_a_number() -> None:
    assert math.isnan(again(math.nan))


def test_tensors_anywhere() -> None:
    obj = {"model": {"layers": [pb.ones(2), (pb.zeros(1), {"scale": pb.tensor(3)})]}, 7: pb.tensor([True])}
    loaded = again(obj)
    assert repr(loaded) == repr(obj)


def test_names_that_collide() -> None:
    obj = {
        "a.b": pb.tensor(1),
        "a": {"b": pb.tensor(2)},
        "__metadata__": pb.tensor(3),
        1: pb.tensor(4),
        "1": pb.tensor(5),
    }
    assert repr(again(obj)) == repr(obj)


def test_names_that_the_format_cannot_have() -> None:
    obj = {"\ud800": pb.tensor(1), "\\ud800": pb.tensor(2), "": pb.tensor(3)}
    assert repr(again(obj)) == repr(obj)


def test_elements_that_do_not_lie_in_order(backend: str) -> None:
    matrix = pb.arange(6.0).reshape(2, 3)
    for tensor in (matrix.T, matrix[:, 1], matrix[0].expand(2, 3), matrix.reshape(-1)[::2], matrix[1, 2]):
        assert again(tensor).tolist() == tensor.tolist()


def test_whether_gradients_are_required_and_parameters() -> None:
    leaf = pb.ones(2, requires_grad=True)
    parameter, frozen = pb.nn.Parameter(pb.ones(1)), pb.nn.Parameter(pb.ones(1), requires_grad=False)
    loaded = again({"leaf": leaf, "computed": leaf * 2, "parameter": parameter, "frozen": frozen, "plain": pb.ones(1)})
    assert {name: t.requires_grad for name, t in loaded.items()} == {
        "leaf": True, "computed": True, "parameter": True, "frozen": False, "plain": False
    }  # fmt: skip
    assert [name for name, t in loaded.items() if type(t) is pb.nn.Parameter] == ["parameter", "frozen"]
    assert all(t.is_leaf for t in loaded.values())


def test_a_module_and_its_optimizer_go_on() -> None:
    pb.manual_seed(0)
    x = pb.randn(4, 3)

    def made() -> tuple[pb.nn.Linear, pb.optim.Adam]:
        model = pb.nn.Linear(3, 2)
        return model, pb.optim.Adam(model.parameters())

    def step(model: pb.nn.Linear, optimizer: pb.optim.Adam) -> None:
        optimizer.zero_grad()
        (model(x) ** 2).sum().backward()
        optimizer.step()

    model, optimizer = made()
    step(model, optimizer)
    file = io.BytesIO()
    pb.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 1}, file)
    step(model, optimizer)
    file.seek(0)
    checkpoint = pb.load(file)
    other, its_optimizer = made()
    other.load_state_dict(checkpoint["model"])
    its_optimizer.load_state_dict(checkpoint["optimizer"])
    step(other, its_optimizer)
    for own, expected in zip(other.parameters(), model.parameters(), strict=True):
        assert own.tolist() == expected.tolist()


# -- shared memory ----------------------------------------------------------------------------------------------------


def test_one_tensor_twice_is_one_tensor(backend: str) -> None:
    tensor = pb.zeros(3)
    loaded = again([tensor, {"again": tensor}])
    assert loaded[0] is loaded[1]["again"]


def test_tied_parameters_stay_tied(backend: str) -> None:
    weight = pb.nn.Parameter(pb.zeros(3))
    loaded = again({"encoder": weight.detach(), "decoder": weight.detach()})
    assert loaded["encoder"] is not loaded["decoder"]
    loaded["encoder"].add_(1)
    assert loaded["decoder"].tolist() == [1.0, 1.0, 1.0]


def test_shared_memory_is_stored_once() -> None:
    base = pb.zeros(10_000)
    assert len(saved([base, base[1:], base.detach()])) < 41_000


def test_a_dictionary_of_tensors_is_complete_for_other_readers() -> None:
    base = pb.arange(3.0)
    content = saved({"base": base, "part": base[1:], "same": base})
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert {name: told["shape"] for name, told in header.items() if name != "__metadata__"} == {
        "base": [3], "part": [2], "same": [3]
    }  # fmt: skip
    loaded = pb.load(io.BytesIO(content))
    assert loaded["same"] is loaded["base"]
    loaded["base"].add_(1)
    assert loaded["part"].tolist() == [2.0, 3.0]


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t[1:],
        lambda t: t.T,
        lambda t: t[:, 1],
        lambda t: t[0].expand(2, 3),
        lambda t: t.reshape(-1)[::2],
        lambda t: pb.nn.Parameter(t),
        lambda t: t.diagonal(),
    ],
    ids=["rows", "transposed", "column", "expanded", "strided", "parameter", "diagonal"],
)
@pytest.mark.parametrize("view_first", [False, True])
def test_a_view_saved_with_its_base_is_its_view_again(view: Any, view_first: bool, backend: str) -> None:
    base = pb.arange(6.0).reshape(2, 3)
    seen = view(base)
    loaded = again([seen, base] if view_first else [base, seen])
    own_base, own = loaded[::-1] if view_first else loaded
    assert own.tolist() == seen.tolist()
    assert (own.stride(), own.storage_offset()) == (seen.stride(), seen.storage_offset())
    with pb.no_grad():
        base.mul_(10)
        own_base.mul_(10)
    assert own.tolist() == seen.tolist()
    assert own._base is None  # as tensors of one storage, not as views that gradients pass through


def test_views_that_overlap_without_their_base(backend: str) -> None:
    base = pb.arange(6.0)
    first, second = again([base[:3], base[2:5]])
    first[2] = 9
    assert second.tolist() == [9.0, 3.0, 4.0]


def test_views_that_share_no_element_are_stored_by_themselves(backend: str) -> None:
    matrix = pb.arange(6.0).reshape(2, 3)
    columns = again({"left": matrix[:, 0], "right": matrix[:, 1]})
    assert columns["left"].untyped_storage().nbytes() == 8
    rows = again(list(pb.zeros(100, 100).unbind(0))[:2])
    assert rows[0].untyped_storage().nbytes() == 400


def test_views_in_another_dtype(backend: str) -> None:
    number = pb.tensor([1 + 2j, 3j])
    loaded = again([number, pb.view_as_real(number)])
    loaded[1][0, 0] = 7
    assert loaded[0].tolist() == [7 + 2j, 3j]


def test_a_small_view_of_a_large_tensor_is_stored_small() -> None:
    assert len(saved(pb.zeros(10_000)[:2])) < 1000


# -- where tensors go -------------------------------------------------------------------------------------------------


def test_tensors_go_where_they_were(backend: str) -> None:
    file = io.BytesIO(saved(pb.ones(2)))
    with pb.use_backend("numpy"):
        assert pb.load(file).backend.name == backend


def test_another_backend_or_device() -> None:
    x = pb.ones(2)
    for settings in (
        {"backend": "jax"},
        {"map_location": "jax"},
        {"map_location": pb.get_backend("jax")},
        {"map_location": {"numpy": "jax"}},
        {"map_location": {"cpu": "jax"}},
        {"map_location": lambda tensor, location: tensor.to("jax")},
        {"backend": "jax", "map_location": "cpu"},
    ):
        assert again(x, **settings).backend.name == "jax"
    for settings in ({"map_location": "cpu"}, {"map_location": pb.device("cpu")}, {"map_location": lambda t, at: None},
                     {"map_location": {"cuda": "jax"}}, {"weights_only": False}):  # fmt: skip
        assert again(x, **settings).backend.name == "numpy"


def test_shared_memory_is_shared_on_the_other_backend() -> None:
    x = pb.zeros(3)
    base, view = again([x, x[1:]], backend="jax")
    base.add_(1)
    assert view.tolist() == [1.0, 1.0]


def test_a_backend_that_is_not_there() -> None:
    content = saved(pb.ones(2)).replace(b'\\"numpy\\"', b'\\"elsew\\"')
    with pytest.raises(
        RuntimeError, match=r"saved from backend 'elsew' on cpu, which isn't available .*map_location='cpu'"
    ):
        pb.load(io.BytesIO(content))
    assert pb.load(io.BytesIO(content), map_location="cpu").tolist() == [1.0, 1.0]


def test_an_error_of_the_function_given_passes_through() -> None:
    def fails(tensor: pb.Tensor, location: str) -> None:
        raise KeyError(location)

    with pytest.raises(KeyError, match="cpu"):
        again(pb.ones(2), map_location=fails)


# -- files ------------------------------------------------------------------------------------------------------------


def test_paths_and_files(tmp_path: Path) -> None:
    for place in (tmp_path / "one.safetensors", str(tmp_path / "two")):
        pb.save({"x": pb.ones(2)}, place)
        assert pb.load(place)["x"].tolist() == [1.0, 1.0]
    with open(tmp_path / "three", "wb") as file:
        pb.save(3, file)
    with open(tmp_path / "three", "rb") as file:
        assert pb.load(file) == 3


class Stream:
    """A file that can be read and nothing else."""

    def __init__(self, content: bytes) -> None:
        self.file = io.BytesIO(content)

    def read(self, count: int) -> bytes:
        return self.file.read(count)


def test_a_stream_that_cannot_be_wound() -> None:
    assert pb.load(Stream(saved(pb.ones(2)))).tolist() == [1.0, 1.0]


class Trickle(Stream):
    """A file that gives less than it is asked for, as a socket may."""

    def read(self, count: int) -> bytes:
        return super().read(min(count, 5))


def test_a_stream_that_gives_a_little_at_once() -> None:
    assert pb.load(Trickle(saved(pb.arange(3)))).tolist() == [0, 1, 2]


def test_an_object_that_cannot_be_saved_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    pb.save(1, path)
    with pytest.raises(TypeError):
        pb.save(object(), path)
    assert pb.load(path) == 1


def test_what_is_loaded_can_be_written(backend: str) -> None:
    assert again(pb.ones(2)).add_(1).tolist() == [2.0, 2.0]


def test_elements_are_aligned() -> None:
    content = saved({"a": pb.tensor([1], dtype=pb.int8), "b": pb.ones(2, dtype=pb.float64), "c": pb.ones(3)})
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert (8 + length) % 8 == 0
    for name, size in (("a", 1), ("b", 8), ("c", 4)):
        assert header[name]["data_offsets"][0] % size == 0


# -- errors -----------------------------------------------------------------------------------------------------------


class Text(str):
    pass


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"a": [1, object()]}, r"the object\['a'\]\[1\] is an? object: only tensors, containers and plain values"),
        (print, "the object is a builtin_function_or_method"),
        ({"a": np.zeros(2)}, r"the object\['a'\] is of type numpy.ndarray: save pullback.from_numpy\(array\)"),
        ([np.float64(2)], r"the object\[0\] is of type numpy.float64: save its .item\(\)"),
        (pb.nn.Linear(1, 1), r"pullback.nn.layers.Linear: save its state_dict\(\)"),
        (pb.ones(2, 2).max(0), "save a plain tuple of it"),
        ([Text("a")], r"the object\[0\] is of type .*Text"),
        ({pb.ones(1): 1}, "has a Tensor as a key"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_named_with_its_place(obj: Any, message: str) -> None:
    with pytest.raises(TypeError, match=rf"save\(\): .*{message}"):
        saved(obj)


def test_a_subclass_of_tensor_cannot_be_saved() -> None:
    class Special(pb.Tensor):
        pass

    with pytest.raises(
        TypeError, match=r"is of the Tensor subclass Special.*Save tensor\.as_subclass\(pullback\.Tensor\)"
    ):
        saved([pb.ones(1).as_subclass(Special)])


def test_an_object_that_contains_itself_cannot_be_saved() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match=r"save\(\): the object\[0\] contains itself"):
        saved(endless)


def test_where_nothing_can_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        pb.load(tmp_path / "missing")
    with pytest.raises(RuntimeError, match=r"Parent directory .*nowhere does not exist\."):
        pb.save(1, tmp_path / "nowhere" / "file")
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object with a 'write'"):
        pb.save(1, 3)
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object with a 'read'"):
        pb.load(3)


GOOD = saved({"x": pb.ones(3)})


def with_header(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def npz() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "header too small"),
        (b"abc", "header too small"),
        (b"hello world, how are you", "header too large"),
        (GOOD[:20], "invalid header length"),
        (GOOD[:-1], "file not fully covered"),
        (GOOD + b"!", "file not fully covered"),
        (with_header(b"{]"), "invalid JSON in header"),
        (with_header(b"\xff\xfe"), "invalid UTF-8 in header"),
        (with_header([1]), "invalid JSON in header: invalid type: sequence"),
        (with_header({"__metadata__": 3}), "invalid JSON in header: .*expected a map"),
        (with_header({"x": 3}), "invalid JSON in header: .*expected struct TensorInfo"),
        (with_header(entry(shape=[-1], offsets=[0, -4])), "invalid value: integer `-1`"),
        (with_header(entry("F8_E4M3", offsets=(0, 1)), b"1"), "'x' has the dtype F8_E4M3, which pullback does not"),
        (with_header(entry("Z")), "unknown variant `Z`"),
        (with_header(entry(shape=[2]), b"1234"), "invalid shape, data type, or offset"),
        (with_header(entry(offsets=[4, 8]), b"12345678"), "invalid offset for tensor `x`"),
        (with_header(entry(shape=[10**15], offsets=[0, 4 * 10**15])), "file not fully covered"),
        (npz(), r"it is a zip archive, as torch\.save writes\. pullback never unpickles.*torch\.load\(path\)"),
        (pickle.dumps({"a": 1}), r"it is a pickle\. pullback never unpickles"),
        (pickle.dumps({"a": 1}, protocol=2), r"it is a pickle\. pullback never unpickles"),
        (b"\x93NUMPY\x01\x00v\x00", r"it is a NumPy file\. Use pullback\.from_numpy\(numpy\.load\(path\)\)"),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_file_is_described(content: bytes, message: str) -> None:
    with pytest.raises(RuntimeError, match=rf"load\(\): the file cannot be read as a safetensors file: .*{message}"):
        pb.load(io.BytesIO(content))


@pytest.mark.parametrize(
    "told",
    ["3", "{}", "[", '{"version":1}', '{"version":1,"object":{"tensor":5},"tensors":[],"stored":[]}',
     '{"version":1,"object":{"os.system":"ls"},"tensors":[],"stored":[]}'],
)  # fmt: skip
def test_damaged_metadata(told: str) -> None:
    with pytest.raises(RuntimeError, match="the metadata that pullback wrote are damaged"):
        pb.load(io.BytesIO(with_header({"__metadata__": {"pullback": told}})))


def test_metadata_of_a_later_version() -> None:
    with pytest.raises(RuntimeError, match="a later version of pullback wrote it"):
        pb.load(io.BytesIO(with_header({"__metadata__": {"pullback": '{"version":99}'}})))


def test_the_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"")
    with pytest.raises(RuntimeError, match=r"load\(\): '.*weights\.pt' cannot be read"):
        pb.load(path)


def test_a_stream_that_ends_too_soon() -> None:
    with pytest.raises(RuntimeError, match="file not fully covered"):
        pb.load(Stream(GOOD[:-1]))


def test_tensors_of_another_program_come_in_the_order_of_the_file() -> None:
    names = [*"zyxwvabc"]
    told = {name: {"dtype": "U8", "shape": [1], "data_offsets": [i, i + 1]} for i, name in enumerate(names)}
    loaded = pb.load(io.BytesIO(with_header(told, bytes(range(8)))))
    assert {name: tensor.item() for name, tensor in loaded.items()} == dict(zip(names, range(8), strict=True))
    assert list(loaded) == names


def test_a_plain_safetensors_file_is_a_dictionary() -> None:
    content = with_header({"__metadata__": {"format": "pt"}, **entry(shape=[], offsets=[0, 4])}, struct.pack("<f", 2.5))
    assert pb.load(io.BytesIO(content))["x"].item() == 2.5
    with pb.use_backend("jax"):
        assert pb.load(io.BytesIO(content))["x"].backend.name == "jax"
