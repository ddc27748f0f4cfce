"""Twenty steps on generated content: the pieces fit, the loss falls, the ONNX file agrees with PyTorch. About half a minute of one core.

    python smoke_test.py

Needs requirements.txt and ffmpeg; no clips. Not part of CI, which has no PyTorch.
"""

import copy
import os
import random
import tempfile

import numpy as np
import torch

import cards
import export
import generate
import label
from crops import DAMAGED, Batches, load
from net import BlockNet
from sets import Item
from train import loss_of
from unfold import unfold


def test_label_needs_a_new_edge():
    clean = np.full((64, 96), 100, np.uint8)
    damaged = clean.copy()
    damaged[16:32, 32:48] = 180
    mark = label.label(damaged, clean)
    assert mark.blocks[1, 2] == label.VISIBLE and mark.positive() is False, mark
    soft = np.clip(clean + np.linspace(0, 12, 96)[None], 0, 255).astype(np.uint8)
    assert label.label(soft, clean).visible() == 0
    assert label.label(clean, clean).untouched


def make_set(folder):
    for k in range(6):
        item = Item("graphics", f"gfx-{generate_style(k)}-{k}", "train", "")
        generate.make(f"train/clean-{k}", item, ["mpeg4_hard", "mjpeg", "h264_hard"][k % 3], 0, "smoke", folder)
        generate.make(f"train/damaged-{k}", item, "h264", 2, "smoke", folder)
    return load(os.path.join(folder, "train"))


def generate_style(k):
    return list(cards.STYLES)[k % len(cards.STYLES)]


def test_training(folder):
    pictures = make_set(folder)
    assert any(p.kind == DAMAGED for p in pictures), "no damaged picture was made"
    torch.manual_seed(1)
    net, batches = BlockNet(), Batches(pictures, random.Random(1))
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 4e-3)
    losses = []
    for _ in range(20):
        images, labels = batches.next()
        loss = loss_of(net(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < .8 * np.mean(losses[:3]), losses
    return net.eval()


def test_export(net, folder):
    model = export.Shipped(export.fold(net), np.array([.5, .3, .2]), -1.).eval()
    path = os.path.join(folder, "smoke.onnx")
    export.write(model, path)
    assert export.largest_difference(model, path) <= export.PARITY
    again = unfold(path, torch.rand(8, 1, 176, 176)).eval()
    images = torch.randint(0, 256, (1, 1, 128, 160)).float()
    with torch.no_grad():
        assert (model.net(images) - again(images / 255)).abs().max() < 1e-3


def test_folding_changes_nothing(net):
    images = torch.randint(0, 256, (1, 1, 128, 160)).float()
    with torch.no_grad():
        before = net(images / 255)
        after = export.fold(net)(images)
    assert (before - after).abs().max() < 1e-3


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        test_label_needs_a_new_edge()
        trained = test_training(folder)
        test_folding_changes_nothing(copy.deepcopy(trained))
        test_export(trained, folder)
    print("smoke test passed")
