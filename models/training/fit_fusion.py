"""Fits what `models/calibration.json` ships, from rows that `assay eval DIR --rows FILE` writes.

    python fit_fusion.py OUT.json ROWS.csv [ROWS.csv ...]

Only rows of split `calibration` are read. Identity: genuine claims against siblings and other products. Marks: genuine
claims against edited references; a photo's worst mark stands for it, so the fit alternates between choosing that mark and
fitting (multiple-instance learning). Both are logistic regressions with a ridge, classes weighted equally, signs held
to what they must mean; the marks' log-odds are then stretched onto the identity's scale. Default calibration scores: one per genuine calibration photo. Needs numpy only.
"""
import csv, hashlib, json, sys
import numpy as np

IDENTITY = ["log_inliers", "inlier_ratio", "spread", "log_refined", "embedding", "margin_inliers", "margin_refined", "margin_embedding"]
MARK = ["difference", "text", "chroma", "unseen"]
MARK_SIGNS = np.array([-1, -1, -1, 1])  # unseen marks excuse


def logistic(x, y, weight, ridge=1.0, signs=None, rounds=3000):
    """Weighted, ridged logistic regression by projected gradient descent on standardised inputs; y is 1 for genuine."""
    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = (x - mean) / scale
    w, b = np.zeros(x.shape[1]), 0.0
    lipschitz = 0.25 * (z * z).sum(1).mean() + 0.5
    weight = weight / weight.sum()
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-np.clip(z @ w + b, -30, 30)))
        g = weight * (p - y)
        w -= (z.T @ g + ridge / len(y) * w) / lipschitz * 2
        b -= g.sum() / lipschitz * 2
        if signs is not None:
            w = np.where(w * signs < 0, 0, w)
    return w / scale, b - (w / scale) @ mean


def balanced(y):
    return np.where(y == 1, 0.5 / max(1, (y == 1).sum()), 0.5 / max(1, (y == 0).sum()))


def auc(pos, neg):
    pos, neg = np.asarray(pos), np.asarray(neg)
    return float(((pos[:, None] > neg[None]) + 0.5 * (pos[:, None] == neg[None])).mean()) if len(pos) and len(neg) else float("nan")


def marks_of(row):
    out = []
    for k in range(8):
        if row.get(f"mark{k}_difference"):
            out.append([float(row[f"mark{k}_{n}"]) for n in MARK])
    return np.array(out)


def fit_marks(rows):
    data = [(marks_of(r), 1.0 if r["group"] == "genuine" else 0.0) for r in rows if r["group"] == "genuine" or r["group"].startswith("edited")]
    data = [(m, y) for m, y in data if len(m)]
    if len({y for _, y in data}) < 2:
        return None
    w, b = np.array([-1.0, -2.0, -0.2, 0.1]), 1.0
    y = np.array([t for _, t in data])
    for _ in range(6):
        x = np.array([m[np.argmin(m @ w + b)] for m, _ in data])
        w, b = logistic(x, y, balanced(y), signs=MARK_SIGNS)
    s = np.array([(m @ w + b).min() for m, _ in data])
    print(f"marks: {int(y.sum())} genuine, {int((1 - y).sum())} edited, AUC {auc(s[y == 1], s[y == 0]):.3f}", dict(zip(MARK, w.round(3))), round(b, 3))
    return w, b


def on_one_scale(rows, identity, marks, low=0.01):
    """Stretches the marks' log-odds so that genuine photos' low quantile and median meet those of the identity's: the
    fused score takes the worse of both, and neither question may use up the budget of false flags alone."""
    genuine = [r for r in rows if r["group"] == "genuine"]
    own = np.array([np.array([float(r[n]) for n in IDENTITY]) @ identity[0] + identity[1] for r in genuine])
    worst = np.array([(m @ marks[0] + marks[1]).min() for m in map(marks_of, genuine) if len(m)])
    (a_low, a_mid), (b_low, b_mid) = (np.quantile(s, [low, 0.5], method="lower") for s in (own, worst))
    stretch = (a_mid - a_low) / (b_mid - b_low)
    return marks[0] * stretch, marks[1] * stretch + a_low - b_low * stretch


def main():
    out, files = sys.argv[1], sys.argv[2:]
    tables = [[r for r in csv.DictReader(open(f)) if r["split"] == "calibration"] for f in files]
    rows = [r for t in tables for r in t if r["score"]]
    ident = [r for r in rows if not r["group"].startswith("edited")]
    x = np.array([[float(r[n]) for n in IDENTITY] for r in ident])
    y = np.array([1.0 if r["group"] == "genuine" else 0.0 for r in ident])
    signs = np.ones(len(IDENTITY))
    w, b = logistic(x, y, balanced(y), signs=signs)
    for t, f in zip(tables, files):
        s = {g: [float(np.array([float(r[n]) for n in IDENTITY]) @ w + b) for r in t if r["score"] and r["group"] == g] for g in ("genuine", "sibling", "other")}
        print(f, {g: (len(v), round(auc(s["genuine"], v), 4)) for g, v in s.items() if g != "genuine"})
    print("identity", dict(zip(IDENTITY, w.round(3))), round(b, 3))
    old = json.load(open(out))
    marks = fit_marks(rows)
    mw, mb = marks if marks else (np.array(old["mark"]["weights"]), old["mark"]["intercept"])
    mw, mb = on_one_scale(rows, (w, b), (mw, mb))
    scores, worst = [], []
    seen = set()
    for r in rows:
        if r["group"] != "genuine" or (r["brand"], r["photo"]) in seen:
            continue
        seen.add((r["brand"], r["photo"]))
        s = float(np.array([float(r[n]) for n in IDENTITY]) @ w + b)
        m = marks_of(r)
        if len(m):
            worst.append(float((m @ mw + mb).min()))
            s = min(s, worst[-1])
        scores.append([r["item"], round(s, 4)])
    thresholds = dict(old["thresholds"])
    if worst:
        thresholds["mark_different_below"] = round(float(np.quantile(worst, 0.05)), 4)
    body = {
        "identity": {"inputs": IDENTITY, "weights": [round(float(v), 5) for v in w], "intercept": round(float(b), 5)},
        "mark": {"inputs": MARK, "weights": [round(float(v), 5) for v in mw], "intercept": round(float(mb), 5)},
        "thresholds": thresholds,
        "scores": sorted(scores),
    }
    body = {"id": "default-" + hashlib.sha256(json.dumps(body).encode()).hexdigest()[:12], "made_from": old["made_from"], **body}
    text = json.dumps({k: v for k, v in body.items() if k != "scores"}, indent=1)
    lines = ",\n  ".join(json.dumps(s) for s in body["scores"])
    open(out, "w").write(text[: text.rindex("}")].rstrip() + ',\n "scores": [\n  ' + lines + "\n ]\n}\n")
    print("wrote", out, len(scores), "scores,", len({s[0] for s in scores}), "items; 1 %", np.quantile([s[1] for s in scores], 0.01))


if __name__ == "__main__":
    main()
