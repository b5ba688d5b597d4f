"""The folded form is the 3D form: every kind of convolution, and whole networks in float64."""

import gc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from c2fpl.extractors.backbones.catalogue import backbone_named
from c2fpl.extractors.encoding.allocator import return_freed_memory
from c2fpl.extractors.encoding.encoder import build_quietly
from c2fpl.extractors.encoding.gpu.folded_network import folded_network
from c2fpl.extractors.encoding.gpu.folding import (
    FoldedConvolution,
    folded_convolution,
    folded_pool,
)
from c2fpl.extractors.encoding.network import fast_form
from c2fpl.extractors.settings import BackboneName
from plain import with_lively_norms

FOLDABLE: list[tuple[BackboneName, bool]] = [
    ("i3d", False),
    ("i3d-nonlocal-net", False),
    ("i3d-nonlocal-net", True),
    ("r2plus1d-18", False),
]


@pytest.fixture
def freed() -> Iterator[None]:
    """Networks in float64 take 300 MB each, and traced ones refer to themselves."""
    yield
    gc.collect()
    return_freed_memory()


def clips_of(*shape: int) -> torch.Tensor:
    """(clips, channels, frames, height, width), channels last."""
    clips, channels, frames, height, width = shape
    values = torch.randn(
        (clips, frames, height, width, channels),
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(sum(shape)),
    )
    return values.permute(0, 4, 1, 2, 3)


def network_of(name: BackboneName, *, nonlocal_blocks: bool = False) -> fx.GraphModule:
    """The fast form in float64 with random weights and norms."""
    torch.manual_seed(0)
    backbone = backbone_named(name, nonlocal_blocks=nonlocal_blocks)
    return fast_form(with_lively_norms(build_quietly(backbone), 0), backbone, torch.float64)


kernels = st.one_of(
    st.tuples(st.just(1), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 5), st.just(1), st.just(1)),
    st.tuples(st.integers(2, 5), st.integers(1, 4), st.integers(1, 4)),
)


@settings(max_examples=100, deadline=None)
@given(kernel=kernels, sides=st.tuples(*[st.integers(5, 9)] * 3), data=st.data())
def test_a_folded_convolution_is_the_3d_convolution(
    kernel: tuple[int, int, int], sides: tuple[int, int, int], data: st.DataObject
) -> None:
    stride = data.draw(st.tuples(*[st.integers(1, 3)] * 3), "stride")
    padding = data.draw(st.tuples(*[st.integers(0, side // 2) for side in kernel]), "padding")
    conv = nn.Conv3d(4, 5, kernel, stride, padding, dtype=torch.float64)
    conv.requires_grad_(False)
    clips = clips_of(2, 4, *sides)
    expected = conv(clips)
    residual = torch.randn_like(expected) if data.draw(st.booleans(), "residual") else None
    folded = folded_convolution(conv)
    assert folded is not None
    folded.relu = data.draw(st.booleans(), "relu")
    expected = expected if residual is None else expected + residual
    expected = expected.relu() if folded.relu else expected
    torch.testing.assert_close(folded(clips, residual), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv3d(8, 5, (3, 3, 3)),
        nn.Conv3d(8, 8, (1, 3, 3), groups=8),
        nn.Conv3d(4, 5, (1, 3, 3), dilation=2),
        nn.Conv3d(4, 5, (1, 3, 3), padding="same"),
        nn.Conv3d(8, 5, (3, 1, 1), stride=(1, 2, 2)),
    ],
)
def test_a_convolution_of_another_kind_is_not_folded(conv: nn.Conv3d) -> None:
    assert folded_convolution(conv) is None


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((1, 3, 3), (1, 2, 2), (0, 1, 1)),
        ((2, 3, 3), (2, 2, 2), (0, 0, 0)),
        ((2, 1, 1), (2, 1, 1), (0, 0, 0)),
    ],
)
@pytest.mark.parametrize("frames", [4, 5])
def test_a_folded_pool_is_the_3d_pool(
    kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], frames: int
) -> None:
    pool = nn.MaxPool3d(kernel, stride, padding)
    clips = clips_of(2, 3, frames, 7, 8)
    folded = folded_pool(pool)
    assert folded is not None
    assert torch.equal(folded(clips), pool(clips))


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool3d(3, 2, 1),
        nn.MaxPool3d((2, 2, 2), (1, 2, 2)),
        nn.MaxPool3d((1, 2, 2), ceil_mode=True),
        nn.MaxPool3d((1, 2, 2), dilation=(1, 2, 2)),
    ],
)
def test_a_pool_of_another_kind_is_not_folded(pool: nn.MaxPool3d) -> None:
    assert folded_pool(pool) is None


@pytest.mark.usefixtures("freed")
@pytest.mark.parametrize(("name", "nonlocal_blocks"), FOLDABLE)
@torch.inference_mode()
def test_a_folded_network_gives_the_features_of_the_3d_network(
    name: BackboneName, nonlocal_blocks: bool
) -> None:
    network = network_of(name, nonlocal_blocks=nonlocal_blocks)
    clips = clips_of(1, 4, 16, 40, 40)
    folded = folded_network(network)
    assert folded is not None
    expected = network(clips)
    assert expected.norm() > 1
    torch.testing.assert_close(folded(clips), expected, rtol=0, atol=1e-12 * expected.norm())
    assert not any(isinstance(layer, nn.Conv3d | nn.MaxPool3d) for layer in folded.modules())
    assert any(isinstance(layer, nn.Conv3d) for layer in network.modules())  # not changed


@pytest.mark.usefixtures("freed")
@pytest.mark.parametrize("name", ["mc3-18", "x3d-s", "i3d-inception"])
def test_a_network_with_other_kernels_is_not_folded(name: BackboneName) -> None:
    assert folded_network(network_of(name)) is None


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Counts the operations that run, by name."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in torch
        self.calls: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.usefixtures("freed")
@torch.no_grad()
def test_folding_copies_no_map_except_the_frames_under_the_first_kernel() -> None:
    folded = folded_network(network_of("i3d-nonlocal-net"))
    assert folded is not None
    with Counted() as counted:
        folded(clips_of(2, 4, 16, 32, 32))
    assert counted.calls["convolution"] == 53
    assert counted.calls["copy_"] == 5  # frames under a kernel of (5, 7, 7)
    assert not {"clone", "_to_copy", "cat", "contiguous"} & set(counted.calls)


@pytest.mark.usefixtures("freed")
@torch.no_grad()
def test_cudnn_computes_convolution_bias_sum_and_relu_in_one_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = network_of("i3d-nonlocal-net")
    folded = folded_network(network)
    assert folded is not None
    clips = clips_of(1, 4, 16, 32, 32)
    expected, calls = network(clips), Counter[str]()

    def relu(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor, *sizes: Any) -> torch.Tensor:
        return add_relu(x, w, None, 1.0, b, *sizes)

    def add_relu(
        x: torch.Tensor, w: torch.Tensor, z: torch.Tensor | None, scale: float, *rest: Any
    ) -> torch.Tensor:
        bias, stride, padding, dilation, groups = rest
        assert scale == 1.0
        for maps in (x, w) if z is None else (x, w, z):
            assert maps.is_contiguous(memory_format=torch.channels_last)
        calls["relu" if z is None else "add_relu"] += 1
        out = F.conv2d(x, w, bias, stride, padding, dilation, groups)
        return (out if z is None else out + z).relu()

    monkeypatch.setattr(torch, "cudnn_convolution_relu", relu)
    monkeypatch.setattr(torch, "cudnn_convolution_add_relu", add_relu)
    monkeypatch.setattr(torch.Tensor, "is_cuda", True)
    with Counted() as counted:
        found = folded(clips)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12 * expected.norm())
    assert calls == {"relu": 33, "add_relu": 16}
    assert counted.calls["convolution"] == 33 + 16 + 4  # and four shortcuts, which have no ReLU
    without_bias = [
        layer
        for layer in folded.modules()
        if isinstance(layer, FoldedConvolution) and layer.bias is None
    ]
    assert len(without_bias) == 4
