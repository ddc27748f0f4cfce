"""Twenty epochs of the picture network on generated content: the pieces fit, the loss falls, the ONNX file agrees with PyTorch at all sizes.

    python picture_smoke_test.py

Half a minute of one core; needs requirements.txt and ffmpeg; no clips.
"""

import json
import os
import tempfile

import numpy as np
import torch

import picture_data
import picture_distort as distort
import picture_export as export
import picture_generate as generate
import picture_sources as sources
from picture_net import GRID, PATCH, Looker, PictureNet
from picture_train import fit


def test_wanted_scores_rise_with_strength():
    for defect, at in distort.REFERENCE.items():
        scores = [distort.wanted(defect, at * k) for k in (0, .5, 1, 2, 8)]
        assert scores[0] == 0 and abs(scores[2] - .5) < 1e-9 and scores == sorted(scores) and scores[-1] < 1, (defect, scores)


def test_patches_lie_on_the_grid():
    for height, width, count in ((128, 128, 1), (176, 320, 2), (288, 352, 4), (1088, 1920, 12), (64, 96, 1)):
        rows = torch.arange(height).remainder(256).to(torch.uint8)[:, None].expand(height, width)[None, None]
        patches = Looker()(rows)
        assert patches.shape == (1, count, PATCH, PATCH), (height, width, patches.shape)
        assert (patches[0, :, 0, 0] % GRID == 0).all(), patches[0, :, 0, 0]


def test_licences(folder):
    path = os.path.join(folder, "refused")
    os.makedirs(path)
    with open(os.path.join(path, "a.json"), "w") as f:
        json.dump({"source": "films/secret.mp4", "licence": "CC BY-NC", "licence_class": "unclear"}, f)
    try:
        picture_data.load(path, training=True)
    except SystemExit as refusal:
        assert "films/secret.mp4" in str(refusal), refusal
    else:
        raise AssertionError("a clip whose licence does not allow training was taken")


def make_set(folder):
    for item in sources.generated(1)[::2]:
        pictures, meta = generate.make(f"train/{item.group}", item, None)
        assert pictures.shape[0] == len(meta["variants"]) == generate.KEPT * (1 + generate.DRAWS * len(distort.DEFECTS)), pictures.shape
        path = os.path.join(folder, "train", item.group)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        np.save(path + ".npy", pictures)
        with open(path + ".json", "w") as f:
            json.dump(meta, f)
    return picture_data.load(os.path.join(folder, "train"), training=True)


def test_training(windows):
    data = picture_data.samples(windows, random_looks=True)
    net = PictureNet()
    losses = fit(net, data, epochs=20, rate=3e-3, seed=1)
    assert losses[-1] < .9 * losses[0], losses
    return net


def test_merged(net, windows):
    data = picture_data.samples(windows)
    pictures = torch.from_numpy(np.array(windows[0].pictures()))[:, None]
    offsets = torch.linspace(-1, 1, len(distort.DEFECTS))
    with torch.no_grad():
        want = net.eval()(torch.from_numpy(data.statistics)) - offsets
        shipped = export.Shipped(net, offsets).eval()
        got = shipped.layers(shipped.statistics.columns(shipped.looker(pictures)))
    assert (got - want).abs().max() < 1e-3, (got - want).abs().max()


def test_export(net, windows, folder):
    data = picture_data.samples(windows)
    offsets = export.calibrate(net, data, data, .01, .01)
    model = export.Shipped(net, offsets).eval()
    path = os.path.join(folder, "smoke.onnx")
    export.write(model, path)
    assert export.largest_difference(model, path) <= export.PARITY


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        test_wanted_scores_rise_with_strength()
        test_patches_lie_on_the_grid()
        test_licences(folder)
        made = make_set(folder)
        trained = test_training(made)
        test_merged(trained, made[:1])
        test_export(trained, made[:2], folder)
    print("picture smoke test passed")
