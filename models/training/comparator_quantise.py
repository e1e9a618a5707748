"""Makes the comparator's 8-bit files from the trained ones: the same tensors in and out, whole numbers inside.

    npm install --prefix WORK simple-icons @iconify-json/logos
    python comparator_quantise.py --npm WORK --work WORK --trained FOLDER --out ..

Ranges come from seeded made-up pairs of the training's kind, so no photo of anybody's goods shapes them.
"""

import argparse
import pathlib
import tempfile

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from comparator_data import Batches, Material
from comparator_run import FILES, Comparator, joined

# The first convolution sees normalised colours and the last gives the answer: both stay as trained.
AS_TRAINED = {FILES[0]: 0, FILES[1]: -1}


class Inputs(CalibrationDataReader):
    """Inputs of one network, one after the other."""

    def __init__(self, name, tensors):
        self.feeds = iter([{name: tensor} for tensor in tensors])

    def get_next(self):
        return next(self.feeds, None)


def quantise(trained, out, name, tensors):
    """Writes `out` from the fp32 file `trained`: convolutions with weights of 8 bits per output map, ranges as seen in `tensors`."""
    with tempfile.TemporaryDirectory() as folder:
        plain = str(pathlib.Path(folder) / "plain.onnx")
        quant_pre_process(str(trained), plain, skip_symbolic_shape=True)
        convolutions = [node.name for node in onnx.load(plain).graph.node if node.op_type == "Conv"]
        quantize_static(plain, str(out), Inputs(name, tensors), quant_format=QuantFormat.QDQ, op_types_to_quantize=["Conv"],
                        nodes_to_exclude=[convolutions[AS_TRAINED[trained.name]]], per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--npm", required=True, help="folder with node_modules of simple-icons and @iconify-json/logos")
    ask.add_argument("--work", required=True, help="folder of the logo cache")
    ask.add_argument("--trained", required=True, help="folder of the two fp32 files")
    ask.add_argument("--out", required=True, help="folder for the 8-bit files, of the same names")
    ask.add_argument("--pictures", help="folder of pictures used as print and ground, as in the training")
    ask.add_argument("--pairs", type=int, default=96)
    ask.add_argument("--seed", type=int, default=2)
    a = ask.parse_args()
    trained, out = pathlib.Path(a.trained), pathlib.Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    network = Comparator(trained)
    pairs = [pair for batch in Batches(Material(a.npm, pathlib.Path(a.work), a.pictures), 8, a.pairs // 8, a.seed)
             for pair in zip(*(side.permute(0, 2, 3, 1).numpy() for side in batch[:2]))]
    pictures = [np.ascontiguousarray(side.transpose(2, 0, 1)[None], np.float32) for pair in pairs for side in pair]
    met = [joined(*network.encode(reference), *network.encode(photo)) for reference, photo in pairs]
    for file, name, tensors in zip(FILES, ("picture", "joined"), (pictures, met)):
        quantise(trained / file, out / file, name, tensors)
    small = Comparator(out)
    apart = [np.abs(network.probabilities(*pair) - small.probabilities(*pair)) for pair in pairs]
    print(f"{len(pairs)} pairs: a probability differs by {np.mean([d.mean() for d in apart]):.4f} on average, by {max(d.max() for d in apart):.3f} at most")


if __name__ == "__main__":
    main()
