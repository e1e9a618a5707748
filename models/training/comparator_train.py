"""Trains the mark comparator, exports it to ONNX (two files) and checks that the export answers as the trained network does.

    npm install --prefix WORK simple-icons @iconify-json/logos
    python comparator_train.py --npm WORK --work WORK --out FOLDER

Seeded; resumes from the last checkpoint in WORK; `--pictures` and `--aligned` (see comparator_align.py) are optional.
"""

import copy
import os
import pathlib
import random
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from comparator_data import REACH, SHAPES, Batches, Material
from comparator_net import Comparator, Decider, Encoder, mark_margin, start_from
from comparator_run import FILES, Comparator as Exported
from training_loop import DEVICE, arguments, average, cosine, record, save

WEIGHTS = torch.tensor([1.0, 2.0, 1.2])


def turned(batch, again):
    """The batch on the way into the network: colours stand for one another at times; one seen before also mirrored and in other light."""
    reference, photo, label, offset = batch
    reference, photo = reference.float(), photo.float()
    if torch.rand(()) < 0.3:
        turn = torch.randperm(3)
        reference, photo = reference[:, turn], photo[:, turn]
    if again:
        side, known = 2 * REACH + 1, offset < 255
        down, right = offset.long() // side, offset.long() % side
        for axis, chance in ((2, 0.3), (3, 0.4)):
            if torch.rand(()) < chance:
                reference, photo = reference.flip(axis), photo.flip(axis)
                label, known, down, right = (t.flip(axis - 1) for t in (label, known, down, right))
                down, right = (side - 1 - down, right) if axis == 2 else (down, side - 1 - right)
        offset = torch.where(known, down * side + right, 255)
        light = torch.randn(2, len(photo), 3, 1, 1, device=photo.device)
        photo = ((photo * (0.08 * light[0]).exp() + 5 * light[1]).clamp(0, 255) + 2 * torch.randn_like(photo)).clamp(0, 255)
    return reference, photo, label, offset


def loss_of(net, batch, dtype):
    """The loss of a batch from `turned`, and its parts."""
    reference, photo, label, offset = batch
    with torch.autocast(reference.device.type, dtype=dtype, enabled=dtype != torch.float32):
        logits, costs = net(reference, photo, with_costs=True)
    logits, costs, label = logits.float(), costs.float(), label.long()
    log_p = torch.log_softmax(logits, 1)
    known = label <= 2
    cell = F.nll_loss(log_p, torch.where(known, label, torch.full_like(label, -100)), weight=WEIGHTS.to(logits.device), ignore_index=-100)
    not_different = torch.log1p(-log_p[:, 1].exp().clamp(max=0.999))
    spared = -(not_different * (label == 3)).sum() / known.sum().clamp(min=1)
    flow = F.cross_entropy(costs, torch.where(offset < 255, offset, 0).long(), reduction="none")
    flow = (flow * (offset < 255)).sum() / (offset < 255).sum().clamp(min=1)
    found, unsure = (label == 1).flatten(1).sum(1), (label == 255).flatten(1).sum(1)
    clear = (found >= 2) | ((found == 0) & (unsure == 0))
    scale, shift = net.mark
    mark = F.binary_cross_entropy_with_logits(mark_margin(logits) * scale + shift, (found >= 2).float(), reduction="none")
    mark = (mark * clear).sum() / clear.sum().clamp(min=1)
    return cell + 0.5 * spared + 0.1 * flow + 0.15 * mark, {"cell": cell, "flow": flow, "mark": mark}


def replayed(batches, times, keep=32, seed=0):
    """Every batch `times` times, the first at once, the others among batches drawn from the last `keep`: `(batch, seen before)`."""
    kept, r = [], random.Random(seed)
    for batch in batches:
        yield batch, False
        if times > 1:
            kept.append([batch, times - 1])
        for _ in range(times - 1 if len(kept) >= keep else 0):
            entry = r.choice(kept)
            yield entry[0], True
            entry[1] -= 1
            if not entry[1]:
                kept[:] = [k for k in kept if k is not entry]


def validate(net, batches):
    """Figures on held-out fonts and logos: chance that an edited crop scores above an unedited one, share caught at 1 and 5 %."""
    net.eval()
    scores, truth, total, count = [], [], 0.0, 0
    device = net.heat.device
    with torch.no_grad():
        for reference, photo, label, _ in batches:
            logits = net(reference.to(device).float(), photo.to(device).float()).cpu()
            known = torch.where(label <= 2, label.long(), torch.full_like(label.long(), -100))
            total += F.cross_entropy(logits, known, weight=WEIGHTS, ignore_index=-100).item()
            count += 1
            p = logits.softmax(1)
            top = (p[:, 1] * (1 - p[:, 2])).flatten(1).topk(6, 1).values.mean(1)
            found = (label == 1).flatten(1).sum(1)
            clear = (found >= 2) | ((found == 0) & ((label == 255).flatten(1).sum(1) == 0))
            scores += top[clear].tolist()
            truth += (found[clear] >= 2).tolist()
    net.train()
    scores, truth = np.array(scores), np.array(truth)
    edited, plain = scores[truth], scores[~truth]
    order = (edited[:, None] > plain[None]).mean() + 0.5 * (edited[:, None] == plain[None]).mean()
    caught = [float((edited > np.quantile(plain, 1 - b)).mean()) for b in (0.01, 0.05)]
    return {"loss": total / count, "auc": float(order), "at1": caught[0], "at5": caught[1]}


def export(net, folder):
    """Writes the two ONNX files (dynamic height and width) and returns the largest difference to the network over several sizes."""
    net.eval()
    fresh = [f"fresh_{name}" for name in FILES]
    axes = {2: "height", 3: "width"}
    picture = torch.rand(1, 3, 64, 192) * 255
    decider = Decider(net)
    parts = [(Encoder(net), picture, ["picture"], ["keys", "values"]),
             (decider, torch.zeros(1, decider.meet[0].in_channels, 16, 48), ["joined"], ["logits"])]
    for name, (part, example, inputs, outputs) in zip(fresh, parts):
        torch.onnx.export(part.eval(), (example,), str(folder / name), input_names=inputs, output_names=outputs, opset_version=17,
                          dynamic_axes={tensor: axes for tensor in inputs + outputs}, dynamo=False)
    exported, worst, rng = Exported(folder, fresh), 0.0, np.random.RandomState(0)
    for h, w in [(64, 192), (32, 32), (48, 256), (256, 512), (432, 304), (112, 80)]:
        a = rng.uniform(0, 255, (h, w, 3)).astype(np.float32)
        b = np.clip(a + rng.normal(0, 20, a.shape), 0, 255).astype(np.float32)
        got = exported.logits(a, b)
        with torch.no_grad():
            want = net(*(torch.from_numpy(x).permute(2, 0, 1)[None] for x in (a, b)))[0].numpy()
        assert got.shape == (3, h // 8, w // 8), got.shape
        worst = max(worst, float(np.abs(got - want).max()))
    if worst > 1e-2:
        raise SystemExit(f"the export differs from the network by {worst}")
    for name, kept in zip(fresh, FILES):
        os.replace(folder / name, folder / kept)
    return worst


def main():
    ask = arguments(steps=9000, batch=32, rate=2e-3, every=4.0, out="folder of the two ONNX files, rewritten at checkpoints")
    ask.add_argument("--start", help="folder of an exported comparator to go on from")
    ask.add_argument("--aligned", help="folder made by comparator_align.py")
    ask.add_argument("--replays", type=int, default=1, help="times every pair is used, mirrored and in other light after the first")
    a = ask.parse_args()
    cv2.setNumThreads(1)  # its threads do not survive the fork of the workers
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    work = pathlib.Path(a.work)
    out = pathlib.Path(a.out)
    for folder in (work, out):
        folder.mkdir(parents=True, exist_ok=True)
    material = Material(a.npm, work, a.pictures, a.aligned)
    held_out = Material(a.npm, work, held_out=True)
    proof = [b for b in Batches(held_out, 32, 14, seed=999, shapes=SHAPES[:1])]
    net, mean = Comparator().to(DEVICE), Comparator().to(DEVICE)
    print("weights", sum(p.numel() for p in net.parameters()), flush=True)
    optimiser = torch.optim.AdamW(net.parameters(), a.rate, weight_decay=2e-3)
    if a.start:
        start_from(net.cpu(), a.start, [(b[0].float(), b[1].float()) for b in Batches(material, 16, 6, a.seed + 1)])
        net.to(DEVICE)
        print("start", validate(net, proof), flush=True)
    mean.load_state_dict(net.state_dict())
    step, spent, saved = 0, 0.0, work / "comparator.pt"
    if saved.exists():
        state = torch.load(saved, map_location=DEVICE)
        net.load_state_dict(state["net"]), mean.load_state_dict(state["mean"]), optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    data = Batches(material, a.batch, 10**7, a.seed)
    numbers = range(step // a.replays, 10**7)
    loader = torch.utils.data.DataLoader(data, batch_size=None, num_workers=a.workers, prefetch_factor=3, sampler=numbers)
    stream = replayed(([t.to(DEVICE) for t in batch] for batch in loader), a.replays, seed=a.seed)
    dtype, began, last, running = getattr(torch, a.dtype), time.time() - 60 * spent, time.time(), {}

    def done():
        return min(1.0, max(step / a.steps, (time.time() - began) / 60 / a.minutes))

    def checkpoint():
        spent = (time.time() - began) / 60
        save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent}, saved)
        row = {"step": step, "minutes": round(spent, 1), **{k: round(float(v), 4) for k, v in running.items()}, **{"val_" + k: round(v, 4) for k, v in validate(mean, proof).items()}}
        row["parity"] = export(copy.deepcopy(mean).cpu(), out)
        record(row, work / "log.jsonl")

    progress = done()
    while progress < 1:
        for group in optimiser.param_groups:
            group["lr"] = a.rate * cosine(step, progress, warm=200)
        loss, parts = loss_of(net, turned(*next(stream)), dtype)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        step += 1
        progress = done()
        average(mean, net, min(0.998, step / (step + 50)))
        for k, v in parts.items():
            running[k] = 0.98 * running.get(k, v.detach()) + 0.02 * v.detach()  # a number is fetched only when it is printed
        if step % 50 == 0:
            print(step, round((time.time() - began) / 60, 1), {k: round(float(v), 4) for k, v in running.items()}, flush=True)
        if time.time() - last > 60 * a.every or progress >= 1:
            checkpoint()
            last = time.time()


if __name__ == "__main__":
    main()
