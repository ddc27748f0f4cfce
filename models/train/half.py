"""A shipped network with its convolutions in half precision, for GPUs: half.py --model M --out M.half.onnx [--frames CLIP ...]

What a convolution is or reads becomes float16; inputs and outputs keep their types, and what comes after the last convolution (the
strongest macroblocks, the sigmoids) stays float32: it is no work, and there scores are told apart.

With clips, pictures of them are scored by both files, and the largest differences of score and map are printed. A CPU has no half
convolutions, so the half network is computed as a GPU does it: each result rounded to half, sums in single precision.
Needs onnx, onnxruntime and numpy of requirements.txt, and ffmpeg for clips.
"""

import argparse
import json
import subprocess

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MAX_BYTES = 2_000_000


def halves(graph: onnx.GraphProto) -> set[int]:
    """The nodes (by index) that become half: convolutions, and what they read, back to where the input is made a float."""
    maker = {name: i for i, node in enumerate(graph.node) for name in node.output}
    found, open_ = set(), [i for i, node in enumerate(graph.node) if node.op_type in ("Conv", "ConvTranspose")]
    while open_:
        i = open_.pop()
        if i in found:
            continue
        found.add(i)
        if graph.node[i].op_type != "Cast":
            open_ += [maker[name] for name in graph.node[i].input if name in maker]
    return found


def half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with float16 where halves() says. Its intermediate results are float16 or float32; only casts change between them."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph, inside = model.graph, halves(model.graph)
    if any(i.type.tensor_type.elem_type == TensorProto.FLOAT for i in graph.input):
        raise SystemExit("the network's input is f32: a cast of it is not supported")
    weights = {w.name: w for w in graph.initializer if w.data_type == TensorProto.FLOAT}
    readers = {i: {name for name in graph.node[i].input if name in weights} for i in range(len(graph.node))}
    shared = set().union(*(readers[i] for i in inside)) & set().union(*(readers[i] for i in readers if i not in inside))
    if shared:
        raise SystemExit(f"weights are read on both sides: {sorted(shared)}")
    for name in set().union(*(readers[i] for i in inside)):
        weights[name].CopyFrom(numpy_helper.from_array(rounded(numpy_helper.to_array(weights[name]), name), name))
    made = {name for i in inside for name in graph.node[i].output}
    nodes, widened = [], {}
    for i, node in enumerate(graph.node):
        if i in inside and node.op_type == "Cast":
            next(a for a in node.attribute if a.name == "to").i = TensorProto.FLOAT16
        for k, name in enumerate(node.input):
            if i not in inside and name in made:
                if name not in widened:
                    widened[name] = name + "_f32"
                    nodes.append(helper.make_node("Cast", [name], [widened[name]], to=TensorProto.FLOAT))
                node.input[k] = widened[name]
        nodes.append(node)
    if made & {o.name for o in graph.output}:
        raise SystemExit("a convolution is an output: it would change its type")
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def rounded(weights: np.ndarray, name: str) -> np.ndarray:
    small = weights.astype(np.float16)
    if not np.isfinite(small).all():
        raise SystemExit(f"{name} does not fit half precision: its largest value is {np.abs(weights).max()}")
    return small


def as_on_gpu(model: onnx.ModelProto) -> onnx.ModelProto:
    """The original in float32 that rounds where the half network would: its weights, and every result inside."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph, inside, nodes = model.graph, halves(model.graph), []
    for i, node in enumerate(graph.node):
        nodes.append(node)
        if i in inside:
            for w in graph.initializer:
                if w.name in node.input:
                    w.CopyFrom(numpy_helper.from_array(rounded(numpy_helper.to_array(w), w.name).astype(np.float32), w.name))
            out = node.output[0]
            node.output[0] = out + "_exact"
            nodes.append(helper.make_node("Cast", [out + "_exact"], [out + "_f16"], to=TensorProto.FLOAT16))
            nodes.append(helper.make_node("Cast", [out + "_f16"], [out], to=TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return model


def session(model: onnx.ModelProto, as_written: bool = False) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if as_written:  # else the casts that round would be taken for waste
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def pictures(clip: str, every: float):
    """Luma of a clip, a picture each so many seconds, cut to whole macroblocks."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "json", clip],
                           capture_output=True, check=True)
    stream = json.loads(probe.stdout)["streams"][0]
    w, h = stream["width"], stream["height"]
    raw = subprocess.run(["ffmpeg", "-v", "quiet", "-i", clip, "-map", "0:v:0", "-vf", f"fps={1 / every},format=gray", "-f", "rawvideo", "-"],
                         capture_output=True, check=True).stdout
    for luma in np.frombuffer(raw[: len(raw) // (w * h) * w * h], np.uint8).reshape(-1, h, w):
        yield np.ascontiguousarray(luma[: h // 16 * 16, : w // 16 * 16])


def compare(single: onnx.ModelProto, clips: list[str], every: float, threshold: float):
    exact, gpu, cpu = session(single), session(as_on_gpu(single), as_written=True), session(half(single))
    seen, worst, crossed, bounds = 0, dict(gpu=[0.0, 0.0], cpu=[0.0, 0.0]), 0, []
    for clip in clips:
        for luma in pictures(clip, every):
            want = exact.run(["score", "map"], {"luma": luma[None, None]})
            seen += 1
            for name, other in (("gpu", gpu), ("cpu", cpu)):
                got = other.run(["score", "map"], {"luma": luma[None, None]})
                for k in range(2):
                    worst[name][k] = max(worst[name][k], float(np.abs(got[k] - want[k]).max()))
                if name == "gpu" and (got[0][0] >= threshold) != (want[0][0] >= threshold):
                    crossed += 1
            bounds.append(float(want[0][0]))
    print(f"{seen} pictures, scores {min(bounds):.3f} to {max(bounds):.3f}, {sum(b >= threshold for b in bounds)} at {threshold} or above")
    for name, (score, cells) in worst.items():
        print(f"largest difference, {name}: score {score:.2e}, map {cells:.2e}")
    print(f"{crossed} scores on the other side of {threshold}")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--model", required=True)
    args.add_argument("--out")
    args.add_argument("--frames", nargs="*", default=[], metavar="CLIP")
    args.add_argument("--every", type=float, default=.5, help="seconds between the pictures of a clip")
    args.add_argument("--threshold", type=float, default=.95, help="the rule's raise")
    args = args.parse_args()
    single = onnx.load(args.model)
    if args.out:
        data = half(single).SerializeToString()
        if len(data) > MAX_BYTES:
            raise SystemExit(f"{len(data)} bytes are more than {MAX_BYTES}")
        with open(args.out, "wb") as f:
            f.write(data)
        print(f"{args.out}: {len(data)} bytes")
    if args.frames:
        compare(single, args.frames, args.every, args.threshold)


if __name__ == "__main__":
    main()
