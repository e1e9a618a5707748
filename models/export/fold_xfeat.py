"""Rewrites three places of the exported XFeat so that it runs faster and in less memory, with the same results.

    pip install onnx==1.23.2 onnxruntime==1.32.0 numpy
    python models/export/fold_xfeat.py xfeat_exported.onnx models/xfeat_dense.onnx

1. The first two convolutions work on 4 channels at full size, which the runtime pads to 16. The same sums at half size,
   with the four phases of a pixel as channels, fill the 16 exactly: a 4x4 kernel of stride 2, then a 2x2 kernel.
2. "Fold 8x8 pixels into 64 channels, then a 1x1 convolution" is one 8x8 convolution of stride 8.
3. Softmax over channels runs on the last axis instead of between two transpositions.
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

TOLERANCE = 2e-5


def fold(model):
    graph = model.graph
    nodes = list(graph.node)
    weights = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    made = {node.output[0]: node for node in nodes}

    def conv(name):
        return made[f"/{name}/Conv_output_0"]

    def put(name, array):
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def replaced(node, inputs, kernel, stride, pads):
        attributes = dict(kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads, dilations=[1, 1], group=1)
        return helper.make_node("Conv", inputs, list(node.output), name=node.name, **attributes)

    swap = {}
    # 1: phases (p, q) of a pixel become channels (p * 2 + q) * 4 + c.
    first, second = conv("block1/block1.0/layer/layer.0"), conv("block1/block1.1/layer/layer.0")
    w, b = weights[first.input[1]], weights[first.input[2]]
    wide = np.zeros((2, 2, 4, 1, 4, 4), np.float32)
    for p in (0, 1):
        for q in (0, 1):
            wide[p, q, :, :, p:p + 3, q:q + 3] = w
    swap[first.output[0]] = replaced(
        first, [first.input[0], put("fold.first.w", wide.reshape(16, 1, 4, 4)), put("fold.first.b", np.tile(b, 4))],
        4, 2, [1, 1, 1, 1])
    w = weights[second.input[1]]
    narrow = np.zeros((8, 2, 2, 4, 2, 2), np.float32)
    place = {0: (0, 1), 1: (1, 0), 2: (1, 1)}  # kernel row or column -> (tap, phase)
    for u, (a, p) in place.items():
        for v, (c, q) in place.items():
            narrow[:, p, q, :, a, c] = w[:, :, u, v]
    swap[second.output[0]] = replaced(
        second, [second.input[0], put("fold.second.w", narrow.reshape(8, 16, 2, 2)), second.input[2]],
        2, 1, [1, 1, 0, 0])
    # 2
    head = conv("keypoint_head/keypoint_head.0/layer/layer.0")
    w = weights[head.input[1]]
    swap[head.output[0]] = replaced(
        head, [first.input[0], put("fold.head.w", w.reshape(-1, 1, 8, 8)), head.input[2]], 8, 8, [0, 0, 0, 0])
    # 3
    softmax = made["/Softmax_output_0"]
    put("fold.begin", np.array([0], np.int64)), put("fold.end", np.array([64], np.int64))
    put("fold.axis", np.array([3], np.int64)), put("fold.split", np.array([0, 0, 0, 8, 8], np.int64))
    swap["heat"] = [
        helper.make_node("Transpose", [softmax.input[0]], ["fold.nhwc"], perm=[0, 2, 3, 1]),
        helper.make_node("Softmax", ["fold.nhwc"], ["fold.soft"], axis=3),
        helper.make_node("Slice", ["fold.soft", "fold.begin", "fold.end", "fold.axis"], ["fold.cells"]),
        helper.make_node("Reshape", ["fold.cells", "fold.split"], ["fold.blocks"]),
        helper.make_node("Transpose", ["fold.blocks"], ["fold.rows"], perm=[0, 1, 3, 2, 4]),
        helper.make_node("Shape", [graph.input[0].name], ["fold.shape"]),
        helper.make_node("Reshape", ["fold.rows", "fold.shape"], ["heat"]),
    ]
    kept = []
    for node in nodes:
        new = swap.get(node.output[0], node)
        kept.extend(new if isinstance(new, list) else [new])
    # What nothing needs any more goes.
    while True:
        needed = {i for node in kept for i in node.input} | {o.name for o in graph.output}
        left = [node for node in kept if any(o in needed for o in node.output)]
        if len(left) == len(kept):
            break
        kept = left
    del graph.node[:]
    graph.node.extend(kept)
    used = [i for i in graph.initializer if i.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(used)
    onnx.checker.check_model(model)
    return model


def compare(before, after):
    sessions = [onnxruntime.InferenceSession(p, providers=["CPUExecutionProvider"]) for p in (before, after)]
    random = np.random.default_rng(1)
    for height, width in ((96, 160), (448, 640), (32, 32)):
        grey = (random.random((1, 1, height, width)) * 255).astype(np.float32)
        outputs = [s.run(["feats", "heat", "rel"], {"gray": grey}) for s in sessions]
        for name, a, b in zip(("feats", "heat", "rel"), *outputs):
            worst = float(np.abs(a - b).max())
            print(f"{height}x{width} {name}: differs by {worst:.1e} at most")
            assert a.shape == b.shape and worst < TOLERANCE, name


if __name__ == "__main__":
    source, target = sys.argv[1:]
    onnx.save(fold(onnx.load(source)), target)
    compare(source, target)
