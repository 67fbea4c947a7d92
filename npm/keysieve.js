#!/usr/bin/env node
// Starts the binary that came with this package; nothing is downloaded.
"use strict";
const { spawnSync } = require("node:child_process");
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const binary = join(__dirname, "bin", `${process.platform}-${process.arch}`, "keysieve");
if (!existsSync(binary)) {
  console.error(`keysieve: this package has no binary for ${process.platform} on ${process.arch}; build it with \`cargo install keysieve\``);
  process.exit(2);
}
const { status, signal, error } = spawnSync(binary, process.argv.slice(2), { stdio: "inherit" });
if (error) {
  console.error(`keysieve: cannot start ${binary}: ${error.message}`);
  process.exit(2);
}
if (signal) process.kill(process.pid, signal);
process.exit(status);
