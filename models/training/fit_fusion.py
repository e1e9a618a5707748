"""Fits what `models/calibration.json` ships, from rows that `assay eval DIR --fitting --rows FILE` writes.

    python fit_fusion.py OUT.json ROWS.csv [ROWS.csv ...]
    python fit_fusion.py --marks-only OUT.json ROWS.csv
    python fit_fusion.py [--marks-only] OUT.json ROWS.csv --widen WIDE.csv [WIDE.csv ...]

Rows given with `--widen` (photos in the forms that sellers send, see widen_calibration.py) are scored and fit nothing. The second form keeps presence, rivalry and the scores of all items that are not in the rows, as when only what looks at marks changed.

Only rows of split `calibration` are read. Presence (is it there at all): genuine claims against other products. Rivalry
(does another product fit better): genuine claims against siblings and other products. Both are logistic regressions with a ridge, classes
weighted equally, signs held to what they must mean. Marks: genuine claims against edited references; a photo's worst mark stands for it
(multiple-instance learning), and since a threshold lies among the strangest genuine photos, the fit ranks edits below those first of all (the
p-norm push of Rudin, JMLR 10, 2009). The marks' scores are then stretched onto the identity's scale. Default calibration scores: one per genuine
calibration photo, each by models fitted without its brand (cross-conformal prediction: Vovk, 2015), since photos that shaped the fit look less
strange than new ones. Needs numpy only.
"""
import argparse, contextlib, csv, hashlib, json
import numpy as np

PRESENCE = ["log_inliers", "spread", "log_refined"]
RIVALRY = ["margin_inliers", "margin_refined", "margin_embedding", "lead_inliers", "lead_refined"]
MARK = ["difference", "text", "turn"]
PUSH = 4
ABSENT = -60.0  # the score of a photo that is of another product
FOLDS = 9  # parts of the brands, each scored by what was learnt on the others


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


def seen(row):
    """Inputs of the marks of a row."""
    numbers = [k for k in range(32) if row.get(f"mark{k}_difference")]
    return np.array([[float(row[f"mark{k}_{n}"]) for n in MARK] for k in numbers])


def fit_marks(rows):
    """Weights of the marks' inputs, or None without edited claims. Kinds of edits weigh the same."""
    rows = [(seen(r), r["group"]) for r in rows if r["group"] == "genuine" or r["group"].startswith("edited")]
    rows = [(m, group) for m, group in rows if len(m)]
    groups = np.array([group for _, group in rows])
    genuine = groups == "genuine"
    if genuine.all():
        return None
    share = np.array([1 / (groups == g).sum() for g in groups[~genuine]])
    share /= share.sum()
    scale = np.concatenate([m for m, _ in rows]).std(0) + 1e-6
    v = -scale / scale[0]
    # Rows with fewer marks repeat their first, which changes no minimum.
    most = max(len(m) for m, _ in rows)
    marks = np.stack([np.concatenate([m, np.repeat(m[:1], most - len(m), 0)]) for m, _ in rows])
    every = np.arange(len(rows))
    for step in range(4000):
        w = v / scale
        x = marks[every, np.argmin(marks @ w, 1)]
        s = x @ w
        above = s[~genuine][:, None] - s[genuine][None]
        loss = (share[:, None] * np.logaddexp(0, above)).sum(0)
        push = loss ** (PUSH - 1) / (loss**PUSH).mean() ** (1 - 1 / PUSH) / len(loss)
        pull = share[:, None] / (1 + np.exp(-above)) * push[None]
        g = (pull.sum(1) @ x[~genuine] - pull.sum(0) @ x[genuine]) * scale + 0.001 * v
        v = v - g / (1 + step / 200)
        v = np.minimum(v, 0)
    s = np.array([(m @ (v / scale)).min() for m, _ in rows])
    print(f"marks: {genuine.sum()} genuine, {(~genuine).sum()} edited, AUC {auc(s[genuine], s[~genuine]):.3f}", dict(zip(MARK, (v / scale).round(3))))
    worst = np.sort(s[genuine])
    for g in sorted(set(groups) - {"genuine"}):
        print(f"  {g}: below the strangest, second, fourth genuine photo:", [round(float((s[groups == g] < worst[k]).mean()), 2) for k in (0, 1, 3)])
    return v / scale, 0.0


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


def worst_of(r, mark):
    """The score of the worst mark of a row, or None when none was seen."""
    m = seen(r)
    return float((m @ mark[0] + mark[1]).min()) if len(m) else None


def asked(r, models):
    """The score of each question that a photo answers: is it the product; its worst mark or place; and the worst of the reference's marks alone,
    as of an owner who names some, where the photo points to no place. Marks of an article that something hides, or without colour, are told apart."""
    presence, rivalry, mark = models
    told = {"identity": min(float(column([r], n)[0] @ m[0] + m[1]) for n, m in ((PRESENCE, presence), (RIVALRY, rivalry)))}
    odds = seen(r)
    if len(odds):
        odds = odds @ mark[0] + mark[1]
        seen_as = ", obscured" if float(r.get("obscured") or 0) else ""
        told["marks" + seen_as] = float(odds.min())
        if own := len(odds) - int(float(r.get("pointed") or 0)):
            told["named" + seen_as] = float(odds[:own].min())
    return told


def fit_all(rows, old, kept=None):
    """Presence, rivalry and marks on one scale. The `old` marks serve when no row claims an edited reference; with `kept` scores of other
    items presence and rivalry stay the old ones, and their scale is that of those scores and of the rows."""
    genuine = [r for r in rows if r["group"] == "genuine"]
    if kept is None:
        rivalry = fit(rows, RIVALRY, ("sibling", "other"))
        presence = fit(rows, PRESENCE, ("other",))
        lowest = column(genuine, RIVALRY) @ rivalry[0] + rivalry[1]
        presence = on_one_scale(lowest, column(genuine, PRESENCE) @ presence[0] + presence[1], presence)
    else:
        presence, rivalry = old[:2]
        lowest = np.concatenate([column(genuine, RIVALRY) @ rivalry[0] + rivalry[1], kept])
    mark = fit_marks(rows) or old[2]
    odds = [o for o in (worst_of(r, mark) for r in genuine) if o is not None]
    return presence, rivalry, on_one_scale(lowest, np.array(odds), mark)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("out", help="the calibration file, rewritten")
    ask.add_argument("rows", nargs="+", help="what `assay eval DIR --fitting --rows FILE` wrote")
    ask.add_argument("--widen", nargs="*", default=[], help="rows of further genuine photos, scored only")
    ask.add_argument("--marks-only", action="store_true", help="keep presence, rivalry and the scores of other items")
    a = ask.parse_args()
    out, marks_only = a.out, a.marks_only
    read = lambda files: [complete(r) for f in files for r in csv.DictReader(open(f)) if r["split"] == "calibration" and r["score"]]
    # A photo that is taken for one of another product has no inputs to fit: it keeps its score, the least there is.
    everything = read(a.rows)
    rows = [r for r in everything if float(r["score"]) > ABSENT]
    scored = everything + read(a.widen)
    old = json.load(open(out))
    before = tuple((np.array(old[name]["weights"]), old[name]["intercept"]) for name in ("presence", "rivalry", "mark"))
    items = {r["item"] for r in rows}
    # A widened item has several scores, of which those of before are of another build.
    scores = [s for s in old["scores"] if s[0] not in items] if marks_only else []
    kept = np.array([s[3] for s in scores if s[2] == "identity" and s[3] > ABSENT]) if marks_only else None
    presence, rivalry, mark = fit_all(rows, before, kept)
    brands = sorted({r["brand"] for r in scored})
    worst, done = [], set()
    for fold in range(FOLDS):
        held_out = set(brands[fold::FOLDS])
        with contextlib.redirect_stdout(None):
            models = fit_all([r for r in rows if r["brand"] not in held_out], before, kept)
        for r in scored:
            if r["group"] == "genuine" and r["brand"] in held_out and (r["brand"], r["photo"]) not in done:
                done.add((r["brand"], r["photo"]))
                told = asked(r, models) if float(r["score"]) > ABSENT else {"identity": ABSENT}
                scores += [[r["item"], f"{r['brand']}/{r['product']}", question, round(score, 4)] for question, score in told.items()]
                worst += [s for question, s in told.items() if question.startswith("marks")]
    thresholds = dict(old["thresholds"])
    if worst:
        thresholds["mark_different_below"] = round(float(np.quantile(worst, 0.05)), 4)
    model = lambda names, m: {"inputs": names, "weights": [round(float(v), 5) for v in m[0]], "intercept": round(float(m[1]), 5)}
    body = {
        "presence": model(PRESENCE, presence),
        "rivalry": model(RIVALRY, rivalry),
        "mark": model(MARK, mark),
        "thresholds": thresholds,
        "scores": sorted(scores),
    }
    body = {"id": "default-" + hashlib.sha256(json.dumps(body).encode()).hexdigest()[:12], "made_from": old["made_from"], **body}
    text = json.dumps({k: v for k, v in body.items() if k != "scores"}, indent=1)
    lines = ",\n  ".join(json.dumps(s) for s in body["scores"])
    open(out, "w").write(text[: text.rindex("}")].rstrip() + ',\n "scores": [\n  ' + lines + "\n ]\n}\n")
    print("wrote", out, len(scores), "scores,", len({s[0] for s in scores}), "items; 1 %", np.quantile([s[3] for s in scores], 0.01))


if __name__ == "__main__":
    main()
