"""Defects of sound, made in samples: each kind in many shapes, wider than those of `streamvet inject`, so that no one injector is learned.

Every maker changes `x` [channels, n] (full scale 1) in place and returns marks: what was done from when to when, and whether it can be heard.
The network tells KINDS. Those of TEMPTING are told by closed forms, or by nothing: they are in the set so that none is taken for another.
"""

from dataclasses import dataclass

import numpy as np
from scipy import signal

KINDS = ("hum", "audio_stutter")
TEMPTING = ("click", "dropout", "clipping", "hiss")


@dataclass(frozen=True)
class Mark:
    kind: str
    start: float   # seconds
    end: float
    heard: bool = True  # False: too faint to ask for, and no clean sound either


def db(x: float) -> float:
    return 10 ** (x / 20)


def rms(x) -> float:
    return float(np.sqrt(np.mean(np.square(x)) + 1e-20))


def log_uniform(rng, low, high) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def moments(rng, n, rate, length, per_second, edge=.3):
    """Starts of events of `length` samples, one in each equal part, so that they do not meet."""
    count = max(1, min(int(n / rate * per_second), int(n / (length + .25 * rate))))
    room = n - 2 * int(edge * rate)
    part = room / count
    for i in range(count):
        slack = part - length - .1 * rate
        if slack > 0:
            yield int(edge * rate + i * part + rng.uniform(0, slack))


def click(x, rng, rate):
    shape, marks = rng.choice(CLICKS), []
    shared = rng.random() < .8
    for at in moments(rng, x.shape[1], rate, int(.03 * rate), log_uniform(rng, .3, 3)):
        if not shared:
            shape = rng.choice(CLICKS)
        length = max(1, int(rate * log_uniform(rng, 1 / rate, .005)))
        around = x[:, at - rate // 50: at + rate // 50].copy()
        shape(x[:, at:], length, log_uniform(rng, .04, 1), rng)
        np.clip(x, -1, 1, out=x)
        change = x[:, at - rate // 50: at + rate // 50] - around
        step = np.abs(np.diff(change)).max(1) / (np.abs(np.diff(around)).max(1) + 2e-4)
        size = np.abs(change).max()
        if size > 1e-4:
            loud = step.max() > .5 and size > .015
            marks.append(Mark("click", at / rate, (at + min(length, rate // 100)) / rate, bool(loud)))
    return marks


def _ring(x, n, height, rng):  # a random short impulse response
    n = min(max(n, 3), 24)
    shape = rng.uniform(-1, 1, n) * np.exp(-np.arange(n) / rng.uniform(.8, n / 2))
    shape[0] = rng.choice((-1, 1))
    x[:, :n] += height * shape


def _alternate(x, n, height, rng):
    n = min(max(n, 2), 16)
    x[:, :n] += height * rng.choice((-1, 1)) * (-rng.uniform(.3, .9)) ** np.arange(n)


def _spike(x, n, height, rng):
    x[:, :min(n, 3)] += height * rng.choice((-1, 1))


def _chirp(x, n, height, rng):
    n = max(n, 8)
    t = np.arange(n)
    x[:, :n] += height * np.exp(-3 * t / n) * np.sin(t * rng.uniform(.25, 2.6) + rng.uniform(0, 6))


def _jump(x, n, height, rng):  # a step that decays
    length = min(x.shape[1], rng.integers(100, 2000))
    x[:, :length] += height * .7 * rng.choice((-1, 1)) * np.exp(-4 * np.arange(length) / length)


def _zeros(x, n, height, rng):
    x[:, :min(n, 80)] = 0


def _hold(x, n, height, rng):
    x[:, :n] = x[:, :1]


def _flip_sign(x, n, height, rng):
    x[:, :n] *= -1


def _flip_bits(x, n, height, rng):
    n = min(n, 12)
    values = np.round(x[:, :n] * 32767).astype(np.int16)
    x[:, :n] = (values ^ np.int16(1 << rng.integers(11, 15))) / 32768


def _burst(x, n, height, rng):
    n = max(n, 16)
    x[:, :n] += height * rng.uniform(-1, 1, n)


def _garbage(x, n, height, rng):  # samples whose bytes were swapped
    n = min(max(n, 4), 64)
    x[:, :n] = np.round(x[:, :n] * 32767).astype(np.int16).byteswap() / 32768


def _splice(x, n, height, rng):  # some milliseconds are missing
    gone = int(rng.integers(30, 1500))
    x[:, :-gone] = x[:, gone:]


def _overload(x, n, height, rng):
    x[:, :min(n, 40)] = rng.choice((-1, 1)) * height


CLICKS = (_ring, _ring, _alternate, _alternate, _spike, _spike, _chirp, _jump, _zeros, _hold, _flip_sign, _flip_bits, _burst, _garbage, _splice, _overload)


def dropout(x, rng, rate):
    length = int(rate * log_uniform(rng, .004, .45))
    fade = 0 if rng.random() < .55 else int(rate * log_uniform(rng, .0003, .004))
    fill = rng.choice(("zero", "zero", "zero", "faint", "hold", "duck"))
    marks, quiet = [], db(rng.uniform(-45, -22))
    for at in moments(rng, x.shape[1], rate, length, log_uniform(rng, .25, 2.5)):
        n = max(16, int(length * rng.uniform(.8, 1.2)))
        before = x[:, max(at - rate // 20, 0):at]
        hole, kept = x[:, at:at + n], x[:, at:at + n].copy()
        after = x[:, at + n:at + n + rate // 50]
        gate = np.zeros(hole.shape[1])
        if fade and 2 * fade < len(gate):
            ramp = .5 + .5 * np.cos(np.pi * (np.arange(fade) + .5) / fade)
            gate[:fade], gate[-fade:] = ramp, ramp[::-1]
        if fill == "hold":
            hole[:] = x[:, at - 1:at]
        elif fill == "duck":
            hole *= quiet + (1 - quiet) * gate
        else:
            hole *= gate
            if fill == "faint":
                hole += rng.normal(0, 2e-4, hole.shape)
        loud = min(rms(before[:, -rate // 50:]), rms(after)) > 3e-3 and rms(kept) > 3e-3 and rms(kept - hole) > .7 * rms(kept)
        if rms(kept) > 2e-4:
            marks.append(Mark("dropout", at / rate, (at + n) / rate, bool(loud)))
    return marks


def stretch(rng, n, rate, least=2.):
    """One stretch, sometimes the whole."""
    if rng.random() < .25:
        return 0, n
    length = int(rate * rng.uniform(least, min(8, n / rate * .8)))
    at = int(rng.integers(0, n - length))
    return at, at + length


def clipping(x, rng, rate):
    start, end = stretch(rng, x.shape[1], rate)
    peak = np.abs(x).max() + 1e-6
    gain = db(rng.uniform(3, 24)) * (1 if rng.random() < .6 else .9 / peak)
    high, low = 1., -1.
    if rng.random() < .2:
        low = -rng.uniform(.5, 3)
    y = x[:, start:end] * gain
    cut = (y > high) | (y < low)
    if rng.random() < .2:  # a rounder knee
        p = rng.uniform(4, 12)
        y = y / (1 + np.abs(y) ** p) ** (1 / p)
    else:
        y = np.clip(y, low, high)
    after = 1. if rng.random() < .5 else db(-rng.uniform(.3, 18))
    x[:, start:end] = np.clip(y * after, -1, 1)
    marks, step = [], rate // 50
    any_cut = cut.any(0)
    share = np.add.reduceat(any_cut, np.arange(0, len(any_cut), step)) / step
    near = signal.lfilter(np.ones(25), 1, np.pad(share, (0, 12)))[12:]  # half a second around
    for k in range(len(share)):
        marks.append(Mark("clipping", (start + k * step) / rate, (start + (k + 1) * step) / rate, bool(near[k] > .01)))
    return marks


def hum(x, rng, rate):
    start, end = stretch(rng, x.shape[1], rate, 3.)
    n = end - start
    base = rng.choice((50., 60.)) * (1 + rng.normal(0, 8e-4))
    t = np.arange(n) / rate
    wave, count = np.zeros(n), int(rng.integers(1, 14))
    style = rng.choice(("falling", "random", "odd", "buzz"))
    for k in range(1, count + 1):
        height = {"falling": 2. ** -(k - 1) if rng.random() < .5 else 1 / k, "random": log_uniform(rng, .05, 1) / np.sqrt(k),
                  "odd": (k % 2) / k + .02, "buzz": 1 / np.sqrt(k)}[style]
        wave += height * np.sin(2 * np.pi * base * k * t + (0 if style == "buzz" else rng.uniform(0, 6.3)))
    wave *= db(rng.uniform(-50, -18)) / rms(wave)
    if rng.random() < .25:
        wave *= 1 + rng.uniform(.1, .4) * np.sin(2 * np.pi * rng.uniform(.1, 1.5) * t)
    if rng.random() < .4:
        fade = min(n // 3, int(rate * rng.uniform(.02, .8)))
        wave[:fade] *= np.linspace(0, 1, fade)
        wave[-fade:] *= np.linspace(1, 0, fade)
    low = signal.sosfilt(signal.butter(2, 700, fs=rate, output="sos"), x[0, start:end])
    heard = 20 * np.log10(rms(wave) / rms(low)) > -24
    x[:, start:end] = np.clip(x[:, start:end] + wave, -1, 1)
    return [Mark("hum", start / rate, end / rate, bool(heard))]


def hiss(x, rng, rate):
    start, end = stretch(rng, x.shape[1], rate)
    n = end - start
    colour = rng.choice(("white", "white", "white", "pink", "band", "high"))
    noise = rng.normal(0, 1, (x.shape[0] if rng.random() < .6 else 1, n))
    if colour == "pink":
        noise = signal.lfilter([.049922, -.095993, .050613, -.004408], [1, -2.494956, 2.017266, -.522190], noise)
    elif colour == "band":
        low = log_uniform(rng, 200, 3000)
        noise = signal.sosfilt(signal.butter(2, (low, min(low * rng.uniform(3, 8), rate * .45)), "bandpass", fs=rate, output="sos"), noise)
    elif colour == "high":
        noise = signal.sosfilt(signal.butter(2, log_uniform(rng, 1000, 6000), "highpass", fs=rate, output="sos"), noise)
    noise *= db(rng.uniform(-58, -24)) / rms(noise)
    if rng.random() < .3:
        fade = min(n // 3, int(rate * rng.uniform(.02, 1)))
        noise[:, :fade] *= np.linspace(0, 1, fade)
    step, marks = rate // 50, []
    sound = x[:, start:end].copy()
    x[:, start:end] = np.clip(x[:, start:end] + noise, -1, 1)
    for k in range(0, n - step, step):
        ratio = 20 * np.log10(rms(noise[:, k:k + step]) / rms(sound[:, max(k - 10 * step, 0):k + 10 * step]))
        marks.append(Mark("hiss", (start + k) / rate, (start + k + step) / rate, bool(ratio > -32)))
    return marks


def audio_stutter(x, rng, rate):
    piece = int(rate * log_uniform(rng, .015, .5))
    repeats = int(min(log_uniform(rng, 2, 21), max(2, 2.5 * rate / piece)))
    fade = 0 if rng.random() < .6 else int(min(piece // 4, rate * log_uniform(rng, .0005, .005)))
    marks = []
    for at in moments(rng, x.shape[1], rate, piece * (repeats + 1), log_uniform(rng, .2, 1)):
        head = x[:, at:at + piece + fade].copy()
        span = slice(at + piece, at + piece * (repeats + 1))
        before = x[:, span].copy()
        again = np.tile(head[:, :piece], repeats)
        if fade:
            ramp = np.linspace(0, 1, fade)
            for k in range(repeats):
                tail = head[:, piece:piece + fade] if fade <= head.shape[1] - piece else head[:, :fade]
                again[:, k * piece:k * piece + fade] = ramp * again[:, k * piece:k * piece + fade] + (1 - ramp) * tail
        x[:, span] = again[:, :before.shape[1]]
        change = rms(x[:, span] - before) / rms(before)
        if rms(before) > 3e-4 or rms(head) > 3e-4:
            marks.append(Mark("audio_stutter", (at + piece) / rate, (at + piece * (repeats + 1)) / rate, bool(change > .3 and rms(head) > 2e-3)))
    return marks


MAKERS = {"click": click, "dropout": dropout, "clipping": clipping, "hum": hum, "hiss": hiss, "audio_stutter": audio_stutter}
