"""The fixed numbers of the picture network: kernels, weights of positions, and the table by which sums make statistics."""

import math

import torch

PATCH, GRID = 128, 16     # side of a patch; patches begin at multiples of GRID
SIDE = PATCH // 4         # blocks of 8x8, every 4 pixels, along a side of a patch; the last leaves the patch and counts nowhere
BANDS = 8                 # u + v of the cosine transform: 1, 2, 3, 4, 5 and 6, 7 and 8, 9 and 10, 11 to 14
LOW = BANDS               # a channel more: the first three together
ENERGIES, RATIOS = torch.linspace(-2, 8, 14).tolist(), torch.linspace(-9, 0, 12).tolist()
DISTANCES = 4, 2, 1       # between pixels of a line
STEPS = [.7, 1.5, 2.5, 4.5, 6.5, 9.5, 18.5, 40]  # limits between sizes of steps between plateaus, levels
LITTLE = 1 / 256          # a step, however large, times this is less than any unevenness that counts
FIRST, LAST = 4, 64       # frequencies of the histogram, in 1/128 cycles a level: bands of 32 to 2 levels
WAVES = LAST - FIRST + 2  # these, and none
COMBS = [4, 6, 8, 10, 13, 16, 18, 20, 24, 29, 33]  # limits between the combs that are told apart: 4 and 5 are bands of 32 to 26 levels

ON, OFF = 0, 1  # a block of the codecs' grid, and that half a block off it
# The weights that blocks are counted with: all, all off the grid, not flat on the grid, not flat off it, flat off it.
ALL, ALL_OFF, UNEVEN, STRUCTURE, FLAT = range(5)


def cosines() -> torch.Tensor:
    """[64, 1, 8, 8]: the orthonormal cosine transform."""
    k, n = torch.arange(8)[:, None], torch.arange(8)[None]
    one = ((2 * n + 1) * k * math.pi / 16).cos() * torch.where(k == 0, math.sqrt(1 / 8), .5)
    return torch.einsum("ui,vj->uvij", one, one).reshape(64, 1, 8, 8)


def bands() -> torch.Tensor:
    """[BANDS + 1, 64, 1, 1]: the mean energy of the coefficients of a band, and the sum of the first three of these."""
    u = torch.arange(8)
    order = (u[:, None] + u[None]).flatten()
    band = torch.tensor([-1, 0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7])[order]
    member = (band[None] == torch.arange(BANDS)[:, None]).float()
    mean = member / member.sum(1)[:, None]
    return torch.cat([mean, mean[:3].sum(0, keepdim=True)])[:, :, None, None]


def positions() -> torch.Tensor:
    """[SIDE * SIDE, 2]: the mean over the blocks of a patch, and the mean over those on the grid less that over those off it."""
    inside = torch.ones(SIDE, SIDE)
    inside[-1], inside[:, -1] = 0, 0
    on, off = torch.zeros(SIDE, SIDE), torch.zeros(SIDE, SIDE)
    on[::2, ::2], off[1:-1:2, 1:-1:2] = 1, 1
    return torch.stack([inside / inside.sum(), on / on.sum() - off / off.sum()], -1).flatten(0, 1)


def counted() -> torch.Tensor:
    """[5, 1, blocks of 2x2]: where each weight counts."""
    off = torch.ones(SIDE // 2, SIDE // 2)
    off[-1], off[:, -1] = 0, 0
    return torch.stack([off if weight in (ALL_OFF, STRUCTURE, FLAT) else torch.ones_like(off) for weight in range(5)]).flatten(1)[:, None]


def block_rows() -> list[tuple]:
    """What is looked at in blocks, as (place, {channel: factor}, shift, plus): 1 / (plus + exp(factors * log energies + shift)).

    With a plus of 1 that is a sigmoid: of a weight, or 3 (limit - value), soft counting of what lies below a limit. First the weights."""
    rows = [(ON, {}, -40., 1), (ON, {}, -40., 1), (ON, {LOW: -1.}, 4.5, 1), (OFF, {LOW: -1.}, 4.5, 1), (OFF, {LOW: 1.}, -4., 1)]
    for place, channels in (ON, (3, 5, 7)), (OFF, (4, 7)):
        rows += [(place, {k: 3.}, -3 * limit, 1) for k in channels for limit in ENERGIES]
    rows += [(OFF, {k: 3., LOW: -3.}, -3 * limit, 1) for k in (4, 5, 6, 7) for limit in RATIOS]
    return rows + [(OFF, {k: -2., LOW: 2.}, 0., 0) for k in (4, 5, 6, 7)]  # the square of the ratio itself: the sharpest blocks


def block_kernel() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """block_rows as a convolution of log energies, of a block on the grid and one off it: weights, shifts, and plus."""
    rows = block_rows()
    weight = torch.zeros(len(rows), BANDS + 1, 1, 2)
    for n, (place, factors, _, _) in enumerate(rows):
        for k, factor in factors.items():
            weight[n, k, 0, place] = factor
    return weight, torch.tensor([row[2] for row in rows]), torch.tensor([float(row[3]) for row in rows])[:, None, None]


def difference(row: int, width: int, plus: int, minus: int) -> torch.Tensor:
    """[1, 2, width]: of pairs of lines, in the first or the second, one pixel less another."""
    kernel = torch.zeros(1, 2, width)
    kernel[0, row, plus], kernel[0, row, minus] = 1, -1
    return kernel


def far_kernel() -> torch.Tensor:
    """Steps over DISTANCES in every other line, and over 1 in the lines between."""
    return torch.stack([*(difference(0, 5, 4, 4 - k) for k in DISTANCES), difference(1, 5, 4, 3)])


def plateau_kernel() -> torch.Tensor:
    """In the lines between, of every other pixel: how uneven 5 pixels are, and the 5 after 3 others, and, too little to matter, the step between."""
    return torch.stack([difference(1, 7, a, b) * scale for a, b, scale in ((2, 0, 1), (1, 0, 1), (6, 4, 1), (5, 4, 1), (4, 2, LITTLE))])


def limits() -> torch.Tensor:
    """[1 + STEPS, 1]: of a step, LITTLE as it is; first that of any place between plateaus."""
    return torch.tensor([-.5, *STEPS])[:, None] * LITTLE


def uneven_kernel() -> torch.Tensor:
    """Half the steps from a sample of the histogram, one in 4x4 pixels, to that above and that to its right."""
    kernel = torch.zeros(2, 1, 4, 4)
    kernel[:, 0, 2, 1], kernel[0, 0, 1, 1], kernel[1, 0, 2, 2] = .5, -.5, -.5
    return kernel


def teeth() -> torch.Tensor:
    """[256, 2 WAVES]: cosines of each level, and one; then sines, and zero."""
    angle = torch.arange(256)[:, None] * torch.arange(FIRST, LAST + 1)[None] * (2 * math.pi / 128)
    return torch.cat([angle.cos(), torch.ones(256, 1), angle.sin(), torch.zeros(256, 1)], 1)


def harmonics() -> torch.Tensor:
    """[WAVES, combs + 1, most of a comb]: by how much a frequency and the double of it stand out; last the usual size."""
    usual = torch.full((WAVES,), 1 / (WAVES - 1))
    usual[-1] = 0
    most = max(b - a for a, b in zip(COMBS, COMBS[1:]))
    out = usual[:, None, None].repeat(1, len(COMBS), most)
    for n, (a, b) in enumerate(zip(COMBS, COMBS[1:])):
        for k in range(most):
            at = min(a + k, b - 1) - FIRST  # a narrow one repeats its last
            out[:, n, k] = -usual
            out[at, n, k] += 1
            out[FIRST + 2 * at, n, k] += .5
    return out


# The sums of a picture, and their sizes; where there are 2 first, these are rows and columns.
SUMS = {"bands": (3, BANDS + 1, 2), "blocks": (len(block_rows()), 5), "far": (2, 3, len(DISTANCES)), "same": (2,), "grid": (2, 2, GRID),
        "plateaus": (2, 1 + len(STEPS)), "combs": (2, len(COMBS)), "waves": (2, 2, WAVES)}


class Table:
    """Sums to columns, and columns to statistics.

    A column is a sum, over another sum times a factor plus a number where it is a ratio, and its logarithm after something was added where
    it is one. A statistic is a weighted sum of columns plus a shift."""

    def __init__(self):
        self.at, longest = {}, max(math.prod(size) for size in SUMS.values())
        for n, (name, size) in enumerate(SUMS.items()):
            self.at[name] = (torch.arange(math.prod(size)) + n * longest).reshape(size)
        self.columns, self.rows = [], []

    def column(self, over, under=None, times=1., plus=0., least=None) -> int:
        self.columns.append((int(over), int(over if under is None else under), *((0., 1.) if under is None else (times, plus)), least))
        return len(self.columns) - 1

    def statistic(self, factors: dict, shift: float = 0):
        self.rows.append((factors, shift))

    def tensors(self) -> dict[str, torch.Tensor]:
        over, under, times, plus, least = zip(*self.columns)
        mix = torch.zeros(len(self.rows), len(self.columns))
        for n, (factors, _) in enumerate(self.rows):
            for k, factor in factors.items():
                mix[n, k] += factor
        return dict(over=torch.tensor(over), under=torch.tensor(under), times=torch.tensor(times), plus=torch.tensor(plus),
                    least=torch.tensor([0. if v is None else v for v in least]), logged=torch.tensor([v is not None for v in least]),
                    mix=mix, shift=torch.tensor([float(shift) for _, shift in self.rows]))


def table() -> dict[str, torch.Tensor]:
    """The statistics in the order of PARTS."""
    t = Table()
    bands_of(t)
    spreads_of(t)
    for lines in range(2):
        distances_of(t, lines)
    for lines in range(2):
        grid_of(t, lines)
    plateaus_of(t)
    combs_of(t)
    return t.tensors()


def bands_of(t: Table):
    logs, energies, squares = t.at["bands"]
    for which, least, use in (logs, None, 0), (energies, 0., 0), (squares, 0., 0), (logs, None, 1):
        for k in range(BANDS):
            t.statistic({t.column(which[k, use], least=least): 1})


def spreads_of(t: Table):
    """Which shares of the blocks lie below limits of energy (on the grid), and, of blocks with structure, of high bands against low (off it)."""
    blocks, row = t.at["blocks"], 5
    on, row = range(row, row + 3 * len(ENERGIES)), row + 3 * len(ENERGIES)
    flat, row = range(row, row + 2 * len(ENERGIES)), row + 2 * len(ENERGIES)
    ratios, row = range(row, row + 4 * len(RATIOS)), row + 4 * len(RATIOS)
    for which, weight in (on, ALL), (flat, FLAT), (ratios, STRUCTURE), (on, UNEVEN):
        for k in which:
            t.statistic({t.column(blocks[k, weight], blocks[ALL, weight], plus=1): 1})
    for k in range(row, row + 4):
        t.statistic({t.column(blocks[k, STRUCTURE], blocks[ALL, STRUCTURE], plus=1, least=1e-9): .5})
    for weight in STRUCTURE, FLAT:
        t.statistic({t.column(blocks[ALL, weight], blocks[ALL, ALL_OFF]): 1})


def distances_of(t: Table, lines: int):
    """Steps over DISTANCES, as means of several powers, and the share of none."""
    for k in reversed(range(len(DISTANCES))):
        for n, power in enumerate((1, 2, 4)):
            t.statistic({t.column(t.at["far"][lines, n, k], least=.05): 1 / power})
    t.statistic({t.column(t.at["same"][lines]): 1})


def grid_of(t: Table, lines: int):
    """Steps by their place in a macroblock, relative to their mean: the strong ones, and the faint ones."""
    for steps, least in zip(t.at["grid"][lines], (.05, None)):
        columns = [t.column(k, least=least) for k in steps]
        for k in columns:
            t.statistic({other: (other == k) - 1 / GRID for other in columns})


def plateaus_of(t: Table):
    """The logarithm of 1 and of the steps of each size for a thousand places between plateaus, of rows and of columns."""
    for k in range(len(STEPS)):
        t.statistic({t.column(of[1 + k], of[0], plus=10, least=.001): 1 for of in t.at["plateaus"]}, 2 * math.log(1000))


def combs_of(t: Table):
    for k in range(len(COMBS)):
        for which in t.at["combs"]:
            t.statistic({t.column(which[k]): 1})
    t.statistic({t.column(*t.at["waves"][:, 0, -1]): 1})
