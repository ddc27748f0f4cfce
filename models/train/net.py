"""The network: native-resolution luma to one logit a macroblock, and those to one score a picture.

Fully convolutional, stride 16, depthwise-separable (MobileNet, arXiv 1704.04861). Three choices serve the speed on a CPU:
one wide layer and no more where there are many pixels; channel counts that are multiples of 16, the block in which ONNX Runtime
computes with AVX-512; and the residual sum before the ReLU, so that both are done inside the convolution.
"""

import torch
from torch import nn

POOL_SIZES = (4, 16, 64)  # the score looks at the mean of the k strongest macroblocks, for these k


class Conv(nn.Module):
    """Convolution and batch norm, then a sum with `skip` if there is one, then ReLU unless it is the last."""

    def __init__(self, cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, (kernel - 1) // 2 if stride < 4 else (kernel - stride) // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(cout)

    def forward(self, x, skip=None):
        y = self.norm(self.conv(x))
        return torch.relu(y if skip is None else y + skip)


class Separable(nn.Module):
    def __init__(self, cin: int, cout: int, stride: int = 1, kernel: int = 3):
        super().__init__()
        self.depthwise = Conv(cin, cin, kernel, stride, cin)
        self.pointwise = Conv(cin, cout)
        self.residual = cin == cout and stride == 1

    def forward(self, x):
        return self.pointwise(self.depthwise(x), x if self.residual else None)


class BlockNet(nn.Module):
    """Input [N,1,H,W] in 0..1; output [N,1,H/16,W/16] logits. H and W are multiples of 16."""

    def __init__(self, widths=(32, 32, 64), depths=(0, 1, 3), stem: int = 8):
        super().__init__()
        a, b, c = widths
        self.shape = dict(widths=widths, depths=depths, stem=stem)
        self.stem = Conv(1, a, stem, 4)
        self.quarter = nn.Sequential(*[Separable(a, a) for _ in range(depths[0])])
        self.eighth = nn.Sequential(Separable(a, b, 2), *[Separable(b, b) for _ in range(depths[1])])
        self.sixteenth = nn.Sequential(Separable(b, c, 2), *[Separable(c, c, kernel=5 if k else 3) for k in range(depths[2])])
        self.head = nn.Conv2d(c, 1, 1)

    def forward(self, x):
        return self.head(self.sixteenth(self.eighth(self.quarter(self.stem(x)))))


def pooled(logits: torch.Tensor) -> torch.Tensor:
    """[N,1,h,w] logits -> [N, len(POOL_SIZES)] means of the k strongest. h*w must be at least the largest k (128x128 pixels)."""
    top = logits.flatten(1).topk(max(POOL_SIZES), dim=1).values
    return torch.stack([top[:, :k].mean(1) for k in POOL_SIZES], dim=1)
