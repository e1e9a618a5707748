"""The comparator network: shared encoder at quarter size, cost volume, soft-aligned difference, three classes per 8 px cell.

About 0.6 M weights. Every step is a convolution, a product or a mean, so that any size (multiples of 16) runs.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

REACH = 3


def block(i, o, stride=1, dilation=1):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


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
        self.encode = nn.Sequential(block(6, 24, 2), block(24, 32), block(32, width, 2), block(width, width), block(width, width))
        self.key = nn.Conv2d(width, keep, 1)
        self.value = nn.Conv2d(width, keep, 1)
        self.heat = nn.Parameter(torch.tensor(10.0))
        together = side * side + 3 * keep + 3 * 6
        self.meet = block(together, 64)
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
        ka, kb = F.normalize(self.key(fa), dim=1), F.normalize(self.key(fb), dim=1)
        va = torch.cat([self.value(fa), F.avg_pool2d(a, 4)], 1)
        vb = torch.cat([self.value(fb), F.avg_pool2d(b, 4)], 1)
        if torch.is_autocast_enabled("cpu"):
            ka, kb, va, vb = (t.bfloat16() for t in (ka, kb, va, vb))
        costs, moved = search(ka, kb, vb, self.heat, self.reach)
        joined = torch.cat([costs, va, moved, (va - moved).abs()], 1)
        z = self.down(self.meet(joined))
        z = z + self.near(z)
        z = z + self.far(z)
        z = z + self.wide(z)
        z = z + self.whole(z.mean((2, 3), keepdim=True))
        logits = self.out(self.last(z))
        return (logits, costs * self.heat) if with_costs else logits


def mark_margin(logits, top=6):
    """Mean over the `top` cells of the log-odds of `different` against the rest."""
    margin = logits[:, 1] - torch.logsumexp(logits[:, [0, 2]], 1)
    return margin.flatten(1).topk(top, 1).values.mean(1)


def mark_score(probabilities, top=6):
    """The score of a mark: mean of the top cells of p(different) * (1 - p(cannot see)); numpy `[3, h, w]`."""
    evidence = (probabilities[1] * (1 - probabilities[2])).ravel()
    evidence.sort()
    return float(evidence[-top:].mean())


def start_from(net, path, batches):
    """Sets the network to what an exported file computes, so that training goes on from a published version.

    The export folds each normalisation into its convolution. Unfolding needs the statistics of the convolution's outputs: one
    layer after the other is set, and the outputs over `batches` of `(reference, photo)` make its normalisation an identity.
    """
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path)).graph
    stored = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    seen, layers = set(), []
    for node in graph.node:
        if node.op_type == "Conv" and node.input[1] not in seen:
            seen.add(node.input[1])
            layers.append([stored[n] for n in node.input[1:]])
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    order = {id(m): n for n, m in enumerate(convolutions)}
    blocks = {id(m[0]): m[1] for m in net.modules() if isinstance(m, nn.Sequential) and isinstance(m[0], nn.Conv2d)}
    used = []
    hooks = [m.register_forward_hook(lambda m, i, o: used.append(m) if m not in used else None) for m in convolutions]
    net.eval()
    with torch.no_grad():
        net(*batches[0])
        for hook in hooks:
            hook.remove()
        for m, (weight, *bias) in zip(used, layers, strict=True):
            assert m.weight.shape == weight.shape, (order[id(m)], m.weight.shape, weight.shape)
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
        net.heat.copy_(stored["heat"])
    net.train()
