// See check-html.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";

const [keysieve, executablePath, shot] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "keysieve-html-"));
const HOSTILE = '<img src=x onerror="window.hit=1">.py</script><script>window.hit=1</script>';

const finding = (index, changes = {}) => {
  const severity = ["critical", "high", "medium", "low"][index % 4];
  const day = (number) => new Date(Date.UTC(2020, 0, 1 + number)).toISOString().slice(0, 19) + "Z";
  const commit = (number) => ({ id: String(number).padStart(40, "0"), author: `Author ${number % 7} <a${number % 7}@corp.io>`, date: day(number), subject: "change" });
  return {
    type: "finding", kind: "credential", rule: `rule-${index % 9}`, title: `Kind ${index % 9}`, severity, confidence: "high", evidence: [{ code: "value.made-up", text: "made up" }],
    location: { path: `src/file-${index % 400}.py`, line: index + 1, column: 5, end_line: index + 1, end_column: 20 },
    secret: "[redacted 15]", line: "key = •••••••••••••••;", mark: { start: 6, end: 21 },
    fingerprint: `rule-${index % 9}:${String(index % 500).padStart(20, "0")}:src/file-${index % 400}.py`,
    provenance: {
      introduced: commit(index % 2000), ...(index % 3 ? {} : { removed: commit((index % 2000) + 90) }),
      refs: [], refs_total: 0, versions: 1, paths: [], reachable: true,
    },
    advice: { rotate: "https://example.com/rotate" }, ...changes,
  };
};
const report = (name, findings) => {
  const json = join(folder, `${name}.json`), html = join(folder, `${name}.html`);
  writeFileSync(json, JSON.stringify({
    tool: { name: "keysieve", version: "0.1.0" }, format_version: 1, findings, summary: { type: "summary", files: 400, commits: 2000, bytes: 5e6, scope: HOSTILE, notes: [HOSTILE], incomplete: [], not_content: [], allowed: {}, findings: {}, complete: true },
  }));
  try { execFileSync(keysieve, ["report", json, "--format", "html", "-o", html]); } catch (error) { assert.equal(error.status, 1); }
  return `file://${html}`;
};

const browser = await puppeteer.launch({ executablePath, args: ["--no-sandbox"] });
const open = async (url, scheme = "light") => {
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("request", (request) => request.url() !== url && problems.push(`asked for ${request.url()}`));
  await page.setViewport({ width: 1100, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(url);
  return { page, problems };
};
const shown = (page) => page.$eval("#shown", (it) => it.textContent);
const settle = () => new Promise((resolve) => setTimeout(resolve, 250));

const small = report("small", [...Array(40).keys()].map((index) => finding(index)).concat(
  finding(40, { location: { path: HOSTILE, line: 1, column: 1, end_line: 1, end_column: 2 }, line: `${HOSTILE}•`, mark: { start: HOSTILE.length, end: HOSTILE.length + 1 }, fingerprint: `rule-1:${"0".repeat(20)}:x`,
    provenance: { introduced: { id: "f".repeat(40), author: HOSTILE, date: "2020-02-02T00:00:00Z", subject: HOSTILE }, refs: [], refs_total: 0, versions: 1, paths: [], reachable: true }, advice: { rotate: "javascript:window.hit=1" } })));
{
  const { page, problems } = await open(small);
  assert.equal(await page.$eval("h1", (it) => it.textContent), "41 credentials found");
  assert.equal(await shown(page), "41 of 41 findings");
  assert.deepEqual(await page.$$eval(".total b", (all) => all.map((it) => it.textContent)), ["11", "10", "10", "10"]);
  await page.click(".total.critical");
  assert.equal(await shown(page), "30 of 41 findings");
  await page.click(".total.critical");
  await page.type("#search", "file-7.py");
  await settle();
  assert.equal(await shown(page), "1 of 41 findings");
  await page.$eval("#search", (it) => { it.value = ""; it.dispatchEvent(new Event("input")); });
  await settle();
  await page.select("#status", "gone");
  assert.equal(await shown(page), "14 of 41 findings");
  await page.select("#status", "all");
  for (const group of ["secret", "file", "rule", "author"]) {
    await page.select("#group", group);
    assert.ok((await page.$$(".group")).length > 1, group);
  }
  await page.select("#group", "none");
  for (const details of await page.$$("details")) await details.$eval("summary", (it) => it.click());
  await settle();
  assert.equal((await page.$$(".body")).length, 41);
  assert.equal(await page.evaluate(() => window.hit), undefined, "hostile text ran");
  assert.equal((await page.$$("img, main script, a[href^='javascript']")).length, 0);
  assert.deepEqual(problems, []);
  await page.close();
}
{
  const large = report("large", [...Array(10_000).keys()].map((index) => finding(index)));
  const begin = Date.now();
  const { page, problems } = await open(large);
  const loaded = Date.now() - begin;
  assert.equal(await shown(page), "10,000 of 10,000 findings");
  assert.ok((await page.$$("details")).length < 1000, "only what is seen is drawn");
  const slowest = await page.evaluate(async () => {
    let slowest = 0, before = performance.now();
    const until = before + 2000;
    await new Promise((resolve) => {
      const frame = (now) => {
        slowest = Math.max(slowest, now - before);
        before = now;
        window.scrollBy(0, 400);
        now < until ? requestAnimationFrame(frame) : resolve();
      };
      requestAnimationFrame(frame);
    });
    return slowest;
  });
  const filter = await page.evaluate(() => {
    const begin = performance.now();
    document.querySelector(".total.low").click();
    return performance.now() - begin;
  });
  assert.equal(await shown(page), "7,500 of 10,000 findings");
  assert.deepEqual(problems, []);
  console.log(`10,000 findings: loaded in ${loaded} ms, slowest frame while scrolling ${Math.round(slowest)} ms, a filter ${Math.round(filter)} ms`);
  if (shot) {
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.click(".total.low");
    await page.$eval("details summary", (it) => it.click());
    await settle();
    await page.screenshot({ path: shot });
    const dark = await open(large, "dark");
    await settle();
    await dark.page.screenshot({ path: shot.replace(/\.png$/, "-dark.png") });
  }
}
await browser.close();
console.log("HTML report: counts, filters, groups and hostile names hold");
