"""Recordings to programmes: stretches of sixteen seconds as they might be on air, free of defects of ours, and full of what tempts a detector."""

import numpy as np
import soundfile
from scipy import ndimage, signal

import sound_codecs
import sound_repeats
from sound_defects import db, log_uniform, rms

SECONDS = 16
GENERATED_SHARE = .16
REPEATED_SHARE = .22  # of the recordings: loops, samplers, gates, echoes made of them


REPEATS = (sound_repeats.looped, sound_repeats.looped, sound_repeats.sampler, sound_repeats.sampler, sound_repeats.gated, sound_repeats.echoing)


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
        if self.rng.random() < REPEATED_SHARE and x.shape[1] > 8 * rate:
            x = self.rng.choice(REPEATS)(x, rate, self.rng)
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


def generated(rng, makers=None):
    """Beeps, bass lines, chips, drums, beds of noise, rooms, clocks, silence."""
    rate, n = 48000, SECONDS * 48000
    makers = makers or GENERATED
    x = makers[rng.integers(len(makers))](n, rate, rng)
    x = x / (np.abs(x).max() + 1e-9) * db(-rng.uniform(1, 30))
    if rng.random() < .05:
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
    t = np.arange(n) / rate
    swell = .15 + (.5 + .5 * np.sin(2 * np.pi * rng.uniform(.05, .5) * t + rng.uniform(0, 6))) ** 2
    return bed(n, rate, rng) * swell


def bed(n, rate, rng):
    """Steady noise of any colour, from faint to loud: white, pink, brown, or as a room and its fans colour it."""
    power = rng.choice((0., 1., 2., rng.uniform(0, 2.5)))
    spectrum = np.fft.rfft(rng.normal(0, 1, n))
    hertz = np.maximum(np.fft.rfftfreq(n, 1 / rate), 10)
    shape = hertz ** (-power / 2)
    for _ in range(int(rng.integers(0, 4))):  # resonances
        shape *= 1 + rng.uniform(0, 4) * np.exp(-.5 * (np.log(hertz / log_uniform(rng, 80, 6000)) / rng.uniform(.05, .5)) ** 2)
    noise = np.fft.irfft(spectrum * shape, n)
    return noise / rms(noise) * db(-rng.uniform(0, 45))


def room(n, rate, rng):
    """A bed in which something sounds now and then."""
    out = bed(n, rate, rng) * .05
    for at in rng.integers(0, n - rate, int(rng.integers(1, 8))):
        m = int(rng.uniform(.05, .9) * rate)
        t = np.arange(m) / rate
        out[at:at + m] += (sine(log_uniform(rng, 90, 2500) * t) + rng.normal(0, .3, m)) * np.exp(-t / rng.uniform(.02, .3)) * rng.uniform(.05, 1)
    return out


def near_mains(n, rate, rng):
    """What is at or beside 50 and 60 Hz and no hum: bass that is held, notes that come and go, transformers at 120 or 100 Hz alone, engines."""
    t, kind = np.arange(n) / rate, rng.integers(6)
    if kind == 0:
        tones = rng.choice((46.25, 49., 51.91, 55., 58.27, 61.74, 65.41, 98., 103.8, 116.5, 123.5), int(rng.integers(1, 6)), replace=False)
        out = sum(sine(f * t + rng.random()) * rng.uniform(.3, 1) for f in tones)
    elif kind == 1:
        out = notes(n, rate, rng, lambda c: sine(c) + rng.uniform(0, .5) * sine(2 * c), (base := rng.choice((50., 60., 49., 61.7))), base * 1.0005, .2, 1., .01)
    elif kind == 2:
        base = rng.choice((100., 120.))
        out = sine(base * t) + rng.uniform(0, .6) * sine(2 * base * t) + rng.uniform(0, .3) * sine(3 * base * t)
    elif kind < 5:  # in time with a beat
        base, beat, width = rng.choice((50., 60.)) * (1 + rng.normal(0, 8e-4)), rng.uniform(.25, 2.2), int(rate * log_uniform(rng, .001, .1))
        gate = np.convolve((t % beat < beat * rng.uniform(.25, .75)).astype(float), np.ones(width) / width, "same")
        out = (sine(base * t) + rng.uniform(0, .6) * rng.integers(2) * sine(2 * base * t + rng.random())) * gate
    else:
        turns = np.cumsum(rng.uniform(35, 75) * (1 + .08 * np.interp(t, np.arange(SECONDS + 1), rng.normal(0, 1, SECONDS + 1)))) / rate
        out = sum(sine(k * turns + rng.random()) / k for k in range(1, 7))
    return out / rms(out) * db(-rng.uniform(0, 12)) + bed(n, rate, rng)


def drone(n, rate, rng):
    t = np.arange(n) / rate
    base = rng.choice((rng.uniform(65, 95), rng.uniform(130, 180), 55., 65.4, 73.4))
    return sum(sine(base * k * t + rng.random()) / k for k in range(1, 6)) * (1 + .3 * sine(rng.uniform(.1, 5) * t))


def held(n, rate, rng):
    return sound_repeats.gated(sound_repeats.chord(n, rate, rng)[None], rate, rng)[0] if rng.random() < .6 else sound_repeats.chord(n, rate, rng)


def drums(n, rate, rng):
    return sound_repeats.sampler(np.repeat(sound_repeats.chord(n, rate, rng)[None], 2, 0), rate, rng)[0]


GENERATED = (beeps, bass, chips, sweeps, surf, drone, bed, bed, bed, room, room, near_mains, near_mains, near_mains, held, held, drums, drums,
             sound_repeats.arpeggio, sound_repeats.arpeggio, sound_repeats.arpeggio)
