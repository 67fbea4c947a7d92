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
const allowsIncomplete = env("KEYSIEVE_ALLOW_INCOMPLETE") === "true";
const event = payload();
const isCommit = (id) => /^[0-9a-f]{40,64}$/.test(id ?? "") && !/^0+$/.test(id);
const short = (id) => id.slice(0, 12);
// What is not in the clone is not asked of anybody.
const run = (...args) => spawnSync("git", args, { encoding: "utf8", env: { ...process.env, GIT_NO_LAZY_FETCH: "1" } });
const git = (...args) => {
  const { status, stdout } = run(...args);
  return status === 0 ? stdout.trim() : "";
};
const isHere = (id) => run("cat-file", "-e", id).status === 0;
const commitOf = (name) => git("rev-parse", "--verify", "--quiet", `${name}^{commit}`);
const isAncestor = (id, of) => run("merge-base", "--is-ancestor", id, of).status === 0;

function payload() {
  const path = env("GITHUB_EVENT_PATH");
  try {
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  } catch (error) {
    return fail(`the event in ${path} cannot be read (${error.message})`);
  }
}

function output(name, value) {
  const end = randomUUID();
  if (env("GITHUB_OUTPUT")) appendFileSync(env("GITHUB_OUTPUT"), `${name}<<${end}\n${value}\n${end}\n`);
}

/** Ends before anything was looked at: what the event brings is not here, and nothing else stands for it. */
function incomplete(text) {
  annotate(allowsIncomplete ? "warning" : "error", text);
  output("findings", 0);
  output("complete", false);
  process.exit(allowsIncomplete ? 0 : 3);
}

/** The object `id`, which has to be in the clone. */
function here(id, what, advice) {
  if (!isHere(id)) incomplete(`${what} (${short(id)}) is not in this checkout, so nothing of it was looked at; ${advice}`);
  return id;
}

/**
 * What to run; the depth of checkout that it needs, where that is known; how many commits the event tells of, of which the
 * range must not be empty; and what to say of it.
 */
function task() {
  const mode = env("KEYSIEVE_MODE") || "auto";
  if (mode === "history") return { args: ["history"] };
  if (mode === "scan") return { args: ["scan", "--", ...(env("KEYSIEVE_PATHS") || ".").split("\n").map((it) => it.trim()).filter(Boolean)] };
  if (mode !== "auto" && mode !== "range") fail(`mode is "${mode}"; it is one of auto, range, history, scan`);
  if (env("KEYSIEVE_RANGE")) return { args: ["range", "--", env("KEYSIEVE_RANGE")] };
  const { status, stderr } = run("rev-parse", "--git-dir");
  if (status !== 0) fail(`there is no repository here that git reads; check it out first (${stderr?.trim() || "git could not be started"})`);
  const name = env("GITHUB_EVENT_NAME");
  switch (name) {
    case "pull_request":
    case "pull_request_target":
    case "pull_request_review":
    case "pull_request_review_comment":
      return ofPullRequest(event.pull_request ?? {});
    case "merge_group": {
      const { base_sha: base, head_sha: head } = event.merge_group ?? {};
      if (!isCommit(base) || !isCommit(head)) fail("the event names no base and head of the merge group");
      return between(base, here(head, "the merge group's head", 'give actions/checkout "fetch-depth: 0"'), 1);
    }
    case "push":
      return ofPush();
    case "workflow_run":
      if (mode === "range") break;
      // The checkout of such a run is the default branch, whatever branch it is about.
      if (isCommit(event.workflow_run?.head_sha)) {
        here(event.workflow_run.head_sha, "the commit of the run that this one follows", HEAD_OF_RUN);
      }
      return { args: ["history"] };
    case "schedule":
    case "workflow_dispatch":
    case "repository_dispatch":
    case "release":
      if (mode === "range") break;
      return { args: ["history"] };
    default:
      if (mode === "range") break;
      return {
        args: ["history"],
        note: `keysieve knows no commits that the event "${name}" would bring: it looked at the whole history of what is checked out (${short(commitOf("HEAD"))})`,
      };
  }
  return fail(`the event ${name} has no range of its own; give one in "range"`);
}

const HEAD_OF_RUN = 'give actions/checkout "ref: ${{ github.event.workflow_run.head_sha }}" and "fetch-depth: 0"';

function ofPullRequest({ base, head, commits }) {
  if (!isCommit(base?.sha) || !isCommit(head?.sha)) fail("the event names no base and head of the pull request");
  const depth = Number.isInteger(commits) ? commits + 2 : undefined;
  const told = commits ?? 0;
  // actions/checkout has the merge of both, made by the server: what it adds to the base is the pull request.
  const merge = env("GITHUB_SHA");
  if (isCommit(merge) && commitOf("HEAD") === merge && commitOf("HEAD^2") === head.sha) {
    return between(commitOf("HEAD^1"), merge, told, depth);
  }
  const isTarget = env("GITHUB_EVENT_NAME") === "pull_request_target";
  here(
    head.sha,
    "the pull request's head",
    isTarget
      ? 'the event pull_request_target checks out the base; give actions/checkout "ref: ${{ github.event.pull_request.head.sha }}" and "fetch-depth: 0", and run nothing of it in that job'
      : `give actions/checkout "fetch-depth: ${depth ?? 0}", and no "ref" that leads elsewhere`,
  );
  return between(base.sha, head.sha, told, depth);
}

function ofPush() {
  const { before, after, deleted, forced } = event;
  if (deleted && !isCommit(after)) return { args: null, note: "the push deletes a ref and brings no commit" };
  if (!isCommit(after)) fail("the event names no commit that was pushed");
  const told = Array.isArray(event.commits) ? event.commits.length : 0;
  const isTag = event.ref?.startsWith("refs/tags/");
  here(after, isTag ? "the tag that was pushed" : "the commit that was pushed", 'give actions/checkout "fetch-depth: 0", and no "ref" that leads elsewhere');
  if (isCommit(before) && (isHere(before) || !forced)) return between(before, after, told, told ? told + 1 : undefined);
  // A new ref, or one whose former commits are gone: what the default branch does not have.
  const main = commitOf(`refs/remotes/origin/${event.repository?.default_branch}`);
  const commit = commitOf(after);
  if (main && commit && !isAncestor(commit, main)) return between(main, after, told);
  // A branch or tag of what is there brings no commit; a tag's message is read.
  if (main && !told && event.ref !== `refs/heads/${event.repository?.default_branch}`) return between(main, after, 0);
  return { args: ["history"], note: "there is no commit to compare with, so the whole history was looked at" };
}

function between(base, head, told, depth) {
  return { args: ["range", "--", `${base}..${head}`], depth, told };
}

const { args, depth, note, told } = task();
if (note) annotate("notice", note);
const work = mkdtempSync(join(env("RUNNER_TEMP") || tmpdir(), "keysieve-"));
const sarif = env("KEYSIEVE_SARIF") || "keysieve.sarif";
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
if (allowsIncomplete) options.push("--allow-incomplete");
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
// Other gaps, such as an archive that cannot be opened, are no deeper checkout's to mend.
const isTooShallow = summary.incomplete?.some(({ code }) => ["missing-object", "shallow-clone", "unknown-revision"].includes(code));
if (isTooShallow && depth) {
  annotate("error", `this checkout does not reach the base; give actions/checkout "fetch-depth: ${depth}", or 0 for the whole history`);
}
// The event knows better than a range in which nothing is.
const isEmpty = told > 0 && summary.commits === 0;
if (isEmpty) {
  annotate(
    allowsIncomplete ? "warning" : "error",
    `the event tells of ${told} commits and this checkout has none of them between base and head, so nothing was looked at; give actions/checkout "fetch-depth: 0", and no "ref" that leads elsewhere`,
  );
}
output("findings", findings.length);
output("sarif", sarif);
output("complete", summary.complete && !isEmpty);
process.exit(isEmpty && !allowsIncomplete && status !== 2 ? 3 : (status ?? 2));
