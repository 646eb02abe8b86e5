// Drives one Chromium for a test that is written elsewhere: commands come as JSON lines, answers go out as JSON
// lines. Its microphone is a file: `node driver.mjs TONE.wav`.
//
//   {"run": "await page.goto(at); return page.title()"}   ->   {"value": "Call"}   or   {"error": "…"}
//
// A command is the body of an async function of `browser`, `context`, `page` (the one that is open, which a command
// may replace: `state.page = …`), `state` (kept between commands).

import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { jssip } from "./jssip.mjs";
import { listening } from "./listening.mjs";
import { look, shifts } from "./looking.mjs";
import { softphone } from "./softphone.mjs";
import { staging } from "./staging.mjs";

const [microphone] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.WARMLINE_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    // Nothing here leaves the machine, and nothing is to be looked up.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${microphone}`,
  ],
});

const state = { console: [], look, staging };

// A page that is open gets a telephone of somebody else's making: of JsSIP, or of SIP.js, whose modules are as if they were the
// server's own.
state.jssip = async () => {
  await state.page.evaluate(jssip());
  await state.page.evaluate(softphone);
};
state.sipjs = async () => {
  const library = new URL("./node_modules/sip.js/lib/", import.meta.url);
  await state.page.route("**/sip.js/**", (route) => {
    const { pathname } = new URL(route.request().url());
    const path = fileURLToPath(new URL(pathname.replace("/sip.js/", ""), library));
    return route.fulfill({ path, contentType: "text/javascript" });
  });
  await state.page.evaluate(softphone);
};

// A context of its own for each person: nothing is shared but the microphone.
state.person = async () => {
  // A server that was given no certificate has made its own.
  const context = await browser.newContext({ permissions: ["microphone"], ignoreHTTPSErrors: true });
  // Tones are no speech: whatever makes speech clearer would take them away.
  await context.addInitScript(() => localStorage.setItem("warmline.audio", '{"processing":false}'));
  await context.addInitScript(listening);
  await context.addInitScript(shifts);
  const page = await context.newPage();
  page.on("console", (message) => state.console.push(message.text()));
  page.on("pageerror", (error) => state.console.push(String(error)));
  return page;
};
state.page = await state.person();

const Command = Object.getPrototypeOf(async () => {}).constructor;

async function answer(line) {
  try {
    const { run } = JSON.parse(line);
    const command = new Command("browser", "context", "page", "state", run);
    return { value: (await command(browser, state.page.context(), state.page, state)) ?? null };
  } catch (error) {
    return { error: `${error.message}\n${state.console.slice(-20).join("\n")}` };
  }
}

console.log(JSON.stringify({ value: browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(line)));
}
await browser.close();
