"""Twenty steps of the sound network on generated content: the pieces fit, the loss falls, the ONNX file agrees with PyTorch.

    python sound_smoke_test.py

Needs requirements.txt and ffmpeg; no recordings. About half a minute of one core.
"""

import os
import tempfile

import numpy as np
import torch

import sound_codecs
import sound_data
import sound_export
import sound_generate
import sound_rules
import sound_sets
from sound_defects import MAKERS
from sound_net import RATE, SoundNet
from sound_train import loss_of


def test_licences_are_checked():
    forbidden = sound_sets.Recording("x.wav", "band/x.wav", "band", "band/x", "train", "all rights reserved", "unclear")
    try:
        sound_sets.check([forbidden])
    except sound_sets.Refused as refused:
        assert "band/x.wav" in str(refused)
    else:
        raise AssertionError("a recording that may not train was taken")


def test_makers_mark_what_they_change():
    rng = np.random.default_rng(2)
    for kind, maker in MAKERS.items():
        sound = np.repeat(rng.normal(0, .1, (1, 8 * RATE)), 2, 0)
        changed = sound.copy()
        marks = maker(changed, rng, RATE)
        assert marks and all(m.kind == kind and m.end > m.start for m in marks), kind
        differs = np.flatnonzero((changed != sound).any(0)) / RATE
        assert len(differs), kind
        if kind in ("dropout", "audio_stutter", "hum", "hiss"):
            covered = sum(((differs >= m.start - .001) & (differs <= m.end + .001)).sum() for m in marks)
            assert covered >= len(differs), (kind, covered, len(differs))


def test_codecs_are_aligned():
    rng, native = np.random.default_rng(3), 48000
    sound = np.convolve(rng.normal(0, .1, 2 * native), np.ones(32) / 32, "same")[None] * np.repeat(rng.uniform(0, 1, 40), native // 20)
    want = sound_codecs.recoded(sound, native, "pcm", 0)
    for codec in ("aac", "mp2", "ac3"):
        got = sound_codecs.recoded(sound, native, codec, sound_codecs.CODECS[codec][2][-1])
        alike = np.corrcoef(got[0, 500:-500], want[0, 500:-500])[0, 1]
        assert alike > .9, (codec, alike)


def test_alarms_are_counted():
    score = np.zeros(500)
    score[[40, 44, 300]] = 1
    assert len(sound_rules.alarms(score, .5, "audio_stutter")) == 1
    assert sound_rules.alarms(score, .5, "hum") == []
    assert sound_rules.threshold_for([score], "audio_stutter", 0) > 1


def test_training(folder):
    for k in range(3):
        sound_generate.make(f"train/{k:04d}", [], "train", folder)
    rows = sound_data.load(os.path.join(folder, "train"))
    assert {r.kind for r in rows if r.spots}, "no defect was made"
    torch.manual_seed(1)
    net, batches = SoundNet(), sound_data.Batches(rows, np.random.default_rng(1), each={kind: 3 for kind in MAKERS}, plain=4)
    optimiser, losses = torch.optim.AdamW(net.parameters(), 3e-3), []
    for _ in range(20):
        x, present, known = batches.next()
        logits = net(x)
        loss = loss_of(logits, present, known)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        batches.learn(logits.detach(), present, known)
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < .9 * np.mean(losses[:3]), losses
    return net.eval()


def test_export(net, folder):
    x = torch.from_numpy(sound_export.examples())
    with torch.no_grad():
        fast = torch.sigmoid(net(x))
    kinds = ["hum", "audio_stutter"]
    model = sound_export.Shipped(sound_export.fold(net), kinds, [0., 1.], [1., .5]).eval()
    with torch.no_grad():
        assert (torch.sigmoid(model.net(x)) - fast).abs().max() < .02
    path = os.path.join(folder, "smoke.onnx")
    sound_export.write(model, kinds, path)
    assert sound_export.largest_difference(model, path) <= sound_export.PARITY


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        test_licences_are_checked()
        test_makers_mark_what_they_change()
        test_codecs_are_aligned()
        test_alarms_are_counted()
        test_export(test_training(folder), folder)
    print("smoke test passed")
