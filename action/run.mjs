// Decides what to look at from the event, runs keysieve, and hands on what it found: annotations, a job summary, outputs.
// It has no dependencies, asks for nothing over the network and checks out nothing.
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const env = (name) => process.env[name]?.trim() ?? "";
const escaped = (text) => text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
const annotate = (level, text) => console.log(`::${level} title=keysieve::${escaped(text)}`);
const fail = (text) => {
  annotate("error", text);
  process.exit(2);
};

const keysieve = env("KEYSIEVE") || "keysieve";
const event = existsSync(env("GITHUB_EVENT_PATH")) ? JSON.parse(readFileSync(env("GITHUB_EVENT_PATH"), "utf8")) : {};
const isCommit = (id) => /^[0-9a-f]{40,64}$/.test(id ?? "") && !/^0+$/.test(id);
const git = (...args) => {
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : "";
};
const parent = (number) => git("rev-parse", "--verify", "--quiet", `HEAD^${number}^{commit}`);

/** What to run, and the depth of checkout that it needs where that is known. */
function task() {
  const mode = env("KEYSIEVE_MODE") || "auto";
  if (mode === "history") return { args: ["history"] };
  if (mode === "scan") return { args: ["scan", "--", ...(env("KEYSIEVE_PATHS") || ".").split("\n").map((it) => it.trim()).filter(Boolean)] };
  if (mode !== "auto" && mode !== "range") fail(`mode is "${mode}"; it is one of auto, range, history, scan`);
  if (env("KEYSIEVE_RANGE")) return range(env("KEYSIEVE_RANGE"));
  const name = env("GITHUB_EVENT_NAME");
  switch (name) {
    case "pull_request":
    case "pull_request_target": {
      const { base, head, commits } = event.pull_request ?? {};
      if (!isCommit(base?.sha) || !isCommit(head?.sha)) fail("the event names no base and head of the pull request");
      // actions/checkout has the merge of both: what it adds to the base is the pull request.
      if (parent(2) === head.sha) return range(`${parent(1)}..HEAD`);
      const depth = Number.isInteger(commits) ? commits + 2 : undefined;
      return range(`${base.sha}..${git("cat-file", "-t", head.sha) ? head.sha : "HEAD"}`, depth);
    }
    case "merge_group":
      return range(`${event.merge_group?.base_sha}..${event.merge_group?.head_sha}`);
    case "push": {
      if (event.deleted) return { args: null, note: "the push deletes a ref and brings no commit" };
      const head = isCommit(event.after) ? event.after : "HEAD";
      const depth = Array.isArray(event.commits) ? event.commits.length + 1 : undefined;
      if (isCommit(event.before) && !(event.forced && !git("cat-file", "-t", event.before))) return range(`${event.before}..${head}`, depth);
      // A new branch, or one whose former commits are gone: what the default branch does not have.
      const main = `refs/remotes/origin/${event.repository?.default_branch}`;
      if (git("rev-parse", "--verify", "--quiet", main) && git("rev-parse", main) !== git("rev-parse", head)) return range(`${main}..${head}`);
      return { args: ["history"], note: "there is no commit to compare with, so the whole history was looked at" };
    }
    default:
      if (mode === "range") fail(`the event ${name} has no range of its own; give one in "range"`);
      return { args: ["history"] };
  }
}

function range(text, depth) {
  return { args: ["range", text], depth };
}

const { args, depth, note } = task();
if (note) annotate("notice", note);
const work = mkdtempSync(join(env("RUNNER_TEMP") || tmpdir(), "keysieve-"));
const sarif = env("KEYSIEVE_SARIF") || "keysieve.sarif";
const output = (name, value) => {
  const end = randomUUID();
  if (env("GITHUB_OUTPUT")) appendFileSync(env("GITHUB_OUTPUT"), `${name}<<${end}\n${value}\n${end}\n`);
};
if (!args) {
  output("findings", 0);
  output("complete", true);
  process.exit(0);
}
const file = (name) => join(work, name);
const options = ["--no-progress", "--color", "never", "--format", env("KEYSIEVE_FORMAT") || "human"];
for (const [format, path] of [["sarif", sarif], ["json", file("report.json")], ["github", file("annotations")], ["markdown", file("summary.md")]]) {
  options.push("--report", `${format}=${path}`);
}
for (const [name, option] of [["KEYSIEVE_CONFIG", "--config"], ["KEYSIEVE_BASELINE", "--baseline"], ["KEYSIEVE_FAIL_ON", "--fail-on"]]) {
  if (env(name)) options.push(option, env(name));
}
if (env("KEYSIEVE_ALLOW_INCOMPLETE") === "true") options.push("--allow-incomplete");
const [command, ...rest] = args;
const { status, error, stdout, stderr } = spawnSync(keysieve, [command, ...options, ...rest], { encoding: "utf8", maxBuffer: 1 << 30 });
if (error) fail(`keysieve could not be started (${error.message})`);

// Whatever the log shows, no line of it is a command to the runner.
const token = randomUUID();
process.stdout.write(`::stop-commands::${token}\n${stdout}${stderr}\n::${token}::\n`);
if (!existsSync(file("report.json"))) fail(`keysieve ended with ${status} and wrote no report; its message stands above`);
const { findings, summary } = JSON.parse(readFileSync(file("report.json"), "utf8"));
process.stdout.write(readFileSync(file("annotations"), "utf8"));
if (env("GITHUB_STEP_SUMMARY")) appendFileSync(env("GITHUB_STEP_SUMMARY"), readFileSync(file("summary.md"), "utf8"));
if (!summary.complete && depth) {
  annotate("error", `this checkout does not reach the base; give actions/checkout "fetch-depth: ${depth}", or 0 for the whole history`);
}
output("findings", findings.length);
output("sarif", sarif);
output("complete", summary.complete);
process.exit(status ?? 2);
