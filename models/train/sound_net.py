"""The network: 3.2 s of sound at 8 kHz to a logit for each defect and each 20 ms.

Three views of the samples, then residual convolutions over 1.3 s of context on either side:

- bands: log power in 24 bands, every 10 ms;
- likeness: how alike the spectrum is, line by line, to those of 15 to 495 ms before; repeated sound is a line at one lag, loops are lines that last;
- lines: power at the harmonics of 50 and 60 Hz and beside them, over 3.2 s and 1.6 s.

The fixed part (transforms, bands) has no stored weights: bases are written as formulas into the graph.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from sound_defects import KINDS

RATE, WINDOW, STEPS = 8000, 25600, 160
STEP = WINDOW // STEPS
FRAME, HOP, BANDS = 160, 40, 24
FRAMES = WINDOW // HOP
LEAST, MOST = 3, 99   # lags, in HOP
BLOCK = 80            # frames that are compared with what is before them at once
BASES, HARMONICS = (50., 60.), 6
BESIDE = (-6., -4.5, -3., -2., -1.2, -.7, -.35, 0., .35, .7, 1.2, 2., 3., 4.5, 6.)
BEAT, PULSE = 400, 1280        # samples from one reading of a harmonic to the next, and of each reading
BEATS, HALVES = WINDOW // BEAT, 5


def cosines(hertz: torch.Tensor, length: int, rate: float) -> torch.Tensor:
    """[2*len(hertz), length]: cosines and sines under a Hann window, as formulas, so that an exported graph stores none."""
    t = torch.arange(length, dtype=torch.float32)
    window = .5 - .5 * torch.cos((t + .5) * (2 * math.pi / length))
    turns = hertz[:, None] * t[None] * (1 / rate)
    angle = (turns - torch.floor(turns)) * (2 * math.pi)
    return torch.cat([torch.cos(angle), torch.sin(angle)]) * window


def spectrum_hertz() -> torch.Tensor:
    return torch.arange(1, FRAME // 2, dtype=torch.float32) * (RATE / FRAME)


def harmonic_hertz() -> torch.Tensor:
    return torch.tensor([base * k for base in BASES for k in range(1, HARMONICS + 1)])


def band_matrix() -> torch.Tensor:
    """[BANDS, bins]: triangles, evenly spaced below 1 kHz and by ratio above, each at least one bin wide."""
    def warp(f): return torch.asinh(f / 1000)
    edges = torch.sinh(torch.linspace(float(warp(torch.tensor(40.))), float(warp(torch.tensor(3950.))), BANDS + 2)) * 1000
    width = RATE / FRAME
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bins = spectrum_hertz()
    return torch.clamp(torch.minimum((bins - low) / torch.clamp(mid - low, min=width), (high - bins) / torch.clamp(high - mid, min=width)), min=0)


BASES_USED = ((spectrum_hertz(), FRAME, RATE), (harmonic_hertz(), PULSE, RATE))  # arguments of cosines; the first is used transposed


class Conv(nn.Module):
    def __init__(self, cin, cout, kernel=1, stride=1, dilation=1, two=False):
        super().__init__()
        make, norm = (nn.Conv2d, nn.BatchNorm2d) if two else (nn.Conv1d, nn.BatchNorm1d)
        pad = tuple((k - 1) // 2 for k in kernel) if two else dilation * (kernel - 1) // 2
        self.conv = make(cin, cout, kernel, stride, pad, dilation, bias=False)
        self.norm = norm(cout)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


class Views(nn.Module):
    """The fixed part: samples [N,1,WINDOW] to the inputs of the learned branches."""

    def __init__(self):
        super().__init__()
        self.register_buffer("bands", band_matrix().t(), persistent=False)
        blocks = torch.arange(FRAMES // BLOCK)[:, None] * BLOCK + torch.arange(BLOCK + MOST)
        self.register_buffer("blocks", blocks.flatten(), persistent=False)
        turns = torch.outer(harmonic_hertz(), torch.arange(BEATS) * (BEAT / RATE))
        self.register_buffer("turned", torch.stack([torch.cos(2 * math.pi * turns), torch.sin(2 * math.pi * turns)]), persistent=False)
        self.register_buffer("over_window", beside(BEATS), persistent=False)
        self.register_buffer("over_half", beside(BEATS // 2), persistent=False)

    def forward(self, x):
        power = self.power(x)
        return self.in_bands(power), self.likeness(power), self.lines(x)

    def power(self, x):
        """[N,FRAMES,bins]"""
        parts = F.pad(x[:, 0], ((FRAME - HOP) // 2,) * 2).unflatten(1, (-1, HOP))
        frames = torch.cat([parts[:, k:k + FRAMES] for k in range(FRAME // HOP)], 2)
        re, im = torch.matmul(frames, cosines(*BASES_USED[0]).t()).chunk(2, 2)
        return re * re + im * im

    def in_bands(self, power):
        """[N,1,FRAMES/2,BANDS]"""
        two = torch.matmul(power, self.bands).unflatten(1, (1, FRAMES // 2, 2)).sum(3)
        return (torch.log(two + 2e-6) + 4.3) * .25

    def likeness(self, power):
        """[N,1,FRAMES/2,lags], the longest lag first: the cosine between spectra of roots of amplitudes, spread out near 1."""
        shape = torch.sqrt(torch.sqrt(power + 1e-8))
        shape = shape - shape.mean(2, keepdim=True)
        shape = F.pad(shape / (torch.sqrt((shape * shape).sum(2, keepdim=True)) + .02), (0, 0, MOST, 0))
        blocks = torch.index_select(shape, 1, self.blocks).unflatten(1, (FRAMES // BLOCK, BLOCK + MOST))
        alike = torch.matmul(blocks[:, :, MOST::2], blocks.transpose(2, 3))   # [N,blocks,BLOCK/2,BLOCK+MOST]
        # Row i speaks of frame 2*i, so that a lag is two columns further on in each: rows that are longer by two put it below itself.
        skewed = F.pad(alike.flatten(2), (0, BLOCK)).unflatten(2, (BLOCK // 2, BLOCK + MOST + 2))
        return (-.3 * torch.log(torch.clamp(1.002 - skewed[..., :MOST - LEAST + 1], min=2e-3)) - .5).flatten(1, 2)[:, None]

    def lines(self, x):
        """[N,bases,HALVES,2*HARMONICS*(len(BESIDE)+1)]: log power over the window and over halves of it, beside its mean around each harmonic."""
        pulses = F.conv1d(F.pad(x, ((PULSE - BEAT) // 2,) * 2), cosines(*BASES_USED[1])[:, None], stride=BEAT) * (4 / PULSE)
        re, im = pulses.chunk(2, 1)                                           # of the conjugate: [N,bases*HARMONICS,BEATS]
        cos, sin = self.turned[0], self.turned[1]
        still = torch.cat([(re * cos - im * sin)[:, :, None], (-im * cos - re * sin)[:, :, None]], 2)   # a line on the mains stands still
        places = range(0, BEATS // 2 + 1, BEATS // 2 // (HALVES - 1))
        halves = torch.cat([still[..., k:k + BEATS // 2].flatten(2)[:, :, None] for k in places], 2)
        return torch.cat([level(torch.matmul(still.flatten(2)[:, :, None], self.over_window)).expand(-1, -1, HALVES, -1),
                          level(torch.matmul(halves, self.over_half))], 3)


def beside(beats: int) -> torch.Tensor:
    """[2*beats,2*len(BESIDE)]: from readings (real parts, then imaginary ones) to lines beside them, under a Hann window."""
    t = torch.arange(beats) * (BEAT / RATE)
    window = (.5 - .5 * torch.cos((torch.arange(beats) + .5) * (2 * math.pi / beats))) / beats
    angle = 2 * math.pi * torch.outer(t, torch.tensor(BESIDE))
    cos, sin = window[:, None] * torch.cos(angle), window[:, None] * torch.sin(angle)
    return torch.cat([torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)])


def level(lines: torch.Tensor) -> torch.Tensor:
    """[N,bases*HARMONICS,places,2*len(BESIDE)] -> [N,bases,places,HARMONICS*(len(BESIDE)+1)]"""
    re, im = lines.chunk(2, 3)
    y = torch.log(re * re + im * im + 1e-11) * .2 + 2.5
    mean = y.mean(3, keepdim=True)
    return torch.cat([y - mean, mean], 3).unflatten(1, (len(BASES), HARMONICS)).transpose(2, 3).flatten(3)


def spread() -> torch.Tensor:
    """[HALVES, STEPS]: from the middles of the halves to the steps, along straight lines."""
    middle = torch.arange(STEPS) + .5
    at = torch.clamp((middle - STEPS / 4) / (STEPS / 2) * (HALVES - 1), 0, HALVES - 1)
    return torch.clamp(1 - torch.abs(at[None] - torch.arange(HALVES)[:, None]), min=0)


class SoundNet(nn.Module):
    """[N,1,WINDOW] -> logits [N,len(KINDS),STEPS]"""

    def __init__(self, channels=56):
        super().__init__()
        self.shape = dict(channels=channels)
        self.views = Views()
        self.bands = nn.Sequential(Conv(1, 10, (5, 5), (2, 2), two=True), Conv(10, 12, (3, 3), (1, 2), two=True))
        self.bands_out = Conv(12 * BANDS // 4, 32)
        self.alike = nn.Sequential(Conv(1, 8, (5, 3), (2, 2), two=True), Conv(8, 12, (5, 3), (1, 2), two=True), Conv(12, 12, (3, 3), two=True))
        self.alike_out = Conv(12 * -(-(MOST - LEAST + 1) // 4), 40)
        self.lines = nn.Sequential(nn.Linear(2 * HARMONICS * (len(BESIDE) + 1), 32), nn.ReLU(), nn.Linear(32, 20), nn.ReLU())
        self.register_buffer("spread", spread(), persistent=False)
        self.mix = Conv(32 + 40 + 24 + 20, channels)
        self.context = nn.ModuleList(Conv(channels, channels, 3, dilation=d) for d in (1, 2, 4, 8, 16, 32))
        self.drop = nn.Dropout(.1)
        self.head = nn.Conv1d(channels, len(KINDS), 1)

    def forward(self, x):
        with torch.no_grad():
            bands, likeness, lines = self.views(x)
        alike = self.alike(likeness)                                          # [N,12,STEPS,lags/4]
        hum = self.lines(lines).amax(1)                                       # [N,HALVES,20]
        joined = torch.cat([
            self.bands_out(columns(self.bands(bands))),
            self.alike_out(columns(alike)), alike.amax(3), alike.mean(3),
            torch.matmul(hum.transpose(1, 2), self.spread),
        ], 1)
        y = self.mix(joined)
        for block in self.context:
            y = y + block(y)
        return self.head(self.drop(y))


def columns(x: torch.Tensor) -> torch.Tensor:
    """[N,C,STEPS,K] -> [N,C*K,STEPS]"""
    return x.transpose(2, 3).flatten(1, 2)
