"""Sound that repeats itself and is no stutter: loops, samplers and drum machines, gated chords, arpeggios of chip music, echoes.

Some is made of recordings, so that it sounds like music, some from nothing. What tells it from a stutter is its context: it goes on for bars,
begins with attacks, dies away, or has something else played over it.
"""

import numpy as np
from scipy import signal


def looped(x, rate, rng):
    """A piece of x [channels, n] again and again for as long as the programme lasts; often under something else of it."""
    n = x.shape[1]
    length = int(rate * np.exp(rng.uniform(np.log(.12), np.log(2.5))))
    at = int(rng.integers(0, n - length))
    piece = faded(x[:, at:at + length].copy(), int(rate * rng.choice((0, .001, .004, .015))))
    loop = np.tile(piece, n // length + 1)[:, :n]
    if rng.random() < .4:
        over = np.roll(x, int(rng.integers(0, n)), 1)
        loop = loop + over * 10 ** (-rng.uniform(0, 22) / 20)
    return loop


def faded(piece, k):
    if 2 * k < piece.shape[1] and k > 1:
        piece[:, :k] *= np.linspace(0, 1, k)
        piece[:, -k:] *= np.linspace(1, 0, k)
    return piece


def sampler(x, rate, rng):
    """One to five sounds cut out of x, struck exactly alike by a sequencer: bars that repeat, bursts as of a machine gun, rolls."""
    n = x.shape[1]
    step = int(rate * rng.uniform(.055, .26))
    out, steps = np.zeros((2, n)), -(-n // step)
    alike, burst = rng.random() < .65, rng.random() < .3
    for voice in range(int(rng.integers(1, 6))):
        sound = struck(x, rate, rng)
        bar = rng.random(16) < rng.choice((.2, .4, 1., 1.) if voice == 0 else (.12, .25, .5))
        hits = np.tile(bar, steps // 16 + 1)[:steps]
        if burst:
            on, k = np.zeros(steps, bool), 0
            while k < steps:
                k += int(rng.integers(3, 30))
                on[k:k + int(rng.integers(3, 24))] = True
                k += 20
            hits = hits & on
        for k in np.flatnonzero(hits):
            m = min(sound.shape[1], n - k * step)
            out[:, k * step:k * step + m] += sound[:, :m] * (1 if alike else rng.uniform(.5, 1))
    if rng.random() < .35:
        out += np.roll(x, n // 3, 1) * 10 ** (-rng.uniform(0, 24) / 20)
    return out


def struck(x, rate, rng):
    """A sound with an attack that dies away: out of x, or a drum of noise and a falling tone."""
    length = int(rate * rng.uniform(.04, .6))
    t = np.arange(length) / rate
    decay = np.exp(-t / rng.uniform(.015, .25))
    end = rate // 200
    decay[-end:] *= np.linspace(1, 0, end)
    if rng.random() < .6:
        at = int(rng.integers(0, x.shape[1] - length))
        sound = x[:, at:at + length]
        return sound * decay * .3 / (np.abs(sound).max() + 1e-4)
    tone = np.sin(2 * np.pi * np.cumsum(rng.uniform(45, 400) * (1 + rng.uniform(0, 3) * np.exp(-t * 40))) / rate)
    noise = rng.normal(0, .4, length)
    if rng.random() < .5:
        noise = signal.lfilter([1, -.95], [1], noise)
    mix = rng.random()
    return np.repeat(((mix * tone + (1 - mix) * noise) * decay * .3)[None], 2, 0)


def gated(x, rate, rng):
    """x through a gate in time with a beat, as trance does it."""
    step = int(rate * rng.uniform(.06, .3))
    open_for = max(8, int(step * rng.uniform(.3, .8)))
    gate = np.zeros(step)
    gate[:open_for] = 1
    k = int(rate * rng.uniform(.001, .01))
    gate = np.convolve(np.tile(gate, 3), np.ones(k) / k, "same")[step:2 * step]
    pattern = np.concatenate([gate * on for on in (rng.random(16) < rng.uniform(.6, 1.01))])
    return x * np.resize(pattern, x.shape[1])


def echoing(x, rate, rng):
    """With a delay that feeds back: the same again, fainter each time, over what goes on."""
    late, gain = int(rate * rng.uniform(.06, .55)), rng.uniform(.3, .8)
    out = x.copy()
    for k in range(1, 7):
        out[:, k * late:] += x[:, :-k * late] * gain ** k
    return out


def chord(n, rate, rng):
    """A held chord of saws, some beating, each note for bars."""
    out, at = np.zeros(n), 0
    while at < n:
        m = min(int(rate * rng.uniform(1, 6)), n - at)
        t = np.arange(m) / rate
        root = rng.uniform(60, 260)
        for ratio in rng.choice((1, 1.189, 1.26, 1.498, 2, 1.782), 3, replace=False):
            f = root * ratio * (1 + rng.normal(0, .002))
            out[at:at + m] += sum(np.sin(2 * np.pi * f * k * t + rng.uniform(0, 6)) / k for k in range(1, 9))
        at += m
    return out


def arpeggio(n, rate, rng):
    """Two to four pitches in turn, every 15 to 120 ms, by a square, pulse or triangle wave, as sound chips play chords; often a bar that repeats."""
    out, at = np.zeros(n), 0
    each = int(rate * np.exp(rng.uniform(np.log(.015), np.log(.12))))
    duty, anew = rng.choice((.5, .25, .125)), rng.random() < .5
    bars = [(rng.uniform(100, 700) * 2 ** (rng.choice((0, 3, 4, 5, 7, 9, 12), int(rng.integers(2, 5)), replace=False) / 12), rng.uniform(.12, 1.2))
            for _ in range(int(rng.integers(1, 9)))]
    k = 0
    while at < n:
        pitches, seconds = bars[k % len(bars)]
        m = min(int(rate * seconds), n - at)
        pitch = np.repeat(np.resize(pitches, m // each + 1), each)[:m]
        turns = np.cumsum(pitch / rate)
        if anew:
            turns = np.concatenate([np.arange(each)[:max(0, m - j)] * pitch[j] / rate for j in range(0, m, each)])[:m]
        wave = signal.square(2 * np.pi * turns, duty) if duty < .5 or rng.random() < .6 else signal.sawtooth(2 * np.pi * turns, .5)
        out[at:at + m] = wave * np.linspace(1, rng.uniform(.2, 1), m)
        at += m
        k += 1
    soft = signal.butter(2, min(12000, rate * .45), fs=rate, output="sos")
    return signal.sosfilt(soft, out)
