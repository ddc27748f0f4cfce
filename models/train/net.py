"""The network: native-resolution luma to one logit a macroblock, and those to one score a picture.

The first layer is fixed: absolute first differences, across and down, each the mean of four pixels along the edge. That is what
damage changes (a step on a block border beside slopes that are not as steep), it spares the training what is known beforehand,
and it is the only work at a quarter of the resolution. The second layer sees the whole profile of a macroblock, all sixteen
phases both ways, so that it finds steps on the grid and, after a scaler, off it. The rest (depthwise-separable, MobileNet,
arXiv 1704.04861) compares each block with its neighbours. Channel counts are multiples of 16, the block in which ONNX Runtime
computes with AVX-512, and the residual sum comes before the ReLU, so that both are done inside the convolution.
"""

import torch
from torch import nn

POOL_SIZES = (4, 16, 64)  # the score looks at the mean of the k strongest macroblocks, for these k
CELL = 4                  # pixels: the first layer's stride and the length over which it averages


class Conv(nn.Module):
    """Convolution and batch norm, then a sum with `skip` if there is one, then ReLU."""

    def __init__(self, cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, 0 if stride == kernel else kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(cout)

    def forward(self, x, skip=None):
        y = self.norm(self.conv(x))
        return torch.relu(y if skip is None else y + skip)


class Separable(nn.Module):
    def __init__(self, channels: int, kernel: int):
        super().__init__()
        self.depthwise = Conv(channels, channels, kernel, groups=channels)
        self.pointwise = Conv(channels, channels)

    def forward(self, x):
        return self.pointwise(self.depthwise(x), x)


class BlockNet(nn.Module):
    """Input [N,1,H,W] in 0..1; output [N,1,H/16,W/16] logits. H and W are multiples of 16."""

    def __init__(self, channels: int = 96, kernels: tuple[int, ...] = (3, 5, 5)):
        super().__init__()
        self.shape = dict(channels=channels, kernels=kernels)
        self.differences = nn.Conv2d(1, 4 * CELL, CELL + 1, CELL, 1, bias=False)
        self.differences.weight = nn.Parameter(difference_filters(), requires_grad=False)
        self.profile = Conv(4 * CELL, channels, 4, 4)
        self.context = nn.Sequential(*[Separable(channels, k) for k in kernels])
        self.head = nn.Conv2d(channels, 1, 1)

    def forward(self, x):
        return self.head(self.context(self.profile(torch.relu(self.differences(x)))))


def difference_filters() -> torch.Tensor:
    """[16,1,5,5]: for each column of a 4x4 cell the step to the column before it, its negative, and the same for rows."""
    filters = torch.zeros(4, CELL, 1, CELL + 1, CELL + 1)
    for k in range(CELL):
        filters[0, k, 0, 1:, k + 1], filters[0, k, 0, 1:, k] = 1 / CELL, -1 / CELL
        filters[1, k, 0, k + 1, 1:], filters[1, k, 0, k, 1:] = 1 / CELL, -1 / CELL
    filters[2:] = -filters[:2]
    return filters.flatten(0, 1)


def pooled(logits: torch.Tensor) -> torch.Tensor:
    """[N,1,h,w] logits -> [N, len(POOL_SIZES)] means of the k strongest. h*w must be at least the largest k (128x128 pixels)."""
    top = logits.flatten(1).topk(max(POOL_SIZES), dim=1).values
    return torch.stack([top[:, :k].mean(1) for k in POOL_SIZES], dim=1)
