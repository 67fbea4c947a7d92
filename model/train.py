#!/usr/bin/env python3
"""Trains the plausibility model and writes model/weights.bin; prints cross-validated scores.

    model/train.py --data OUT/data --meta OUT/meta [--values dev-values.tsv] [--folds 5] [--write]

OUT is what CredData's assemble.py made of its development half. Every candidate that the engine finds in it is an
example: true where it overlaps a line labelled as a credential, false on every other line, labelled or not. With
--values, labelled values whose repositories OUT lacks are added. Folds are whole repositories. Needs numpy and scipy.
"""

import argparse, collections, csv, glob, hashlib, os, struct, subprocess, sys, tempfile

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
    """For each file the labelled places: first and last line, the label (None for identifiers, which count neither way)
    and the value where it stands on one line."""
    places = collections.defaultdict(list)
    for name in sorted(glob.glob(os.path.join(meta, "*.csv"))):
        for row in csv.DictReader(open(name)):
            path = row["FilePath"].split("data/", 1)[1]
            first, last = int(row["LineStart"]), int(row["LineEnd"])
            label = row["GroundTruth"] == "T"
            if label and set(row["Category"].split(":")) <= IDENTIFIERS:
                label = None
            start, end = int(row["ValueStart"] or -1), int(row["ValueEnd"] or -1)
            places[path].append((first, last, label, (start, end) if first == last and 0 <= start < end else None))
    for path, list_ in places.items():
        lines = open(os.path.join(data, path), errors="replace").read().split("\n") if os.path.exists(os.path.join(data, path)) else []
        places[path] = [(first, last, label, lines[first - 1][span[0] : span[1]] if span and first <= len(lines) else None)
                        for first, last, label, span in list_]
    return places


def escaped(text):
    """As the engine prints values."""
    return "".join(chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\\"'" else "\\x%02x" % byte if byte >= 127 or byte < 32 else "\\" + chr(byte)
                   for byte in text.encode())


def same(value, labelled):
    return labelled is None or escaped(labelled) in value or value in escaped(labelled)


def examples(options):
    places = labels(options.data, options.meta)
    true_values = collections.defaultdict(set)
    for path, list_ in places.items():
        true_values[path.split("/")[0]] |= {escaped(value) for _, _, label, value in list_ if label and value}
    found, seen = [], set()
    for path, first, last, kind, value, content, of_path in candidates(os.path.abspath(options.data)):
        over = [it for it in places.get(path, []) if it[0] <= last and first <= it[1]]
        repo = path.split("/")[0]
        true = [it for it in over if it[2]]
        label = any(same(value, it[3]) for it in true)
        # Neither a right nor a wrong example: what stands beside a credential on its line, an identifier, and what is
        # labelled as a credential at another place.
        if path not in places or not label and (true or any(it[2] is None for it in over) or value in true_values[repo]):
            continue
        found.append((repo, label, bool(over), kind, value, content, of_path, (path, first)))
        seen.add(repo)
    if options.values:
        rows = open(options.values).read().split("\n")
        taken = {}
        for path, _, _, kind, value, content, of_path in candidates("--values", os.path.abspath(options.values)):
            label, repo, _, categories, _, labelled, _ = rows[int(path)].split("\t")
            if repo in seen or set(categories.split(":")) <= IDENTIFIERS or not same(value, labelled):
                continue
            taken[path] = (repo, label == "1", True, kind, value, content, of_path, ("values", int(path)))
        found.extend(taken.values())
    found.extend(synthetic(options.synthetic))
    return found


WORDS = """amber anchor autumn badger banana basket beacon birch bishop blossom breeze bridge bronze butter cactus camel
candle canyon castle cedar cherry circle cloud clover cobalt comet copper coral cotton cricket crystal dancer desert dragon
eagle ember falcon farmer feather fiddle forest galaxy garden ginger glacier granite hammer harbor hazel horizon hunter
indigo island jacket jasmine jungle kettle kitten ladder lantern lemon lizard maple marble meadow mirror monkey monster
mountain muffin nickel oasis ocean olive orange orchid otter oyster paddle panda pepper pigeon pilot pirate planet pocket
pumpkin purple puzzle rabbit raven ribbon river rocket saddle sailor salmon sapphire shadow silver spider spring squirrel
summer sunset tango thunder tiger timber tomato travel tulip turtle valley velvet violet walnut whisper willow window
winter wizard yellow zebra admin company coffee database deploy master money office oracle postgres production public
root secure server system welcome password secret login pass my real prod""".split()
CONTEXTS = """py|db_password = "@"
py|    'PASSWORD': '@',
py|connect(host, user="app", password="@")
yml|password: @
yml|  MYSQL_ROOT_PASSWORD: "@"
yml|      - POSTGRES_PASSWORD=@
json|  "password": "@",
json|{"user": "app", "password": "@"}
env|DB_PASSWORD=@
env|SMTP_PASS=@
ini|password = @
properties|spring.datasource.password=@
xml|<password>@</password>
xml|<add key="DbPassword" value="@"/>
java|private static final String PASSWORD = "@";
java|user.setPassword("@");
js|const dbPassword = '@';
js|  password: '@',
php|$db_pass = '@';
php|'password' => '@',
rb|password: "@"
go|Password: "@",
go|password := "@"
cs|string password = "@";
cs|"Server=db;User Id=sa;Password=@;"
sh|export PGPASSWORD='@'
sh|mysqldump --user=root --password=@ shop
tf|  password = "@"
md|Password: @
yml|username: admin, Password: @
txt|user=admin password=@
txt|pwd: @""".split("\n")
TOKENS = """py|SECRET_KEY = "@"
py|api_key = "@"
yml|  secret_key_base: @
yml|auth_token: "@"
env|JWT_SECRET=@
env|API_KEY=@
env|SESSION_SECRET=@
json|  "clientSecret": "@",
json|  "apiKey": "@",
properties|app.jwt.secret=@
js|const accessToken = '@';
java|String apiToken = "@";
go|token := "@"
php|'secret' => '@',
rb|  secret: "@"
xml|<secretKey>@</secretKey>
cs|private const string ApiKey = "@";
tf|  access_token = "@\"""".split("\n")


def chosen(random):
    """A password as a person would choose it. CredData's are scrambled, so that words in them would count as signs of none."""
    word = lambda: random.choice([str.lower, str.title, str.title])(random.choice(WORDS))
    digits = lambda low, high: "".join(random.choice("0123456789") for _ in range(random.randint(low, high)))
    letters = lambda low, high: "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.randint(low, high)))
    leet = lambda text: "".join({"a": "4", "e": "3", "o": "0", "i": "1", "s": "$"}.get(c, c) if random.random() < 0.5 else c for c in text)
    forms = [lambda: word() + digits(2, 4) + random.choice("!@#$%&*?."), lambda: word() + digits(3, 4),
             lambda: word() + word() + digits(1, 4), lambda: word() + random.choice("-_.@#") + word() + random.choice("-_.!") + digits(1, 3),
             lambda: leet(word()) + random.choice("-_@!") + leet(word()) + digits(1, 2), lambda: leet(word()) + digits(2, 4) + random.choice("!#"),
             lambda: word() + word() + word() + digits(2, 4), lambda: letters(4, 7).title() + digits(2, 4) + random.choice(["", "!", "#"]),
             lambda: word().lower() + word().lower() + digits(2, 4), lambda: "-".join(word().lower() for _ in range(4)),
             lambda: word() + random.choice("@!#") + digits(3, 4), lambda: digits(2, 4) + word() + random.choice("!$#") + word()]
    return random.choice(forms)()


def made(random):
    """A key as a machine makes it."""
    if random.random() < 0.15:
        return "-".join(random.choice(WORDS) for _ in range(random.randint(1, 3))) + random.choice(["-secret-key-", "-jwt-secret-", "_secret_"]) + str(random.randint(10, 2030))
    alphabet = random.choice(["0123456789abcdef", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
                              "abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"])
    length = random.choice([24, 32, 32, 36, 40, 43, 48, 64, 64, 128])
    return "".join(random.choice(alphabet) for _ in range(length))


def synthetic(count):
    """Made-up passwords and keys in common places, as twenty more repositories of credentials."""
    random = __import__("random").Random(1)
    rows = ["label\trepo\textension\tcategories\tbefore\tvalue\tafter"]
    for index in range(count):
        extension, text = random.choice(CONTEXTS if index % 3 else TOKENS).split("|", 1)
        before, after = text.split("@", 1)
        rows.append("\t".join(["1", f"synthetic-{index % 20}", "." + extension, "Password", before,
                               chosen(random) if index % 3 else made(random), after]))
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("\n".join(rows))
        file.flush()
        for path, _, _, kind, value, content, of_path in candidates("--values", file.name):
            _, repo, _, _, _, labelled, _ = rows[int(path)].split("\t")
            if same(value, labelled):
                yield (repo, True, True, kind, value, content, of_path, ("synthetic", int(path)))


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
    kind = lambda it: options.synthetic_weight if it[0].startswith("synthetic") else 1.0 if it[2] else options.unlabelled
    return np.array([min(1.0, REPO_CAP / per_repo[it[0], it[1]]) * kind(it) for it in found])


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
        is_made = np.array([it[0].startswith("synthetic") for it in found])
        report([it for it, made in zip(found, is_made) if not made], scores[~is_made])
        print(f"  made-up credentials above 0: {np.mean(scores[is_made] > 0):.3f}")
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
    header = struct.pack("<6h", round(theta[-1] * scale), limit, low, medium, high, round(np.mean(of_path)))
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
    parser.add_argument("--synthetic", type=int, default=2000, help="made-up credentials to add")
    parser.add_argument("--synthetic-weight", type=float, default=0.2)
    parser.add_argument("--thresholds", type=float, nargs=3, default=[-0.1, 0.2, 3.0], help="logits of low, medium, high")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--dump")
    options = parser.parse_args()
    main()
