"use strict";
(() => {
  const { findings, summary, version } = JSON.parse(document.getElementById("data").textContent);
  const SEVERITIES = ["critical", "high", "medium", "low"];
  const CHUNK = 150;
  const state = { severities: new Set(SEVERITIES), text: "", group: "none", status: "all" };

  // Everything that was read becomes text and nothing else.
  const make = (tag, className, ...children) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const number = (value) => value.toLocaleString("en");
  const plural = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
  const day = (commit) => (commit.date || "").slice(0, 10);

  const dates = findings.flatMap((it) => [it.introduced, it.removed]).filter(Boolean).map((it) => Date.parse(it.date)).filter(Number.isFinite);
  const [first, last] = [Math.min(...dates), Math.max(...dates)];
  const at = (commit) => (last > first ? ((Date.parse(commit.date) - first) / (last - first)) * 100 : 0);

  const searchable = findings.map((it) =>
    [it.title, it.rule, it.path, it.secret, it.fingerprint, it.introduced?.author, it.introduced?.id, it.introduced?.subject].join("\n").toLowerCase());

  const matches = (it, index) =>
    state.severities.has(it.severity) &&
    (state.status === "all" || (state.status === "live") === !it.removed) &&
    state.text.split(/\s+/).every((word) => searchable[index].includes(word));

  const groupOf = (it) => ({
    none: "", secret: `${it.secret} ${it.group || ""}`, file: it.path, rule: it.title, author: it.introduced?.author || "no commit",
  })[state.group];

  const timeline = (it) => {
    const life = make("div", "life");
    if (!it.introduced) return life;
    const [from, to] = [at(it.introduced), it.removed ? at(it.removed) : 100];
    const bar = make("span");
    bar.style.left = `${from}%`;
    bar.style.width = `${Math.max(0, to - from)}%`;
    life.title = `${day(it.introduced)} to ${it.removed ? day(it.removed) : "now"}`;
    life.append(bar);
    return life;
  };

  const facts = (it) => {
    const list = make("dl");
    const add = (name, ...value) => list.append(make("dt", "", name), make("dd", "", ...value));
    const commit = (it) => `${day(it)} by ${it.author} in ${it.id.slice(0, 12)}: ${it.subject}`;
    add("why", `${it.confidence} confidence: ${it.evidence.join("; ")}`);
    add("secret", it.secret);
    if (it.introduced) add("introduced", commit(it.introduced));
    if (it.removed) add("removed", commit(it.removed));
    if (it.live?.length) add("live in", it.live.join(", "));
    if (it.paths?.length > 1) add("paths", it.paths.slice(0, 20).join(", ") + (it.paths.length > 20 ? ", …" : ""));
    add("opens", it.opens);
    add("revoke", it.revoke.join("\n"));
    if (/^https:\/\//.test(it.rotate)) {
      const link = make("a", "", it.rotate);
      link.href = it.rotate;
      link.rel = "noreferrer";
      add("how", link);
    }
    add("rule", it.rule);
    add("fingerprint", it.fingerprint);
    return list;
  };

  const row = (it) => {
    const details = make("details", it.severity);
    details.append(make("summary", "",
      make("span", "severity", it.severity),
      make("div", "what", make("div", "", it.title), make("div", "where", `${it.path}:${it.line}`)),
      timeline(it)));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const [before, secret, after] = it.code;
      details.append(make("div", "body", make("div", "code", before, make("mark", "", secret), after), facts(it)));
    });
    return details;
  };

  const list = make("div");
  list.id = "list";
  const shown = make("span", "soft");
  shown.id = "shown";
  let pending = [];
  const more = make("div", "more");
  const watcher = new IntersectionObserver((entries) => entries.some((it) => it.isIntersecting) && extend());

  function extend() {
    const part = document.createDocumentFragment();
    for (const item of pending.splice(0, CHUNK)) part.append(typeof item === "string" ? make("div", "group", item) : row(item));
    list.append(part);
    more.textContent = pending.length ? `${number(pending.length)} more` : "";
    watcher.unobserve(more);
    if (pending.length) watcher.observe(more);
  }

  function update() {
    const kept = findings.filter(matches);
    shown.textContent = `${number(kept.length)} of ${plural(findings.length, "finding")}`;
    pending = kept;
    if (state.group !== "none") {
      const groups = new Map();
      for (const it of kept) {
        const name = groupOf(it);
        if (!groups.has(name)) groups.set(name, []);
        groups.get(name).push(it);
      }
      pending = [...groups].sort((a, b) => b[1].length - a[1].length)
        .flatMap(([name, members]) => [`${name} (${number(members.length)})`, ...members]);
    }
    list.replaceChildren();
    extend();
  }

  const count = (severity) => findings.filter((it) => it.severity === severity).length;
  const totals = make("div", "totals");
  for (const severity of SEVERITIES) {
    const button = make("button", `total ${severity}`, make("b", "", number(count(severity))), severity);
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const on = !state.severities.delete(severity);
      if (on) state.severities.add(severity);
      button.setAttribute("aria-pressed", String(on));
      update();
    });
    totals.append(button);
  }

  const search = make("input");
  Object.assign(search, { type: "search", id: "search", placeholder: "Search files, rules, authors, commits" });
  search.setAttribute("aria-label", "Search");
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => { state.text = search.value.trim().toLowerCase(); update(); }, 80);
  });
  const select = (id, label, options, key) => {
    const element = make("select");
    element.id = id;
    element.setAttribute("aria-label", label);
    for (const [value, text] of options) element.append(Object.assign(make("option", "", text), { value }));
    element.addEventListener("change", () => { state[key] = element.value; update(); });
    return element;
  };

  const byRule = new Map();
  for (const it of findings) {
    const known = byRule.get(it.title) || { count: 0, severity: it.severity };
    known.count += 1;
    if (SEVERITIES.indexOf(it.severity) < SEVERITIES.indexOf(known.severity)) known.severity = it.severity;
    byRule.set(it.title, known);
  }
  const ranked = [...byRule].sort((a, b) => b[1].count - a[1].count).slice(0, 16);
  const rules = make("ul", "rules", ...ranked.map(([title, known]) => {
    const bar = make("span", "bar");
    bar.style.width = `${(known.count / ranked[0][1].count) * 100}%`;
    const button = make("button", "", title);
    button.addEventListener("click", () => { search.value = title; state.text = title.toLowerCase(); update(); });
    return make("li", known.severity, button, make("span", "soft", number(known.count)), bar);
  }));

  const read = [["commits", "commit"], ["objects", "object"], ["files", "file"]]
    .filter(([key]) => summary[key] !== null).map(([key, noun]) => plural(summary[key], noun)).join(" and ");
  const page = document.getElementById("page");
  const heading = findings.length ? plural(findings.length, "credential") + " found"
    : summary.complete ? "No credentials found" : "No credentials found in what could be read";
  page.append(
    make("h1", "", heading),
    make("div", "soft", `keysieve ${version} read ${read}.`, summary.scope ? ` Looked at ${summary.scope}.` : ""));
  if (!summary.complete) {
    const warning = make("div", "warn", make("b", "", `Not complete: ${plural(summary.gaps.length, "path")} could not be read to the end.`));
    for (const { path, reason } of summary.gaps.slice(0, 20)) warning.append(make("div", "", `${path}: ${reason}`));
    page.append(warning);
  }
  for (const note of summary.notes) page.append(make("div", "warn", note));
  if (findings.length) {
    page.append(totals);
    page.append(make("p", "soft", "Revoke each at its provider first: taking it out of the code, or out of the history, does not make it safe again."));
    page.append(make("h2", "", "By rule"), rules);
    page.append(make("div", "tools", search,
      select("status", "Show", [["all", "live and removed"], ["live", "live only"], ["gone", "removed only"]], "status"),
      select("group", "Group", [["none", "no groups"], ["secret", "by secret"], ["file", "by file"], ["rule", "by rule"], ["author", "by author"]], "group"),
      shown));
    page.append(list, more);
    update();
  }
})();
