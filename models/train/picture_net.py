"""The network of picture distortions: a grid of native patches, fixed statistics of them, and learned layers on these.

No resizing: blur, noise and upscaling are what a resize takes away. What is convolved and counted is fixed, and chosen for what each
distortion does; only what follows from it is learned. So few numbers (about two hundred a picture) can be learned from few scenes, and
training is a matter of seconds. The statistics are

- the energy of the 8x8 cosine transform by band of frequency: its mean (edges), the mean of its logarithm (flat parts), and how it is
  spread over blocks: blur and upscaling empty the high bands of the sharpest blocks, noise fills those of the flattest;
- the same on the codecs' grid against half a block off it, and the steps between pixels by their place in a block: coarse quantisation;
- the spectrum of the histogram of flat samples: few levels make it a comb; and steps between plateaus, as in CAMBI (arXiv 2102.00079).

The fixed numbers are in picture_tables.py. The patches lie on the codecs' grid of 8, so that every place in a block means the same in each.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

import picture_tables as tables
from picture_distort import DEFECTS
from picture_operators import cut, padded, shaped
from picture_tables import BANDS, COMBS, GRID, PATCH, SIDE, STEPS, WAVES

CELLS = PATCH // GRID
ROWS, COLUMNS = 3, 4      # patches of a large picture; a small one has as many as fit
END = 1 << 31             # of an axis of any length

# Which statistics follow each other in the output of Statistics, and how many they are.
PARTS = {"bands": 4 * BANDS, "spreads": 8 * 14 + 4 * 12 + 6, "distances": 20, "grid": 64, "plateaus": len(STEPS), "comb": 2 * len(COMBS) + 1}
# What a defect is told from: the others would only be learned by heart.
READS = {"blur": ["bands", "spreads", "distances"],
         "noise": ["bands", "spreads", "distances"],
         "banding": ["plateaus", "comb"],
         "compression": ["bands", "spreads", "distances", "grid"],
         "upscaling": ["bands", "spreads", "distances"]}


class Statistics(nn.Module):
    """[N, K, PATCH, PATCH] uint8 patches of N pictures to [N, features].

    On a GPU a run costs by the operator and hardly by the sample. So the patches of a picture lie below each other, rows and columns are
    lines of one tensor, limits are compared by one convolution, and one table (picture_tables.py) says how the sums make statistics."""

    def __init__(self):
        super().__init__()
        block_kernel, block_shift, block_plus = tables.block_kernel()
        self.fixed(cosines=tables.cosines(), bands=tables.bands(), floor=torch.tensor([.02] * BANDS + [.06]), positions=tables.positions(),
                   block_kernel=block_kernel, block_shift=block_shift, block_plus=block_plus, counted=tables.counted(),
                   far_kernel=tables.far_kernel(), plateau_kernel=tables.plateau_kernel(), limits=tables.limits(),
                   uneven_kernel=tables.uneven_kernel(), teeth=tables.teeth(), harmonics=tables.harmonics().flatten(1), **tables.table())

    def fixed(self, **tensors):
        for name, value in tensors.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, patches):
        return F.linear(self.columns(patches), self.mix, self.shift)

    def columns(self, patches):
        """[N, columns]: what mix and shift make the statistics of."""
        luma = shaped(patches, 0, 1, -1, PATCH)
        x = luma.float()
        lines = self.pairs(x)
        sums = self.joined([*self.blocks(x), *self.distances(lines), self.plateaus(lines), *self.comb(luma, x)])
        column = sums.index_select(1, self.over) / (sums.index_select(1, self.under) * self.times + self.plus)
        return torch.where(self.logged, (column + self.least).log(), column)

    @staticmethod
    def joined(sums):
        """[N, all]. Each is made as long as the longest: ONNX Runtime has to tell a GPU where parts of different sizes lie."""
        sizes = [math.prod(size) for size in tables.SUMS.values()]
        flat = [shaped(part, -1, size) for part, size in zip(sums, sizes)]
        return torch.cat([padded(part, (0, 0), (0, max(sizes) - size)) if size < max(sizes) else part for part, size in zip(flat, sizes)], 1)

    def blocks(self, x):
        """Of the log energies, the energies and their squares: means. And sums of block_rows by each of their weights."""
        spectrum = F.conv2d(padded(x, (0, 0, 0, 0), (0, 0, 4, 4)), self.cosines, stride=4)
        energy = F.conv2d(spectrum * spectrum, self.bands, self.floor)  # [N, BANDS + 1, K * SIDE, SIDE]
        logs = energy.log()
        means = (shaped(torch.cat([logs, energy, energy * energy], 1), 0, 0, -1, SIDE * SIDE) @ self.positions).mean(2)
        pairs = shaped(logs, 0, 0, -1, 2 * SIDE)  # two rows of blocks in one: what is half a block off the grid comes SIDE + 1 later
        rows = (F.conv2d(pairs, self.block_kernel, self.block_shift, stride=(1, 2), dilation=(1, SIDE + 1)).exp() + self.block_plus).reciprocal()
        weights = shaped(cut(rows, d1=(0, len(self.counted), 1)), 0, 0, -1, SIDE * SIDE // 4) * self.counted
        return means, shaped(rows, 0, 0, -1) @ shaped(weights, 0, 0, -1).transpose(1, 2)

    @staticmethod
    def pairs(x):
        """[2N, 1, lines, PATCH]: every fourth row of the patches of a picture, then every fourth column of them."""
        rows, columns = cut(x, d2=(0, END, 4)), shaped(cut(x, d3=(0, PATCH, 4)), 0, -1, PATCH, SIDE).transpose(2, 3)
        return shaped(torch.cat([rows, shaped(columns, 0, 1, -1, PATCH)], 1), -1, 1, 0, PATCH)

    def distances(self, lines):
        """Means of powers of the steps in every other line, the share of none, and means of steps and their logarithms by place in a macroblock."""
        step = F.conv2d(padded(lines, (0, 0, 0, 3), (0, 0, 0, 0)), self.far_kernel, stride=(2, 1)).abs()  # [2N, 4, lines / 2, PATCH - 1]
        far = cut(step, d1=(0, 3, 1), d3=(3, PATCH, 1))
        square = far * far
        powers = shaped(torch.cat([far, square, square * square], 1), 0, 0, -1).mean(2)
        same = shaped((cut(step, d1=(2, 3, 1)) < .5).float(), 0, -1).mean(1)
        grid = cut(step, d1=(2, 4, 1), d3=(15, PATCH, 1))
        return powers, same, shaped(torch.cat([grid, (grid + .5).log()], 1), 0, 2, -1, GRID).mean(2)

    def plateaus(self, lines):
        """How many places lie between plateaus, and steps of each size there."""
        uneven = F.conv2d(lines, self.plateau_kernel, stride=(2, 1), dilation=(1, 2)).abs()
        step = torch.where(uneven.amax(1, keepdim=True) < 1.5, cut(uneven, d1=(4, 5, 1)), -1.)
        return (shaped(step, 0, 1, -1) > self.limits).float().sum(2)

    def comb(self, luma, x):
        """How much the Fourier coefficients of a comb stand out in the spectrum of the histogram, of flat parts and of all samples.

        Of all samples the coding noise leaves little of a comb, but there are many; flat parts keep it, but are few."""
        flat = shaped((1.5 - F.conv2d(x, self.uneven_kernel, stride=4).abs().sum(1)).clamp(0, 1), 0, -1)
        level = shaped(cut(luma, d2=(2, END, 4), d3=(1, PATCH, 4)).long(), 0, -1)
        weights, places = torch.cat([flat, flat.clamp(1, 1)], 1), torch.cat([level, level + 256], 1)
        histogram = (cut(flat, d1=(0, 512, 1)) * 0).scatter_add(1, places, weights)
        waves = shaped(histogram, -1, 2, 256) @ self.teeth
        share = waves / (cut(waves, d2=(WAVES - 1, WAVES, 1)) + 1)
        size = (shaped(share * share, -1, 2, 2, WAVES).sum(2) + 1e-5).log()
        return shaped(size @ self.harmonics, 0, 0, len(COMBS), -1).amax(3), waves


class PictureNet(nn.Module):
    """Statistics [N, features] to [N, defects] logits: for each defect the mean of several small networks that were trained on different groups."""

    def __init__(self, members: int = 3, width: int = 16):
        super().__init__()
        self.shape = dict(members=members, width=width)
        self.register_buffer("mean", torch.zeros(sum(PARTS.values())))
        self.register_buffer("deviation", torch.ones(sum(PARTS.values())))
        for defect in DEFECTS:
            self.register_buffer("reads_" + defect, columns(READS[defect]))
        self.members = nn.ModuleList([nn.ModuleList([self.small(defect, width) for defect in DEFECTS]) for _ in range(members)])

    @staticmethod
    def small(defect: str, width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(len(columns(READS[defect])), width), nn.ReLU(), nn.Dropout(.2), nn.Linear(width, width), nn.ReLU(),
                             nn.Dropout(.2), nn.Linear(width, 1))

    def normal(self, statistics):
        return ((statistics - self.mean) / self.deviation).clamp(-4, 4)

    def member(self, k: int, normal):
        return torch.cat([small(normal.index_select(1, getattr(self, "reads_" + defect))) for defect, small in zip(DEFECTS, self.members[k])], 1)

    def forward(self, statistics):
        x = self.normal(statistics)
        return torch.stack([self.member(k, x) for k in range(len(self.members))]).mean(0)


def columns(parts: list[str]) -> torch.Tensor:
    """Where the statistics of these parts are."""
    begins = dict(zip(PARTS, torch.tensor([0, *PARTS.values()]).cumsum(0).tolist()))
    return torch.cat([torch.arange(begins[part], begins[part] + PARTS[part]) for part in PARTS if part in parts])


class Looker(nn.Module):
    """Pictures uint8 [N,1,H,W], H and W multiples of GRID, to their patches [N, K, PATCH, PATCH]: the grid is inside the graph."""

    def forward(self, luma):
        down, right = places(torch._shape_as_tensor(luma)[2:])
        rows = shaped(luma, 0, -1, GRID, 0).index_select(1, down)
        cells = shaped(rows, 0, 0, 0, -1, GRID).index_select(3, right)  # [N, rows of cells, GRID, columns of cells, GRID]
        cut = shaped(shaped(cells, 0, -1, PATCH, 0, GRID), 0, 0, 0, -1, PATCH).transpose(2, 3)
        return shaped(cut, 0, -1, PATCH, PATCH)


def places(size: torch.Tensor):
    """Of height and width, the cells of GRID rows and columns of all patches: as many patches as fit, ROWS and COLUMNS at most, spread evenly.
    A picture under PATCH repeats its last."""
    cells = torch.div(size, GRID, rounding_mode="trunc")[:, None]
    count = torch.div(cells, CELLS, rounding_mode="trunc").clamp(min=1).minimum(torch.tensor([[ROWS], [COLUMNS]]))
    patch, cell = torch.arange(COLUMNS).repeat_interleave(CELLS), torch.arange(CELLS).repeat(COLUMNS)
    start = torch.div((2 * patch + 1) * (cells - CELLS).clamp(min=0), 2 * count, rounding_mode="trunc")
    place = (start + cell).minimum(cells - 1)
    return place[0, :CELLS * count[0, 0]], place[1, :CELLS * count[1, 0]]
