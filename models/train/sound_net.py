"""The network: 1.28 s of one channel at 32 kHz to a logit for each defect and each 20 ms.

Five views of the samples, each at 64 steps, then residual convolutions over 0.6 s of context on either side:

- bands: log power in 40 bands, every 5 ms;
- likeness: how alike the bands are to those of 15 to 495 ms before; repeated sound is a line at one lag;
- wave: peak and mean power of short learned filters, every 2 ms, for what lasts a few samples;
- tops: how samples crowd below the highest ones, and how wide the tops are, relative to the peak of 0.2 s: gain does not change it;
- lines: power at the harmonics of 50 and 60 Hz and beside them, over 1.28 and 0.64 s.

The fixed part (transforms, bands, tops) has no stored weights: bases are written as formulas into the graph.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from sound_defects import KINDS

RATE, WINDOW, STEPS = 32000, 40960, 64
STEP = WINDOW // STEPS
FRAME, HOP, BANDS = 512, 160, 40
FRAMES = WINDOW // HOP
LAGS = range(3, 100)
DECIMATION, TAPS = 20, 201
BASES, HARMONICS = (50., 60.), 6
BESIDE = (-6., -4.5, -3., -2., -1.2, -.6, 0., .6, 1.2, 2., 3., 4.5, 6.)


def cosines(hertz: torch.Tensor, length: int, rate: float) -> torch.Tensor:
    """[2*len(hertz), 1, length]: cosines and sines under a Hann window, as formulas, so that an exported graph stores none."""
    t = torch.arange(length, dtype=torch.float32)
    window = .5 - .5 * torch.cos((t + .5) * (2 * math.pi / length))
    turns = hertz[:, None] * t[None] * (1 / rate)
    angle = (turns - torch.floor(turns)) * (2 * math.pi)
    return (torch.cat([torch.cos(angle), torch.sin(angle)]) * window)[:, None]


def band_matrix() -> torch.Tensor:
    """[BANDS, bins]: triangles, evenly spaced below 1 kHz and by ratio above, each at least one bin wide."""
    top = FRAME // 2
    def warp(f): return torch.asinh(f / 1000)
    edges = torch.sinh(torch.linspace(float(warp(torch.tensor(40.))), float(warp(torch.tensor(15800.))), BANDS + 2)) * 1000
    bins = torch.arange(top + 1) * RATE / FRAME
    width = RATE / FRAME
    low, mid, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return torch.clamp(torch.minimum((bins - low) / torch.clamp(mid - low, min=width), (high - bins) / torch.clamp(high - mid, min=width)), min=0)


def line_hertz() -> torch.Tensor:
    return torch.tensor([base * k + d for base in BASES for k in range(1, HARMONICS + 1) for d in BESIDE])


def spectrum_hertz() -> torch.Tensor:
    return torch.arange(FRAME // 2 + 1, dtype=torch.float32) * (RATE / FRAME)


SLOW, SLOW_RATE = WINDOW // DECIMATION, RATE / DECIMATION
BASES_USED = ((spectrum_hertz(), FRAME, RATE), (line_hertz(), SLOW, SLOW_RATE), (line_hertz(), SLOW // 2, SLOW_RATE))  # arguments of cosines


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
        self.as_formula = False  # as it is exported
        self.register_buffer("bands", band_matrix(), persistent=False)
        self.register_buffer("hann", cosines(torch.zeros(1), FRAME, RATE)[0, 0], persistent=False)
        t = torch.arange(TAPS) - TAPS // 2
        low = torch.sinc(t * (2 * 520 / RATE)) * torch.hann_window(TAPS, periodic=False)
        self.register_buffer("low", (low / low.sum())[None, None], persistent=False)
        lags = torch.tensor(list(LAGS))
        frames = torch.arange(FRAMES)
        self.register_buffer("pairs", (frames[None] * FRAMES + torch.clamp(frames[None] - lags[:, None], min=0)).flatten(), persistent=False)

    def forward(self, x):
        bands = self.spectrum(x)
        return bands, self.likeness(bands), self.tops(x), self.lines(x)

    def spectrum(self, x):
        padded = F.pad(x, ((FRAME - HOP) // 2,) * 2)
        if self.as_formula:
            re, im = F.conv1d(padded, cosines(*BASES_USED[0]), stride=HOP).chunk(2, 1)
            power = re * re + im * im
        else:  # the same, faster
            parts = torch.fft.rfft(padded[:, 0].unfold(1, FRAME, HOP) * self.hann)
            power = (parts.real.square() + parts.imag.square()).transpose(1, 2)
        return (torch.log(torch.matmul(self.bands, power) + 1e-6) + 5) * .25

    def likeness(self, bands):
        """[N,1,lags,frames]"""
        shape = bands - bands.mean(1, keepdim=True)
        shape = shape / (torch.sqrt((shape * shape).sum(1, keepdim=True)) + .3)
        alike = torch.matmul(shape.transpose(1, 2), shape).flatten(1)
        picked = torch.index_select(alike, 1, self.pairs).unflatten(1, (1, len(LAGS), FRAMES))
        return -.3 * torch.log(torch.clamp(1.001 - picked, min=1e-3)) - .5

    def tops(self, x):
        """[N,14,STEPS]"""
        size = torch.abs(x)
        peak = F.max_pool1d(F.max_pool1d(size, STEP), 11, 1, 5)                           # [N,1,STEPS]
        y = (x.unflatten(2, (STEPS, STEP)) / (peak[..., None] + 1e-3)).flatten(2)          # -1..1
        above = torch.abs(y)
        held = -F.max_pool1d(-F.pad(above, (0, 3)), 4, 1)                                  # least of 4 samples
        longer = -F.max_pool1d(-F.pad(held, (0, 12)), 4, 1, dilation=4)                    # of 16
        shares = [y > .9, y < -.9, above > .7, above > .97, held > .7, held > .9, held > .97, longer > .7, longer > .9, size > .97, size > 1.]
        share = torch.cat([s.unflatten(2, (STEPS, STEP)).float().mean(3) for s in shares], 1)
        power = (x * x).unflatten(2, (STEPS, STEP)).mean(3)
        levels = torch.cat([torch.log(peak + 1e-5), .5 * torch.log(power + 1e-10), .5 * torch.log(power + 1e-10) - torch.log(peak + 1e-5)], 1)
        return torch.cat([.3 * torch.log(share + 1e-3) + 1, .2 * levels + .5], 1)

    def lines(self, x):
        """[N,2*lines,3]: log power over the whole window and over three overlapping halves."""
        slow = F.conv1d(F.pad(x, (TAPS // 2, TAPS // 2)), self.low, stride=DECIMATION)
        whole = F.conv1d(slow[..., :SLOW], cosines(*BASES_USED[1])) * (1 / SLOW)
        half = F.conv1d(slow[..., :SLOW], cosines(*BASES_USED[2]), stride=SLOW // 4) * (2 / SLOW)
        def level(parts):
            re, im = parts.chunk(2, 1)
            return torch.log(re * re + im * im + 1e-11) * .2 + 2.5
        return torch.cat([level(whole).expand(-1, -1, 3), level(half)], 1)


class SoundNet(nn.Module):
    """[N,1,WINDOW] -> logits [N,len(KINDS),STEPS]"""

    def __init__(self, channels=80, filters=20):
        super().__init__()
        self.shape = dict(channels=channels, filters=filters)
        self.views = Views()
        self.bands = nn.Sequential(Conv(1, 12, (5, 5), (2, 2), two=True), Conv(12, 24, (3, 3), (2, 2), two=True), Conv(24, 24, (3, 3), (2, 1), two=True))
        self.bands_out = Conv(120, 40)
        self.alike = nn.Sequential(Conv(1, 8, (3, 7), (1, 4), two=True), Conv(8, 8, (3, 5), (2, 1), two=True))
        self.filters = nn.Conv1d(1, filters, 32, 8, 12, bias=False)
        self.filters.weight.data = first_filters(filters)
        self.wave = nn.Sequential(Conv(2 * filters, 32, 5, 2), Conv(32, 32, 5, 5))
        self.tops = Conv(14, 24, 5)
        self.lines = nn.Sequential(Conv(4 * len(BASES) * HARMONICS * len(BESIDE) // 2, 32), Conv(32, 16))
        at = torch.linspace(-1, 3, STEPS)[None] - torch.arange(3)[:, None]
        near = torch.clamp(1 - torch.abs(torch.clamp(at, -10, 10)), min=0)
        near[0, :16], near[2, -16:] = 1, 1
        self.register_buffer("spread", near / near.sum(0, keepdim=True), persistent=False)
        self.mix = Conv(40 + 16 + 32 + 24 + 16, channels)
        self.context = nn.ModuleList(Conv(channels, channels, 3, dilation=d) for d in (1, 2, 4, 8, 16))
        self.drop = nn.Dropout(.1)
        self.head = nn.Conv1d(channels, len(KINDS), 1)

    def forward(self, x):
        with torch.no_grad():
            bands, likeness, tops, lines = self.views(x)
        alike = self.alike(likeness)
        power = torch.square(self.filters(x))
        wave = torch.cat([F.max_pool1d(power, 8), F.avg_pool1d(power, 8)], 1)
        joined = torch.cat([
            self.bands_out(self.bands(bands[:, None]).flatten(1, 2)),
            torch.cat([alike.amax(2), alike.mean(2)], 1),
            self.wave(torch.log(wave + 1e-9) * .2 + 2),
            self.tops(tops),
            torch.matmul(self.lines(lines), self.spread),
        ], 1)
        y = self.mix(joined)
        for block in self.context:
            y = y + block(y)
        return self.head(self.drop(y))


def first_filters(count: int) -> torch.Tensor:
    """Short waves from 300 Hz to 15 kHz, and the second difference."""
    t = torch.arange(32) - 15.5
    hertz = torch.logspace(math.log10(300), math.log10(15000), count)
    waves = torch.cos(2 * math.pi * hertz[:, None] * t / RATE) * torch.exp(-.5 * (t / torch.clamp(RATE / hertz[:, None] * .6, max=9)) ** 2)
    waves[0] = 0
    waves[0, 15:18] = torch.tensor([-.5, 1, -.5])
    return (waves / waves.norm(dim=1, keepdim=True))[:, None] * 1.5
