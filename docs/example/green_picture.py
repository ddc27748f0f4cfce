#!/usr/bin/env python3
"""Builds a detector for streamvet: green_picture, which finds pictures that are partly or wholly green.

Green is what a decoder shows that was given nothing: Y, U and V of 0 are a dark green. This network has no
trained weights, so that all of it can be read; a trained one is exported to the same inputs and outputs.

    green_picture.py DIR [--share 0.6] [--version 1.0.0]       writes DIR/green_picture/
"""
import argparse
import hashlib
import pathlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

WIDTH, HEIGHT, CELL = 160, 90, 10
GREEN = 0.22  # by how much green is above red and blue, of 0..1: decoder's green is 0.30 or more, grass about 0.15

MANIFEST = """\
name: green_picture
version: {version}
summary: Parts of the picture are green, as where a decoder was given nothing.
input: picture
network:
  file: green.onnx
  sha256: {sha256}
  tensor:
    name: rgb
    dtype: f32
    channels: rgb
    resize: area
    width: {width}
    height: {height}
  score: score
  map: map
  map_threshold: 0.5
  sampling:
    every: 200ms
  batch:
    max_size: 8
    max_queue_delay: 5ms
outputs:
  - defect: solid_color
    unit: "% of the picture"
    rule:
      raise: 0.5
      clear: 0.3
      min_duration: 0s
      min_scores: 2
      hold: 500ms
      merge: 1s
      major: 0.9
provenance: docs/example/green_picture.py
"""


def network(share):
    """ONNX: the score is 1 where `share` of the picture is green; the map has a cell for each 10x10 pixels."""
    node = helper.make_node
    nodes = [
        node("Split", ["rgb"], ["r", "g", "b"], axis=1, num_outputs=3),  # [N,3,90,160], 0..1, to three of [N,1,90,160]
        node("Max", ["r", "b"], ["others"]),
        node("Sub", ["g", "others"], ["above"]),
        node("Sub", ["above", "green"], ["distance"]),
        node("Mul", ["distance", "steep"], ["logit"]),
        node("Sigmoid", ["logit"], ["is_green"]),
        node("AveragePool", ["is_green"], ["map"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),  # [N,1,9,16]
        node("ReduceMean", ["is_green", "picture"], ["share"], keepdims=0),  # [N]: never over the batch
        node("Div", ["share", "whole"], ["unbounded"]),
        node("Clip", ["unbounded", "zero", "one"], ["score"]),
    ]
    numbers = {"green": GREEN, "steep": 60, "whole": share, "zero": 0, "one": 1}
    constants = [numpy_helper.from_array(np.array(v, np.float32), k) for k, v in numbers.items()]
    constants.append(numpy_helper.from_array(np.array([1, 2, 3], np.int64), "picture"))
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "green_picture",
        [info("rgb", TensorProto.FLOAT, ["N", 3, HEIGHT, WIDTH])],
        [info("score", TensorProto.FLOAT, ["N"]), info("map", TensorProto.FLOAT, ["N", 1, HEIGHT // CELL, WIDTH // CELL])],
        constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir", type=pathlib.Path, help="where the detector's folder is made")
    p.add_argument("--share", type=float, default=0.6, help="share of green at which the score is 1")
    p.add_argument("--version", default="1.0.0")
    args = p.parse_args()
    folder = args.dir / "green_picture"
    folder.mkdir(parents=True, exist_ok=True)
    onnx = network(args.share)
    (folder / "green.onnx").write_bytes(onnx)
    (folder / "detector.yaml").write_text(
        MANIFEST.format(version=args.version, sha256=hashlib.sha256(onnx).hexdigest(), width=WIDTH, height=HEIGHT))
    print(f"{folder}: {len(onnx)} bytes of ONNX")


if __name__ == "__main__":
    main()
