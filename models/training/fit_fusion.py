"""Fits what `models/calibration.json` ships, from rows that `assay eval DIR --rows FILE` writes.

    python fit_fusion.py OUT.json ROWS.csv [ROWS.csv ...]

Only rows of split `calibration` are read. Presence (is it there at all): genuine claims against other products. Rivalry
(does another product fit better): genuine claims against siblings and other products. Marks, and apart from them odd places: genuine
claims against edited references; a photo's worst mark stands for it, so the fit alternates between choosing that mark and
fitting (multiple-instance learning). Both are logistic regressions with a ridge, classes weighted equally, signs held
to what they must mean; the marks' log-odds are then stretched onto the identity's scale. Default calibration scores: one per genuine calibration photo. Needs numpy only.
"""
import csv, hashlib, json, sys
import numpy as np

PRESENCE = ["log_inliers", "spread", "log_refined"]
RIVALRY = ["margin_inliers", "margin_refined", "margin_embedding", "lead_inliers", "lead_refined"]
MARK = ["difference", "text", "chroma", "unseen", "log_cells"]
MARK_SIGNS = np.array([-1, -1, -1, 1, 1])  # unseen marks excuse, and so does a large mark: the worst of more cells is worse


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


def lead(log_own, margin):
    """Own minus rival inliers in standard deviations of their sum (counts taken as Poisson)."""
    own, rival = np.expm1(log_own), np.expm1(log_own - margin)
    return (own - rival) / np.sqrt(own + rival + 1)


def complete(r):
    """Derives the leads for rows written before they were columns."""
    if not r.get("lead_inliers"):
        r["lead_inliers"] = lead(float(r["log_inliers"]), float(r["margin_inliers"]))
        refined = float(r["log_refined"]) if float(r["log_refined"]) or float(r["margin_refined"]) != float(r["margin_inliers"]) else float(r["log_inliers"])
        r["lead_refined"] = lead(refined, float(r["margin_refined"]))
    return r


def balanced(y):
    return np.where(y == 1, 0.5 / max(1, (y == 1).sum()), 0.5 / max(1, (y == 0).sum()))


def auc(pos, neg):
    pos, neg = np.asarray(pos), np.asarray(neg)
    return float(((pos[:, None] > neg[None]) + 0.5 * (pos[:, None] == neg[None])).mean()) if len(pos) and len(neg) else float("nan")


def seen(row, kind):
    """Inputs of the marks, or of the odd places, of a row."""
    numbers = [k for k in range(16) if row.get(f"{kind}{k}_difference")]
    return np.array([[float(row[f"{kind}{k}_{n}"]) for n in MARK] for k in numbers])


def fit_marks(rows, kind):
    data = [(seen(r, kind), 1.0 if r["group"] == "genuine" else 0.0) for r in rows if r["group"] == "genuine" or r["group"].startswith("edited")]
    data = [(m, y) for m, y in data if len(m)]
    if len({y for _, y in data}) < 2:
        return None
    w, b = np.array([-1.0, -2.0, -0.2, 0.1, 0.0]), 1.0
    y = np.array([t for _, t in data])
    for _ in range(6):
        x = np.array([m[np.argmin(m @ w + b)] for m, _ in data])
        w, b = logistic(x, y, balanced(y), signs=MARK_SIGNS)
    s = np.array([(m @ w + b).min() for m, _ in data])
    print(f"{kind}s: {int(y.sum())} genuine, {int((1 - y).sum())} edited, AUC {auc(s[y == 1], s[y == 0]):.3f}", dict(zip(MARK, w.round(3))), round(b, 3))
    return w, b


def on_one_scale(onto, own, model, low=0.01):
    """Stretches a model's log-odds so that genuine photos' low quantile and median (`own`) meet another question's
    (`onto`): the fused score takes the worst of all, and no question may use up the budget of false flags alone."""
    (a_low, a_mid), (b_low, b_mid) = (np.quantile(s, [low, 0.5], method="lower") for s in (onto, own))
    stretch = (a_mid - a_low) / (b_mid - b_low)
    return model[0] * stretch, model[1] * stretch + a_low - b_low * stretch


def column(rows, names):
    return np.array([[float(r[n]) for n in names] for r in rows])


def fit(rows, names, against):
    """A logistic model of genuine rows against those of the groups named, every weight held positive."""
    rows = [r for r in rows if r["group"] == "genuine" or r["group"] in against]
    x, y = column(rows, names), np.array([1.0 if r["group"] == "genuine" else 0.0 for r in rows])
    w, b = logistic(x, y, balanced(y), signs=np.ones(len(names)))
    s = x @ w + b
    print(names, w.round(3), round(b, 3), "AUC", round(auc(s[y == 1], s[y == 0]), 4))
    return w, b


def worst_of(r, models):
    """The log-odds of the worst mark or odd place of a row, or None when none was seen."""
    odds = [(m @ w + b).min() for kind, (w, b) in models.items() if len(m := seen(r, kind))]
    return float(min(odds)) if odds else None


def fused(r, presence, rivalry, models):
    """The worst of all questions, and the worst mark's log-odds or None."""
    s = min(float(column([r], n)[0] @ m[0] + m[1]) for n, m in ((PRESENCE, presence), (RIVALRY, rivalry)))
    worst = worst_of(r, models)
    return (s if worst is None else min(s, worst)), worst


def main():
    out, files = sys.argv[1], sys.argv[2:]
    tables = [[r for r in csv.DictReader(open(f)) if r["split"] == "calibration"] for f in files]
    tables = [[complete(r) for r in t if r["score"]] for t in tables]
    rows = [r for t in tables for r in t]
    genuine = [r for r in rows if r["group"] == "genuine"]
    rivalry = fit(rows, RIVALRY, ("sibling", "other"))
    presence = fit(rows, PRESENCE, ("other",))
    lowest = column(genuine, RIVALRY) @ rivalry[0] + rivalry[1]
    presence = on_one_scale(lowest, column(genuine, PRESENCE) @ presence[0] + presence[1], presence)
    old = json.load(open(out))
    models = {}
    for kind in ("mark", "place"):
        model = fit_marks(rows, kind) or (np.array(old[kind]["weights"]), old[kind]["intercept"])
        odds = [(m @ model[0] + model[1]).min() for m in (seen(r, kind) for r in genuine) if len(m)]
        models[kind] = on_one_scale(lowest, np.array(odds), model)
    scores, worst, done = [], [], set()
    for r in genuine:
        if (r["brand"], r["photo"]) not in done:
            done.add((r["brand"], r["photo"]))
            score, mark = fused(r, presence, rivalry, models)
            scores.append([r["item"], round(score, 4)])
            worst += [] if mark is None else [mark]
    thresholds = dict(old["thresholds"])
    if worst:
        thresholds["mark_different_below"] = round(float(np.quantile(worst, 0.05)), 4)
    model = lambda names, m: {"inputs": names, "weights": [round(float(v), 5) for v in m[0]], "intercept": round(float(m[1]), 5)}
    body = {
        "presence": model(PRESENCE, presence),
        "rivalry": model(RIVALRY, rivalry),
        **{kind: model(MARK, m) for kind, m in models.items()},
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
