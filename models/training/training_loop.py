"""What the two trainings share: arguments, rate, averaged weights, checkpoints and their log."""

import argparse
import json
import math
import os
import pathlib

import torch

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def arguments(steps, batch, rate, every, out="the ONNX file, rewritten at checkpoints"):
    """The arguments of every training, with the model's own defaults; the caller adds what is its own."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--npm", required=True, help="folder with node_modules of simple-icons and @iconify-json/logos")
    ask.add_argument("--work", required=True, help="checkpoints, log and logo cache")
    ask.add_argument("--out", required=True, help=out)
    ask.add_argument("--pictures", help="folder of pictures used as print and ground")
    ask.add_argument("--steps", type=int, default=steps)
    ask.add_argument("--minutes", type=float, default=1e9, help="end the schedule after this time even if steps are left")
    ask.add_argument("--batch", type=int, default=batch)
    ask.add_argument("--rate", type=float, default=rate)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--threads", type=int, default=2)
    ask.add_argument("--workers", type=int, default=1)
    ask.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32", help="bfloat16 pays only where the processor has it")
    ask.add_argument("--every", type=float, default=every, help="minutes between checkpoints")
    return ask


def cosine(step, progress, warm):
    """Share of the peak rate: a linear rise over `warm` steps, then half a cosine down to a fiftieth at progress 1."""
    return min(1, (step + 1) / warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))


def average(mean, net, decay):
    """Moves the averaged network towards the trained one."""
    with torch.no_grad():
        for slow, fast in zip(mean.state_dict().values(), net.state_dict().values()):
            slow.copy_(slow * decay + fast * (1 - decay) if slow.dtype.is_floating_point else fast)


def save(state, path):
    """Writes a checkpoint whole or not at all."""
    torch.save(state, str(path) + ".tmp")
    os.replace(str(path) + ".tmp", path)


def record(row, path):
    """Prints a checkpoint's figures and appends them to the log."""
    with open(pathlib.Path(path), "a") as log:
        log.write(json.dumps(row) + "\n")
    print(row, flush=True)
