"""The network of picture distortions: a grid of native patches, fixed statistics of them, and learned layers on these.

No resizing: blur, noise and upscaling are what a resize takes away. What is convolved and counted is fixed, and chosen for what each
distortion does; only what follows from it is learned. So few numbers (about two hundred a picture) can be learned from few scenes, and
training is a matter of seconds. The statistics are

- the energy of the 8x8 cosine transform by band of frequency: its mean (edges), the mean of its logarithm (flat parts), and how it is
  spread over blocks: blur and upscaling empty the high bands of the sharpest blocks, noise fills those of the flattest;
- the same on the codecs' grid against half a block off it, and the steps between pixels by their place in a block: coarse quantisation;
- the spectrum of the histogram of flat samples: few levels make it a comb; and steps between plateaus, as in CAMBI (arXiv 2102.00079).

The patches lie on the codecs' grid of 8, so that every place in a block means the same in each.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from picture_distort import DEFECTS

PATCH, GRID = 128, 16     # side of a patch; patches begin at multiples of GRID
CELLS = PATCH // GRID
ROWS, COLUMNS = 3, 4      # patches of a large picture; a small one has as many as fit
FIRST, LAST = 4, 64       # frequencies of the histogram, in 1/128 cycles a level: bands of 32 to 2 levels
COMBS = [4, 6, 8, 10, 13, 16, 18, 20, 24, 29, 33]  # limits between the combs that are told apart: 4 and 5 are bands of 32 to 26 levels
BANDS = 8                 # u + v of the cosine transform: 1, 2, 3, 4, 5 and 6, 7 and 8, 9 and 10, 11 to 14
STEPS = [.7, 1.5, 2.5, 4.5, 6.5, 9.5, 18.5, 40]  # limits between sizes of steps between plateaus, levels


# Which statistics follow each other in the output of Statistics, and how many they are.
PARTS = {"bands": 4 * BANDS, "spreads": 8 * 14 + 4 * 12 + 6, "distances": 20, "grid": 64, "plateaus": len(STEPS), "comb": 2 * len(COMBS) + 1}
# What a defect is told from: the others would only be learned by heart.
READS = {"blur": ["bands", "spreads", "distances"],
         "noise": ["bands", "spreads", "distances"],
         "banding": ["plateaus", "comb"],
         "compression": ["bands", "spreads", "distances", "grid"],
         "upscaling": ["bands", "spreads", "distances"]}


class Statistics(nn.Module):
    """[N, K, PATCH, PATCH] uint8 patches of N pictures to [N, features]."""

    def __init__(self):
        super().__init__()
        self.register_buffer("cosines", cosines())
        self.register_buffer("bands", bands())
        self.register_buffer("teeth", teeth())
        self.register_buffer("energies", torch.linspace(-2, 8, 14))
        self.register_buffer("ratios", torch.linspace(-9, 0, 12))

    def forward(self, patches):
        pictures = patches.shape[0]
        luma = patches.reshape(-1, 1, PATCH, PATCH)
        x = luma.float()
        energy = F.conv2d(F.conv2d(x, self.cosines, stride=4).square(), self.bands)  # [M, BANDS, 31, 31] per block
        every = (energy + .02).log().flatten(2).transpose(1, 2).reshape(pictures, -1, BANDS)
        on, off = ((energy[:, :, k::2, k::2] + .02).log().flatten(2).transpose(1, 2).reshape(pictures, -1, BANDS) for k in (0, 1))
        across, down = x[:, 0, ::4], x[:, 0, :, ::4].transpose(1, 2)
        return torch.cat([
            every.mean(1), every.exp().mean(1).log(), (2 * every).exp().mean(1).log(), on.mean(1) - off.mean(1),
            *self.spreads(on, off),
            *self.distances(across, pictures), *self.distances(down, pictures),
            *self.grid(across, pictures), *self.grid(down, pictures),
            self.plateaus(across, pictures) + self.plateaus(down, pictures),
            self.comb(luma, x, pictures),
        ], 1)

    def spreads(self, on, every):
        """Which shares of the blocks lie below limits of energy (on the grid), and, of blocks with structure, of high bands against low (off it)."""
        low = every[:, :, :3].exp().sum(2).log()
        structure, flat = torch.sigmoid(low - 4.5), torch.sigmoid(4 - low)
        out = [self.shares(on[:, :, k], self.energies, torch.ones_like(on[:, :, 0])) for k in (3, 5, 7)]
        out += [self.shares(every[:, :, k], self.energies, flat) for k in (4, 7)]
        out += [self.shares(every[:, :, k] - low, self.ratios, structure) for k in (4, 5, 6, 7)]
        uneven = torch.sigmoid(on[:, :, :3].exp().sum(2).log() - 4.5)
        out += [self.shares(on[:, :, k], self.energies, uneven) for k in (3, 5, 7)]
        for k in (4, 5, 6, 7):  # the sharpest blocks
            ratio = every[:, :, k] - low
            out.append(((structure * (2 * ratio).exp()).sum(1) / (structure.sum(1) + 1) + 1e-9).log()[:, None] / 2)
        return out + [structure.mean(1)[:, None], flat.mean(1)[:, None]]

    @staticmethod
    def shares(value, limits, weight):
        below = torch.sigmoid(3 * (limits[None, None] - value[:, :, None]))
        return (weight[:, None] @ below)[:, 0] / (weight.sum(1)[:, None] + 1)

    @staticmethod
    def distances(lines, pictures):
        """Steps along lines [M, 32, PATCH] over distances of 1, 2 and 4, as means of several powers, and the share of none."""
        out, some = [], lines[:, ::2]
        for k in (1, 2, 4):
            far = (some[:, :, 4:] - some[:, :, 4 - k:PATCH - k]).abs().reshape(pictures, -1)
            square = far.square()
            out += [(far.mean(1)[:, None] + .05).log(), (square.mean(1)[:, None] + .05).log() / 2, (square.square().mean(1)[:, None] + .05).log() / 4]
        return out + [(some[:, :, 1:] == some[:, :, :-1]).float().reshape(pictures, -1).mean(1)[:, None]]

    @staticmethod
    def grid(lines, pictures):
        """Steps along lines by their place in a macroblock, relative to their mean: the strong ones, and the faint ones."""
        step = (lines[:, :, 16:] - lines[:, :, 15:-1]).abs().reshape(pictures, -1, 16)
        strong, faint = (step.mean(1) + .05).log(), (step + .5).log().mean(1)
        return [strong - strong.mean(1)[:, None], faint - faint.mean(1)[:, None]]

    def plateaus(self, lines, pictures):
        """Steps of each size between plateaus, for a thousand places between plateaus."""
        row = lines[:, 1::2]
        flat = ((row[:, :, 4:] - row[:, :, :-4]).abs() < 1.5) & ((row[:, :, 2:-2] - row[:, :, :-4]).abs() < 1.5)
        between = (flat[:, :, :-8] & flat[:, :, 8:]).float()
        step = (row[:, :, 8:-4] - row[:, :, 4:-8]).abs() * between
        count = between.reshape(pictures, -1).sum(1)[:, None] + 10
        above = torch.stack([(step > limit).float().reshape(pictures, -1).sum(1) for limit in STEPS], 1)
        return (1000 * above / count + 1).log()

    def comb(self, luma, x, pictures):
        """How much the Fourier coefficients of a comb stand out in the spectrum of the histogram, of flat parts and of all samples.

        Of all samples the coding noise leaves little of a comb, but there are many; flat parts keep it, but are few."""
        rows, columns = slice(2, None, 4), slice(1, -1, 4)
        y = x[:, 0]
        uneven = (y[:, rows, columns] - y[:, 1::4, columns]).abs() + (y[:, rows, columns] - y[:, rows, 2::4]).abs()
        flat = (1.5 - uneven / 2).clamp(0, 1).reshape(pictures, 1, -1)
        weight = torch.cat([flat, torch.ones_like(flat)], 1)
        waves = self.teeth[luma[:, 0, rows, columns].reshape(pictures, -1).int()]
        both = (weight @ waves) / (weight.sum(2, keepdim=True) + 1)
        teeth = both.shape[2] // 2
        size = (both[..., :teeth] ** 2 + both[..., teeth:] ** 2 + 1e-5).log()
        usual = size.mean(2, keepdim=True)
        whole = size[..., : COMBS[-1] - FIRST] + size[..., FIRST::2][..., : COMBS[-1] - FIRST] / 2 - usual  # a comb has a second harmonic
        found = [whole[..., a - FIRST:b - FIRST].amax(2) for a, b in zip(COMBS, COMBS[1:])]
        return torch.cat([*found, usual[..., 0], flat.mean(2)], 1)


def cosines() -> torch.Tensor:
    """[64, 1, 8, 8]: the orthonormal cosine transform."""
    k, n = torch.arange(8)[:, None], torch.arange(8)[None]
    one = ((2 * n + 1) * k * math.pi / 16).cos() * torch.where(k == 0, math.sqrt(1 / 8), .5)
    return torch.einsum("ui,vj->uvij", one, one).reshape(64, 1, 8, 8)


def bands() -> torch.Tensor:
    """[BANDS, 64, 1, 1]: the mean energy of the coefficients of a band."""
    u = torch.arange(8)
    order = (u[:, None] + u[None]).flatten()
    band = torch.tensor([-1, 0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7])[order]
    member = (band[None] == torch.arange(BANDS)[:, None]).float()
    return (member / member.sum(1)[:, None])[:, :, None, None]


def teeth() -> torch.Tensor:
    """[256, 2 frequencies]: cosines, then sines, of each level."""
    angle = torch.arange(256)[:, None] * torch.arange(FIRST, LAST + 1)[None] * (2 * math.pi / 128)
    return torch.cat([angle.cos(), angle.sin()], 1)


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
        size = torch._shape_as_tensor(luma)
        rows = luma.reshape(luma.shape[0], luma.shape[2] // GRID, -1).index_select(1, places(size[2] // GRID, ROWS))
        cells = rows.reshape(luma.shape[0], rows.shape[1] * GRID, luma.shape[3] // GRID, GRID).index_select(2, places(size[3] // GRID, COLUMNS))
        high, wide = cells.shape[1] // PATCH, cells.shape[2] // CELLS
        cut = cells.reshape(luma.shape[0], high, PATCH, wide, PATCH).permute(0, 1, 3, 2, 4)
        return cut.reshape(luma.shape[0], -1, PATCH, PATCH)


def places(cells: torch.Tensor, most: int) -> torch.Tensor:
    """The cells of GRID rows (or columns) of all patches: as many patches as fit, at most `most`, spread evenly. A picture under PATCH repeats its last."""
    count = (cells // CELLS).clamp(1, most)
    free = (cells - CELLS).clamp(min=0)
    start = (2 * torch.arange(count) + 1) * free // (2 * count)
    return (start[:, None] + torch.arange(CELLS)[None]).reshape(-1).minimum(cells - 1)
