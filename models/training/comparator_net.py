"""The comparator network: shared encoder at quarter size, cost volume, soft-aligned difference, three classes per 8 px cell.

About 0.5 M weights. Every step is a convolution, a product or a mean, so that any size (multiples of 16) runs. It is exported in two
parts, `Encoder` and `Decider`; what lies between them is the host's work (comparator_run.py, src/inference/cost_volume.rs).
"""

import copy
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

from comparator_run import FILES, REACH
from comparator_run import Comparator as Exported


def block(i, o, stride=1, dilation=1, size=3):
    return nn.Sequential(nn.Conv2d(i, o, size, stride, size // 2 * dilation, dilation, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


def search(ka, kb, vb, heat, reach):
    """Cost volume over all shifts within `reach`, and the photo's values drawn to where they match: `(costs, moved)`.

    A row against a row of the photo is one matrix product, of which the shifts are a band along the diagonal. Padded to rows one longer
    and read as rows of that length, a band stands upright; the weights go back the same way. No step gathers or loops over pixels.
    """
    n, side, (count, _, h, w) = reach, 2 * reach + 1, ka.shape
    wide = w + 2 * n
    kb, vb = F.pad(kb, (n, n, n, n)).permute(0, 2, 1, 3), F.pad(vb, (n, n, n, n)).permute(0, 2, 3, 1)
    ka = ka.permute(0, 2, 3, 1)
    every = torch.stack([torch.matmul(ka, kb[:, y:y + h]) for y in range(side)], 2)  # batch, row, dy, x, x' of the photo
    band = F.pad(every.flatten(3), (0, w)).reshape(count, h, side, w, wide + 1)[..., :side]  # batch, row, dy, x, dx
    costs = band.permute(0, 2, 4, 1, 3).flatten(1, 2)
    weights = torch.softmax(band.permute(0, 1, 3, 2, 4).flatten(3).float() * heat, 3).to(vb.dtype)
    weights = weights.reshape(count, h, w, side, side).permute(0, 1, 3, 2, 4)
    full = F.pad(weights, (0, wide + 1 - side)).flatten(3)[..., :w * wide].reshape(count, h, side, w, wide)
    moved = sum(torch.matmul(full[:, :, y], vb[:, y:y + h]) for y in range(side))
    return costs, moved.permute(0, 3, 1, 2)


class Comparator(nn.Module):
    def __init__(self, width=64, keep=32, deep=96, reach=REACH):
        super().__init__()
        self.reach, side = reach, 2 * reach + 1
        self.encode = nn.Sequential(block(6, 24, 2), block(24, 32), block(32, width, 2), block(width, width))
        self.key = nn.Conv2d(width, keep, 1)
        self.value = nn.Conv2d(width, keep, 1)
        self.heat = nn.Parameter(torch.tensor(10.0))
        together = side * side + 3 * keep + 3 * 6
        self.meet, self.join = block(together, 64, size=1), block(64, 64)
        self.down = block(64, deep, 2)
        self.near, self.far, self.wide = block(deep, deep), block(deep, deep, dilation=2), block(deep, deep, dilation=4)
        self.whole = nn.Conv2d(deep, deep, 1)
        self.last = block(deep, deep)
        self.out = nn.Conv2d(deep, 3, 1)
        # turns the crop's best evidence into one number while training; not part of the exported network
        self.mark = nn.Parameter(torch.tensor([1.0, 0.0]))

    @staticmethod
    def views(x):
        """Six channels: each colour by its own mean and spread, and all colours by the grey's (colour relations kept)."""
        mean = x.mean((2, 3), keepdim=True)
        centred = x - mean
        spread = (centred * centred).mean((2, 3), keepdim=True).sqrt()
        grey = x.mean(1, keepdim=True)
        level = grey.mean((2, 3), keepdim=True)
        contrast = ((grey - level) * (grey - level)).mean((2, 3), keepdim=True).sqrt()
        return torch.cat([centred / (spread + 8), (x - level) / (contrast + 16)], 1)

    def forward(self, reference, photo, with_costs=False):
        a, b = self.views(reference), self.views(photo)
        fa, fb = self.encode(torch.cat([a, b])).chunk(2)
        ka, kb = self.keys(fa), self.keys(fb)
        va, vb = self.values(fa, a), self.values(fb, b)
        if torch.is_autocast_enabled(ka.device.type):
            ka, kb, va, vb = (t.to(torch.get_autocast_dtype(ka.device.type)) for t in (ka, kb, va, vb))
        costs, moved = search(ka, kb, vb, self.heat, self.reach)
        logits = self.decide(self.meet(torch.cat([costs, va, moved, (va - moved).abs()], 1)))
        return (logits, costs * self.heat) if with_costs else logits

    def keys(self, features):
        """What is matched, of unit length."""
        return F.normalize(self.key(features), dim=1)

    def values(self, features, views):
        """What a cell shows: learnt maps and the mean colours."""
        return torch.cat([self.value(features), F.avg_pool2d(views, 4)], 1)

    def decide(self, met):
        z = self.down(self.join(met))
        z = z + self.near(z)
        z = z + self.far(z)
        z = z + self.wide(z)
        z = z + self.whole(z.mean((2, 3), keepdim=True))
        return self.out(self.last(z))


class Encoder(nn.Module):
    """The part exported for one side: `picture` to `keys` and `values`. Keys hold the root of the heat: their product is the softmax's exponent."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, picture):
        views = self.net.views(picture)
        features = self.net.encode(views)
        return self.net.keys(features) * self.net.heat.sqrt(), self.net.values(features, views)


class Decider(nn.Module):
    """The part exported for both sides met: `joined` (costs times heat, reference's values, moved values, their difference, zeros) to `logits`."""

    def __init__(self, net):
        super().__init__()
        self.net, self.meet = net, copy.deepcopy(net.meet)
        costs, first = (2 * net.reach + 1) ** 2, net.meet[0]
        whole = nn.Conv2d(-(-first.in_channels // 8) * 8, first.out_channels, 1, bias=False)
        with torch.no_grad():
            whole.weight.zero_()
            whole.weight[:, :first.in_channels] = first.weight
            whole.weight[:, :costs] /= net.heat
        self.meet[0] = whole

    def forward(self, joined):
        return self.net.decide(self.meet(joined))


def mark_margin(logits, top=6):
    """Mean over the `top` cells of the log-odds of `different` against the rest."""
    margin = logits[:, 1] - torch.logsumexp(logits[:, [0, 2]], 1)
    return margin.flatten(1).topk(top, 1).values.mean(1)


def convolutions(path):
    """Weight and bias of each convolution of an exported file, in its order; 8-bit ones as the numbers they stand for."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:  # the zero points of weights are 0
            whole, scale = (stored[name] for name in node.input[:2])
            stored[node.output[0]] = whole.float() * scale.reshape(-1, *[1] * (whole.dim() - 1))
    return [[stored[name] for name in node.input[1:]] for node in graph.node if node.op_type == "Conv"]


def start_from(net, folder, batches):
    """Sets the network to what the exported files in `folder` compute, so that training goes on from a published version.

    The export folds each normalisation into its convolution. Unfolding needs the statistics of the convolution's outputs: one
    layer after the other is set, and the outputs over `batches` of `(reference, photo)` make its normalisation an identity.
    """
    layers = [layer for file in FILES for layer in convolutions(pathlib.Path(folder) / file)]
    keys, _ = Exported(folder).encode(batches[0][0][0].permute(1, 2, 0).numpy())
    blocks = {id(m[0]): m[1] for m in net.modules() if isinstance(m, nn.Sequential) and isinstance(m[0], nn.Conv2d)}
    used = []
    hooks = [m.register_forward_hook(lambda m, i, o: used.append(m) if m not in used else None) for m in net.modules() if isinstance(m, nn.Conv2d)]
    net.eval()
    with torch.no_grad():
        net(*batches[0])
        for hook in hooks:
            hook.remove()
        net.heat.copy_(torch.tensor((keys * keys).sum(0).mean()))  # keys are as long as its root
        costs = (2 * net.reach + 1) ** 2
        for m, (weight, *bias) in zip(used, layers, strict=True):
            if m is net.meet[0]:
                weight = weight[:, :m.in_channels]
                weight[:, :costs] *= net.heat
            assert m.weight.shape == weight.shape, (m, weight.shape)
            m.weight.copy_(weight)
            if m.bias is not None:
                m.bias.copy_(bias[0])
                continue
            norm, outputs = blocks[id(m)], []
            hook = m.register_forward_hook(lambda m, i, o: outputs.append(o.transpose(0, 1).flatten(1)))
            for pair in batches:
                net(*pair)
            hook.remove()
            flat = torch.cat(outputs, 1)
            mean, variance = flat.mean(1), flat.var(1)
            norm.running_mean.copy_(mean), norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt()), norm.bias.copy_(bias[0] + mean)
    net.train()
