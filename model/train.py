#!/usr/bin/env python3
"""Trains the plausibility model and writes model/weights.bin; prints cross-validated scores.

    model/train.py --data OUT/data --meta OUT/meta [--values dev-values.tsv] [--folds 5] [--write]

OUT is what CredData's assemble.py made of its development half. Every candidate that the engine finds in it is an
example: true where it overlaps a line labelled as a credential, false on every other line, labelled or not. With
--values, labelled values whose repositories OUT lacks are added. Folds are whole repositories. Needs numpy and scipy.
"""

import argparse, collections, csv, glob, hashlib, os, struct, subprocess, sys

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

HERE = os.path.dirname(os.path.abspath(__file__))
BITS = 17
IDENTIFIERS = {"UUID", "Nonce", "Salt", "AWS S3 Bucket", "Firebase Domain", "Tencent WeChat API App ID", "IPv4", "IPv6",
               "IPv4 Address", "IPv6 Address", "Azure Tenant ID", "Certificate", "Public Key", "Google OAuth Client ID",
               "Perm"}
# One repository with thousands of near copies must not drown the others.
REPO_CAP = 400


def candidates(*arguments):
    command = ["cargo", "run", "--release", "--quiet", "--example", "candidates", "--", *arguments]
    text = subprocess.run(command, cwd=os.path.join(HERE, ".."), capture_output=True, check=True).stdout.decode("utf-8", "replace")
    for line in text.splitlines():
        path, first, last, _, _, kind, value, content, of_path = line.split("\t")
        yield path, int(first), int(last), int(kind), value, content.split(), of_path.split()


def labels(data, meta):
    """For each file the labelled spans of lines: true, false, or None for identifiers that count neither way."""
    spans = collections.defaultdict(dict)
    for name in sorted(glob.glob(os.path.join(meta, "*.csv"))):
        for row in csv.DictReader(open(name)):
            path = row["FilePath"].split("data/", 1)[1]
            span = int(row["LineStart"]), int(row["LineEnd"])
            categories = set(row["Category"].split(":"))
            known = spans[path].setdefault(span, False)
            if row["GroundTruth"] == "T":
                spans[path][span] = known or (None if categories <= IDENTIFIERS else True)
    return spans


def examples(options):
    spans = labels(options.data, options.meta)
    found, seen = [], set()
    for path, first, last, kind, value, content, of_path in candidates(os.path.abspath(options.data)):
        over = [label for (start, end), label in spans.get(path, {}).items() if start <= last and first <= end]
        if path not in spans or any(label is None for label in over) and not any(over):
            continue
        label = any(over)
        repo = path.split("/")[0]
        found.append((repo, label, bool(over), kind, value, content, of_path, (path, first)))
        seen.add(repo)
    if options.values:
        rows = open(options.values).read().split("\n")
        taken = {}
        for path, _, _, kind, value, content, of_path in candidates("--values", os.path.abspath(options.values)):
            label, repo, _, categories, before, labelled, _ = rows[int(path)].split("\t")
            if repo in seen or set(categories.split(":")) <= IDENTIFIERS or labelled.encode("unicode_escape").decode()[:8] not in value:
                continue
            taken[path] = (repo, label == "1", True, kind, value, content, of_path, ("values", int(path)))
        found.extend(taken.values())
    return found


def matrix(found):
    indptr, indices = [0], []
    for it in found:
        indices.extend(map(int, it[5] + it[6]))
        indptr.append(len(indices))
    counts = csr_matrix((np.ones(len(indices), np.float64), indices, indptr), shape=(len(found), 1 << BITS))
    counts.sum_duplicates()
    return counts


def fit(x, y, weights, penalty):
    """Logistic regression; the penalty is on the square of the weights."""
    signs = 2.0 * y - 1.0
    xt = x.T.tocsr()

    def loss(theta):
        margin = signs * (x @ theta[:-1] + theta[-1])
        value = np.sum(weights * np.logaddexp(0, -margin)) + penalty / 2 * theta[:-1] @ theta[:-1]
        slope = -signs * weights / (1 + np.exp(np.clip(margin, -500, 500)))
        return value, np.append(xt @ slope + penalty * theta[:-1], slope.sum())

    start = np.zeros(x.shape[1] + 1)
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": options.iterations}).x


def sample_weights(found):
    per_repo = collections.Counter((it[0], it[1]) for it in found)
    return np.array([min(1.0, REPO_CAP / per_repo[it[0], it[1]]) * (1.0 if it[2] else options.unlabelled) for it in found])


def bands(found, scores):
    """Share of right candidates and recall among these, for thresholds on the score; places count once."""
    order = np.argsort(-scores)
    right = wrong = 0
    table, hit = [], set()
    total = len({it[7] for it in found if it[1]})
    for at in order:
        if found[at][7] not in hit:
            hit.add(found[at][7])
            right += found[at][1]
            wrong += not found[at][1]
        table.append((scores[at], right, wrong))
    return table, total


def report(found, scores):
    table, total = bands(found, scores)
    best = max(table, key=lambda it: 2 * it[1] / (it[1] + it[2] + total))
    print(f"  {len(found)} candidates, {total} true places; best F1 "
          f"{2 * best[1] / (best[1] + best[2] + total):.3f} at {best[0]:.2f} (P {best[1] / (best[1] + best[2]):.3f} R {best[1] / total:.3f})")
    for wanted in (0.97, 0.95, 0.93, 0.9, 0.88, 0.85, 0.8):
        at = max((it for it in table if it[1] >= wanted * (it[1] + it[2])), key=lambda it: it[1], default=None)
        if at:
            print(f"  precision {wanted}: recall {at[1] / total:.3f} at {at[0]:.2f}")


def main():
    found = examples(options)
    x, y, weights = matrix(found), np.array([it[1] for it in found], np.float64), sample_weights(found)
    if options.dump:
        import pickle
        pickle.dump((found, x, y), open(options.dump, "wb"))
    fold_of = np.array([int(hashlib.sha256(it[0].encode()).hexdigest(), 16) % options.folds for it in found])
    for penalty in options.penalty:
        scores = np.zeros(len(found))
        for fold in range(options.folds):
            rest = fold_of != fold
            theta = fit(x[rest], y[rest], weights[rest], penalty)
            scores[~rest] = x[~rest] @ theta[:-1] + theta[-1]
        print(f"penalty {penalty}, {options.folds} folds of whole repositories:")
        report(found, scores)
    if options.write:
        theta = fit(x, y, weights, options.penalty[-1])
        write(theta, found)


def write(theta, found):
    # One unit of the score is 1/32 of a logit; weights beyond four logits are clipped.
    scale = 32.0
    weights = np.clip(np.rint(theta[:-1] * scale), -127, 127).astype(np.int8)
    of_path = [sum(float(weights[int(number)]) for number in it[6]) for it in found]
    limit = int(np.percentile(np.abs(of_path), 99)) + 1
    low, medium, high = (round(value * scale) for value in options.thresholds)
    header = struct.pack("<5h", round(theta[-1] * scale), limit, low, medium, high)
    open(os.path.join(HERE, "weights.bin"), "wb").write(header + weights.tobytes())
    print(f"weights.bin: {np.count_nonzero(weights)} weights, path limit {limit / scale:.2f} logits")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--meta", required=True)
    parser.add_argument("--values")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=120)
    parser.add_argument("--penalty", type=float, nargs="+", default=[1.0])
    parser.add_argument("--unlabelled", type=float, default=1.0, help="weight of candidates on lines without a label")
    parser.add_argument("--thresholds", type=float, nargs=3, default=[-1.0, 0.0, 2.0], help="logits of low, medium, high")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--dump")
    options = parser.parse_args()
    main()
