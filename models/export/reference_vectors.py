"""Makes the vectors in tests/fixtures/vectors: what each model gives for a picture drawn here, computed with Python.

The Rust tests (tests/it/inference.rs) feed the same picture through the product and compare, which proves that the
preprocessing and post-processing there equal the code that the models' measured quality comes from. Run it again for a
model whose file changed:

    pip install onnxruntime==1.32.0 numpy opencv-python-headless pyclipper
    python models/export/reference_vectors.py [xfeat] [embedder] [comparator] [logos] [text]
"""
import argparse
import hashlib
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "tests/fixtures/vectors"
TEXT_MODELS = ROOT / ".fetched/pp-ocr-det-v4-rec-v6"


def picture():
    """A small pack, RGB uint8 96x160: two lines of text, a logo, a gradient and some texture."""
    y, x = np.mgrid[0:96, 0:160]
    base = np.stack([60 + x * 0.5, 110 + y * 0.9, 150 - x * 0.3], 2)
    base += 6 * np.sin(x * 0.9 + y * 0.35)[..., None]
    rgb = np.clip(base, 0, 255).astype(np.uint8)
    cv2.rectangle(rgb, (6, 8), (153, 44), (250, 246, 235), -1)
    cv2.putText(rgb, "OAT DRINK", (12, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 40, 90), 2, cv2.LINE_AA)
    cv2.circle(rgb, (34, 70), 18, (230, 70, 40), -1, cv2.LINE_AA)
    cv2.ellipse(rgb, (34, 70), (10, 5), 30, 0, 360, (255, 230, 90), -1, cv2.LINE_AA)
    cv2.putText(rgb, "fresh 2%", (66, 78), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return rgb


def load(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session, hashlib.sha256(Path(path).read_bytes()).hexdigest()


def rounded(array, digits=5):
    return np.round(np.asarray(array, np.float64), digits).tolist()


def write(name, content):
    (OUT / f"{name}.json").write_text(json.dumps(content) + "\n")
    print("wrote", name)


# --- XFeat -----------------------------------------------------------------------------------------------------------

def sample(maps, x, y, width, height):
    """Bilinear samples of C x h x w `maps` at frame coordinates, as the method's own interpolation does."""
    _, rows, columns = maps.shape
    fx = np.clip(x / (width - 1) * columns - 0.5, 0, columns - 1)
    fy = np.clip(y / (height - 1) * rows - 0.5, 0, rows - 1)
    x0, y0 = np.floor(fx).astype(int), np.floor(fy).astype(int)
    x1, y1 = np.minimum(x0 + 1, columns - 1), np.minimum(y0 + 1, rows - 1)
    a, b = fx - x0, fy - y0
    return (maps[:, y0, x0] * (1 - a) * (1 - b) + maps[:, y0, x1] * a * (1 - b)
            + maps[:, y1, x0] * (1 - a) * b + maps[:, y1, x1] * a * b).T


def xfeat(rgb, top=120, described=8):
    session, sha256 = load(ROOT / "models/xfeat_dense.onnx")
    grey = rgb.mean(2).astype(np.float32)[None, None]
    feats, heat, rel = session.run(["feats", "heat", "rel"], {"gray": grey})
    heat = heat[0, 0]
    height, width = heat.shape
    highest = cv2.dilate(heat, np.ones((5, 5), np.uint8))
    ys, xs = np.where((heat == highest) & (heat > 0.05))
    scores = heat[ys, xs] * sample(rel[0], xs, ys, width, height)[:, 0]
    order = np.argsort(-scores, kind="stable")[:top]
    xs, ys, scores = xs[order], ys[order], scores[order]
    descriptors = sample(feats[0], xs[:described], ys[:described], width, height)
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True) + 1e-9
    write("xfeat", {"sha256": sha256, "top": top, "x": xs.tolist(), "y": ys.tolist(), "score": rounded(scores),
                    "descriptors": rounded(descriptors)})


# --- Embedder --------------------------------------------------------------------------------------------------------

def embedder(rgb, every=10):
    session, sha256 = load(ROOT / "models/embedder.onnx")
    square = np.tile(rgb, (3, 2, 1))[:224, :224]
    tensor = (square.astype(np.float32) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    values = session.run(["embedding"], {"image": tensor.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
    unit = values / np.linalg.norm(values)
    write("embedder", {"sha256": sha256, "dimensions": len(unit), "every": every, "values": rounded(unit[::every], 6)})


# --- Comparator ------------------------------------------------------------------------------------------------------

def comparator(rgb):
    sys.path.insert(0, str(ROOT / "models/training"))
    from comparator_run import FILES, Comparator

    reference, photo = rgb[0:64, 0:128], rgb[1:65, 2:130].copy()
    photo[14:34, 60:90] = photo[14:34, 16:46]  # one letter put over another
    probabilities = Comparator(ROOT / "models").probabilities(reference, photo).transpose(1, 2, 0)
    encoder, decider = (hashlib.sha256((ROOT / "models" / name).read_bytes()).hexdigest() for name in FILES)
    write("comparator", {"encoder_sha256": encoder, "sha256": decider, "rows": probabilities.shape[0], "columns": probabilities.shape[1],
                         "probabilities": rounded(probabilities.reshape(-1, 3))})


# --- Logos -----------------------------------------------------------------------------------------------------------

def logos(rgb):
    session, sha256 = load(ROOT / "models/logo_encoder.onnx")
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    image = ((rgb.astype(np.float32) / 255 - mean) / deviation).transpose(2, 0, 1)[None]
    vectors, boxes, parts = (maps[0] for maps in session.run(None, {"image": np.ascontiguousarray(image)}))
    rows, columns = vectors.shape[1:]
    row, column = rows // 2, columns // 2
    write("logos", {"sha256": sha256, "rows": rows, "columns": columns, "row": row, "column": column,
                    "vector": rounded(vectors[:, row, column]), "box": rounded(boxes[:, row, column]),
                    "parts": rounded(parts[:, 2 * row, 2 * column])})


# --- Text ------------------------------------------------------------------------------------------------------------

def detect(session, rgb, side=736, threshold=0.3, min_score=0.5, unclip=1.6):
    import pyclipper

    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    h, w = (max(32, int(round(v * scale / 32)) * 32) for v in (height, width))
    tensor = (cv2.resize(rgb, (w, h))[:, :, ::-1].astype(np.float32) / 255 - 0.5) / 0.5
    map_ = session.run(None, {"x": tensor.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    mask = cv2.dilate((map_ > threshold).astype(np.uint8), np.ones((2, 2), np.uint8))
    found = []
    for contour in cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        rectangle = cv2.minAreaRect(contour)
        a, b = rectangle[1]
        if min(a, b) < 3:
            continue
        corners = cv2.boxPoints(rectangle)
        inside = np.zeros(map_.shape, np.uint8)
        cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
        if map_[inside > 0].mean() < min_score:
            continue
        offset = pyclipper.PyclipperOffset()
        offset.AddPath(corners.astype(np.int64).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        grown = offset.Execute(float(a * b * unclip / (2 * (a + b))))
        rectangle = cv2.minAreaRect(np.array(grown[0], np.float32))
        if min(rectangle[1]) < 5:
            continue
        corners = cv2.boxPoints(rectangle)
        by_x = corners[np.argsort(corners[:, 0])]
        left, right = by_x[:2][np.argsort(by_x[:2, 1])], by_x[2:][np.argsort(by_x[2:, 1])]
        found.append(np.float32([left[0], right[0], right[1], left[1]]) * [width / w, height / h])
    return sorted(found, key=lambda c: c[:, 1].mean())


def cut(rgb, corners, height=48):
    long = max(np.linalg.norm(corners[0] - corners[1]), np.linalg.norm(corners[2] - corners[3]))
    high = max(np.linalg.norm(corners[0] - corners[3]), np.linalg.norm(corners[1] - corners[2]))
    width = int(np.clip(round(long / high * height), 16, 640))
    target = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    warp = cv2.getPerspectiveTransform(np.float32(corners), target)
    return cv2.warpPerspective(rgb, warp, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def recognise(session, line):
    characters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    characters = [""] + characters + [" "]
    tensor = np.zeros((1, 3, 48, max(64, line.shape[1])), np.float32)
    tensor[0, :, :, :line.shape[1]] = ((line[:, :, ::-1].astype(np.float32) / 255 - 0.5) / 0.5).transpose(2, 0, 1)
    scores = session.run(None, {"x": tensor})[0][0]
    assert scores.shape[1] == len(characters)
    best, text, sure = scores.argmax(1), "", []
    for step, k in enumerate(best):
        if k != 0 and (step == 0 or k != best[step - 1]):
            text += characters[k]
            sure.append(scores[step, k])
    return {"text": text, "confidence": round(float(np.mean(sure)) if sure else 0.0, 5)}


def text(rgb):
    detector, detector_sha256 = load(TEXT_MODELS / "det.onnx")
    recogniser, recogniser_sha256 = load(TEXT_MODELS / "rec.onnx")
    found = detect(detector, rgb)
    ready = np.tile(rgb, (1, 1, 1))[2:50, 6:154]  # 48 px high already: read without any resizing
    write("text", {"detector_sha256": detector_sha256, "recogniser_sha256": recogniser_sha256,
                   "corners": [rounded(c, 2) for c in found],
                   "readings": [recognise(recogniser, cut(rgb, c)) for c in found],
                   "ready": recognise(recogniser, ready)})


MAKERS = {"xfeat": xfeat, "embedder": embedder, "comparator": comparator, "logos": logos, "text": text}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MAKERS), help=f"of {', '.join(MAKERS)}; all when none is named")
    chosen = parser.parse_args().models
    OUT.mkdir(parents=True, exist_ok=True)
    rgb = picture()
    cv2.imwrite(str(OUT / "picture.png"), rgb[:, :, ::-1])
    for name in chosen:
        MAKERS[name](rgb)
