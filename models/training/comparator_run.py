"""The exported comparator, run as the program runs it: two networks and what lies between them, in numpy."""

import pathlib

import numpy as np

FILES = "comparator_encoder.onnx", "comparator_decider.onnx"
REACH = 3


def meet(keys, values, other_keys, other_values, reach=REACH):
    """The maps the deciding network takes, of both sides' `keys` and `values` (maps x rows x columns).

    Likeness at every shift (0 beyond the border), own values, the other's drawn to where they match, the difference of these.
    """
    n, side, (_, h, w) = reach, 2 * reach + 1, keys.shape
    around = lambda maps: np.pad(maps, ((0, 0), (n, n), (n, n)))
    shifts = [(slice(None), slice(y, y + h), slice(x, x + w)) for y in range(side) for x in range(side)]
    padded = around(other_keys)
    costs = np.stack([(keys * padded[s]).sum(0) for s in shifts])
    weights = np.exp(costs - costs.max(0))
    weights /= weights.sum(0)
    padded = around(other_values)
    moved = sum(weight * padded[s] for weight, s in zip(weights, shifts))
    return np.concatenate([costs, values, moved, np.abs(values - moved)])


def joined(keys, values, other_keys, other_values):
    """What the deciding network takes: the maps of `meet` and zeros up to a multiple of 8, in a batch of one."""
    met = meet(keys, values, other_keys, other_values)
    maps = np.zeros((1, -(-len(met) // 8) * 8, *met.shape[1:]), np.float32)
    maps[0, :len(met)] = met
    return maps


class Comparator:
    """The two networks of a folder."""

    def __init__(self, folder, names=FILES):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.encoder, self.decider = (onnxruntime.InferenceSession(str(pathlib.Path(folder) / name), options) for name in names)

    def encode(self, picture):
        """Keys and values, maps x H/4 x W/4 each, of an RGB picture H x W x 3."""
        tensor = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
        return [maps[0] for maps in self.encoder.run(["keys", "values"], {"picture": tensor})]

    def logits(self, reference, photo):
        """Same, different, cannot see: 3 x H/8 x W/8, of two RGB pictures H x W x 3."""
        return self.decider.run(["logits"], {"joined": joined(*self.encode(reference), *self.encode(photo))})[0][0]

    def probabilities(self, reference, photo):
        """Softmax of `logits`."""
        logits = self.logits(reference, photo)
        p = np.exp(logits - logits.max(0))
        return p / p.sum(0)
