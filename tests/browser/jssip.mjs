// JsSIP for a page. It is published as CommonJS, for bundlers: this is as much of one as it needs.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// What browsers have instead of what Node has.
const forBrowsers = { debug: "debug/src/browser.js", events: "events/" };

/** A script that puts JsSIP into `window`. */
export function jssip() {
  const modules = new Map();
  function add(path) {
    if (modules.has(path)) return;
    modules.set(path, null);
    const text = readFileSync(path, "utf8");
    const { resolve } = createRequire(path);
    const needs = {};
    for (const [, name] of text.matchAll(/\brequire\(["']([^"']+)["']\)/g)) {
      needs[name] = resolve(forBrowsers[name] ?? name);
      add(needs[name]);
    }
    const body = path.endsWith(".json") ? `module.exports = ${text}` : text;
    const code = `function (module, exports, require) {\n${body}\n}`;
    modules.set(path, `${JSON.stringify(path)}: [${code}, ${JSON.stringify(needs)}]`);
  }
  const entry = createRequire(import.meta.url).resolve("jssip");
  add(entry);
  return `window.JsSIP = ((modules) => {
    const made = {};
    const make = (path) => {
      if (!made[path]) {
        const [code, needs] = modules[path];
        made[path] = { exports: {} };
        code(made[path], made[path].exports, (name) => make(needs[name]));
      }
      return made[path].exports;
    };
    return make(${JSON.stringify(entry)});
  })({ ${[...modules.values()].join(",\n")} });`;
}
