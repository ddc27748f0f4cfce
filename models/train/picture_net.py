"""The network of picture distortions: a grid of native patches to one logit a defect.

No resizing: blur, noise and upscaling are what a resize takes away. The patches lie on the codecs' grid, so that the trunk, whose strides
make 16, can see its lattice. Its input is luma and, twice, the difference to the local mean: cut off at a few levels, where noise and
bands are, and at many, where edges are. Attention (one learned weight a cell and reader) pools the cells of all patches, so that each
defect can look where it shows: blur at the sharpest edges, bands in the sky. A second path is the spectrum of the histogram of flat
samples: few levels make it a comb, whose teeth no convolution could count.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from net import Conv
from picture_distort import DEFECTS

PATCH, GRID = 128, 16     # side of a patch; patches begin at multiples of GRID
ROWS, COLUMNS = 4, 4      # patches of a large picture; a small one has as many as fit
TEETH = 37                # frequencies of the histogram: k/128 cycles a level for k = 4..40, bands of 32 to 3.2 levels
EVERY = 4                 # the histogram takes every fourth sample both ways


class PictureNet(nn.Module):
    """[N, K, PATCH, PATCH] uint8 patches of N pictures to [N, len(DEFECTS)] logits."""

    def __init__(self, channels: tuple[int, ...] = (16, 32, 48, 64), readers: int = 8, width: int = 24):
        super().__init__()
        self.shape = dict(channels=channels, readers=readers, width=width)
        c1, c2, c3, c4 = channels
        self.trunk = nn.Sequential(Conv(3, c1, 5, 2), Conv(c1, c2, 3, 2), Conv(c2, c3, 3, 2), Conv(c3, c4, 3, 2), Conv(c4, c4, 3))
        self.attention = nn.Linear(c4, readers)
        self.value = nn.Linear(c4, width)
        self.comb = nn.Sequential(nn.Linear(TEETH + 1, 32), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(readers * width + c4 + 32, 64), nn.ReLU(), nn.Linear(64, len(DEFECTS)))
        self.register_buffer("teeth", teeth())

    def forward(self, patches):
        pictures = patches.shape[0]
        luma = patches.reshape(-1, 1, PATCH, PATCH)
        x = luma.float()
        local = x - F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
        cells = self.trunk(torch.cat([x / 64 - 2, (local / 2).clamp(-3, 3), (local / 16).clamp(-3, 3)], 1))
        cells = cells.flatten(2).transpose(1, 2).reshape(pictures, -1, cells.shape[1])
        weight = self.attention(cells).softmax(1)
        read = weight.transpose(1, 2) @ self.value(cells)
        with torch.autocast("cpu", enabled=False):  # sums of thousands of cosines need more than 8 bits
            spectrum = self.spectrum(luma, local, pictures)
        comb = self.comb(spectrum)
        return self.head(torch.cat([read.flatten(1), cells.mean(1), comb], 1))

    def spectrum(self, luma, local, pictures):
        """[N, TEETH + 1]: sizes of the Fourier coefficients of the histogram of flat samples, and the share of these."""
        at = slice(EVERY // 2, None, EVERY)
        flat = (1.5 - local[:, 0, at, at].abs() / 2).clamp(0, 1).reshape(pictures, 1, -1)
        waves = self.teeth[luma[:, 0, at, at].reshape(pictures, -1).int()]
        both = (flat @ waves)[:, 0] / (flat.sum(2) + 1)
        size = (both[:, :TEETH] ** 2 + both[:, TEETH:] ** 2 + 1e-6).sqrt()
        return torch.cat([size, flat.mean(2)], 1)


def teeth() -> torch.Tensor:
    """[256, 2 * TEETH]: cosines, then sines, of each level."""
    angle = torch.arange(256)[:, None] * torch.arange(4, 4 + TEETH)[None] * (2 * math.pi / 128)
    return torch.cat([angle.cos(), angle.sin()], 1)


class Looker(nn.Module):
    """Pictures uint8 [N,1,H,W] of any size to their patches [N, K, PATCH, PATCH]: the grid is inside the graph."""

    def forward(self, luma):
        size = torch._shape_as_tensor(luma)
        rows = luma.index_select(2, places(size[2], ROWS))
        both = rows.index_select(3, places(size[3], COLUMNS))
        n, h, w = both.shape[0], both.shape[2], both.shape[3]
        cut = both.reshape(n, h // PATCH, PATCH, w // PATCH, PATCH).permute(0, 1, 3, 2, 4)
        return cut.reshape(n, -1, PATCH, PATCH)


def places(size: torch.Tensor, most: int) -> torch.Tensor:
    """The rows (or columns) of all patches: as many patches as fit, at most `most`, spread evenly. A picture under PATCH repeats its last row."""
    count = (size // PATCH).clamp(1, most)
    free = (size - PATCH).clamp(min=0)
    start = (2 * torch.arange(count) + 1) * free // (2 * count) // GRID * GRID
    return (start[:, None] + torch.arange(PATCH)[None]).reshape(-1).minimum(size - 1)
