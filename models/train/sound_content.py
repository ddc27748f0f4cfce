"""Recordings to programmes: stretches of sixteen seconds as they might be on air, free of defects of ours, and full of what tempts a detector."""

import numpy as np
import soundfile
from scipy import ndimage, signal

import sound_codecs
from sound_defects import db, log_uniform, rms

SECONDS = 16
GENERATED_SHARE = .1


class Library:
    """The recordings of one split, drawn by collection, then by group, then by file."""

    def __init__(self, recordings, rng):
        self.rng, self.tree = rng, {}
        for r in recordings:
            self.tree.setdefault(r.collection, {}).setdefault(r.group, []).append(r)
        self.names = sorted(self.tree)
        weights = np.array([min(len(self.tree[c]), 40) ** .5 for c in self.names])
        self.weights = weights / weights.sum() if len(weights) else weights

    def programme(self):
        """(x [2, n], rate, group)"""
        if not self.names or self.rng.random() < GENERATED_SHARE:
            return generated(self.rng), 48000, "generated"
        for _ in range(20):
            x, rate, group = self.stretch()
            if rms(x) > 1e-3:
                break
        if self.rng.random() < .15:
            y, other, _ = self.stretch()
            y = resampled(y, other, rate)[:, :x.shape[1]]
            x[:, :y.shape[1]] += y * db(self.rng.uniform(-18, 0)) * rms(x) / rms(y)
        return treated(x, rate, self.rng), rate, group

    def stretch(self):
        groups = self.tree[self.rng.choice(self.names, p=self.weights)]
        group = self.rng.choice(sorted(groups))
        files = groups[group]
        path = files[self.rng.integers(len(files))].path
        x, rate = load(path, self.rng)
        if x.shape[1] < SECONDS * rate:
            pieces = [(x, rate)] + [load(files[self.rng.integers(len(files))].path, self.rng) for _ in range(5)]
            x = sequence([resampled(y, r, rate) for y, r in pieces], rate, self.rng)
        return x[:, :SECONDS * rate], rate, str(group)


def load(path, rng):
    """Up to SECONDS of a file, from anywhere, in stereo, at 32 kHz or more."""
    try:
        with soundfile.SoundFile(path) as f:
            frames, rate = f.frames, f.samplerate
            want = SECONDS * rate
            if frames > want:
                f.seek(int(rng.integers(0, frames - want)))
            x = f.read(want, dtype="float32", always_2d=True).T
    except (soundfile.LibsndfileError, RuntimeError):
        rate = 32000
        x = sound_codecs.read(path, rate, 2)
        start = int(rng.integers(0, max(1, x.shape[1] - SECONDS * rate)))
        x = x[:, start:start + SECONDS * rate]
    x = np.repeat(x, 2, 0) if len(x) == 1 else x[:2]
    if rate < 32000 or rate > 48000:
        x, rate = resampled(x, rate, 32000 if rate % 11025 else 44100), 32000 if rate % 11025 else 44100
    return np.array(x, np.float64), rate


def resampled(x, rate, to):
    if rate == to or not x.shape[1]:
        return x
    common = np.gcd(rate, to)
    return signal.resample_poly(x, to // common, rate // common, axis=1)


def sequence(pieces, rate, rng):
    """Short recordings one after another; one-shots as a rhythm."""
    n = SECONDS * rate
    out = np.zeros((2, n))
    pieces = [p for p in pieces if p.shape[1] > 200] or [np.zeros((2, 400))]
    short = [p for p in pieces if p.shape[1] < 1.5 * rate]
    at = 0
    if len(short) >= 2 and rng.random() < .6:
        step = int(rng.uniform(.11, .45) * rate)
        while at < n:
            p = short[rng.integers(len(short))] * rng.uniform(.3, 1)
            m = min(p.shape[1], n - at)
            out[:, at:at + m] += p[:, :m]
            at += step * int(rng.choice((1, 1, 2, 4))) if rng.random() < .9 else step // 2
        return out
    while at < n:
        p = pieces[rng.integers(len(pieces))]
        m = min(p.shape[1], n - at)
        out[:, at:at + m] += p[:, :m]
        at += p.shape[1] + int(rng.uniform(0, .7) ** 2 * rate)
    return out


def treated(x, rate, rng):
    """Level, limiting, fades, pauses, the band of an old recording: nothing of it is a defect."""
    peak = np.abs(x).max() + 1e-9
    if rng.random() < .75:
        x = x * db(-rng.uniform(0, 20) * rng.random()) * .99 / peak
    elif peak > 1:
        x = x * .99 / peak
    if rng.random() < .15:
        x = limited(x * db(rng.uniform(2, 14)), rate, rng)
    if rng.random() < .08:
        x = signal.sosfilt(signal.butter(6, log_uniform(rng, 3400, 14000), fs=rate, output="sos"), x)
    for _ in range(int(rng.integers(0, 3)) if rng.random() < .25 else 0):
        x = x * pause(x.shape[1], rate, rng)
    if rng.random() < .1:
        k = int(rng.uniform(.5, 6) * rate)
        x[:, -k:] *= np.linspace(1, 0, k) ** rng.uniform(.5, 3)
    return x


def limited(x, rate, rng):
    """A look-ahead limiter: peaks are held down, and stay round."""
    ceiling = rng.uniform(.7, .99)
    envelope = ndimage.maximum_filter1d(np.abs(x).max(0), int(.006 * rate))
    gain = np.minimum(1, ceiling / np.maximum(envelope, 1e-9))
    width = int(.004 * rate)
    return x * ndimage.uniform_filter1d(ndimage.minimum_filter1d(gain, width), width)


def pause(n, rate, rng):
    """A pause that sound fades into and out of, to digital silence or nearly."""
    gain = np.ones(n)
    length, fade = int(rng.uniform(.05, 1.5) * rate), int(rng.uniform(.015, .3) * rate)
    at = int(rng.integers(0, n - length - 2 * fade))
    gain[at:at + fade] = .5 + .5 * np.cos(np.linspace(0, np.pi, fade))
    gain[at + fade:at + fade + length] = 0
    gain[at + fade + length:at + 2 * fade + length] = .5 - .5 * np.cos(np.linspace(0, np.pi, fade))
    return np.maximum(gain, 0 if rng.random() < .6 else db(-rng.uniform(30, 60)))


def generated(rng):
    """Beeps, bass lines, square waves, noise that belongs there, clocks, silence."""
    rate, n = 48000, SECONDS * 48000
    x = rng.choice((beeps, bass, chips, sweeps, surf, drone))(n, rate, rng)
    x = x / (np.abs(x).max() + 1e-9) * db(-rng.uniform(1, 30))
    if rng.random() < .1:
        x = x * 0
    return np.repeat(x[None], 2, 0) * np.array([[1.], [rng.uniform(.5, 1)]])


def notes(n, rate, rng, wave, low, high, least, longest, ramp):
    out, at = np.zeros(n), 0
    while at < n - 100:
        length = int(rng.uniform(least, longest) * rate)
        m = min(length, n - at)
        t = np.arange(m) / rate
        y = wave(log_uniform(rng, low, high) * t)
        k = max(2, min(int(ramp * rate), m // 2))
        y[:k] *= np.linspace(0, 1, k)
        y[-k:] *= np.linspace(1, 0, k)
        out[at:at + m] += y * rng.uniform(.4, 1)
        at += length + int(rng.choice((0, 0, .02, .1, .4)) * rate)
    return out


def sine(cycles):
    return np.sin(2 * np.pi * cycles)


def square(cycles):
    return signal.sawtooth(2 * np.pi * cycles, .5) if cycles[-1] > 3000 else np.tanh(4 * np.sin(2 * np.pi * cycles))


def beeps(n, rate, rng):
    one, two = rng.uniform(300, 2500), rng.uniform(300, 2500)
    return notes(n, rate, rng, lambda c: sine(c) + sine(c * two / one), one, one * 1.001, .05, 1.5, rng.uniform(.003, .02))


def bass(n, rate, rng):
    def plucked(c):
        return (sine(c) + .5 * sine(2 * c) + .3 * sine(3 * c)) * np.exp(-np.linspace(0, rng.uniform(.2, 4), len(c)))
    return notes(n, rate, rng, plucked, 40, 130, .12, 1.2, .005)


def chips(n, rate, rng):
    return notes(n, rate, rng, square, 80, 1500, .04, .4, .003)


def sweeps(n, rate, rng):
    t = np.linspace(0, 1, n)
    return np.sin(2 * np.pi * np.cumsum(200 + 3000 * (1 + np.sin(2 * np.pi * rng.uniform(1, 9) * t))) / rate)


def surf(n, rate, rng):
    """Noise whose level breathes: waves, wind, applause."""
    noise = signal.lfilter([1], [1, -rng.uniform(0, .97)], rng.normal(0, 1, n))
    t = np.arange(n) / rate
    swell = .15 + (.5 + .5 * np.sin(2 * np.pi * rng.uniform(.05, .5) * t + rng.uniform(0, 6))) ** 2
    return noise * swell


def drone(n, rate, rng):
    t = np.arange(n) / rate
    base = rng.choice((rng.uniform(65, 95), rng.uniform(130, 180), 55., 65.4, 73.4))
    return sum(sine(base * k * t + rng.random()) / k for k in range(1, 6)) * (1 + .3 * sine(rng.uniform(.1, 5) * t))
