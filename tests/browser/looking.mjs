// Looks at a page as its people do: on three screens, light and dark, and with axe-core.

import { mkdirSync, readFileSync } from "node:fs";

const SCREENS = { wide: [1440, 900], small: [1024, 768], phone: [390, 844] };
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
// What people notice, by web.dev/cls: good is up to 0.1.
const SHIFTED = 0.1;
const axe = readFileSync(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

// What is put into every page: how far things have moved that nobody has touched.
export function shifts() {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      window.shifted += value;
      window.moved = sources.map(({ node }) => node?.id || node?.className || node?.nodeName);
    }
  }).observe({ type: "layout-shift", buffered: true });
}

// Takes pictures of the page as it is into a folder, and tells what is wrong with it: what axe-core finds, what is
// wider than the screen, what has jumped since it was looked at last.
export async function look(page, name, folder) {
  mkdirSync(folder, { recursive: true });
  const problems = [];
  const [shifted, moved] = await page.evaluate(() => [window.shifted, window.moved]);
  if (shifted > SHIFTED) problems.push(`${name}: things jumped by ${shifted.toFixed(2)}: ${moved}`);
  const usual = page.viewportSize();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const [screen, [width, height]] of Object.entries(SCREENS)) {
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) problems.push(`${name}, ${screen}: ${wide} px wide`);
      if (scheme === "dark" && screen !== "wide" && process.env.WARMLINE_PICTURES !== "all") continue;
      const fullPage = (await page.locator("dialog[open]").count()) === 0;
      await page.screenshot({ path: `${folder}/${name}-${screen}-${scheme}.png`, fullPage });
    }
    await page.evaluate(axe);
    const { violations } = await page.evaluate((values) => window.axe.run({ runOnly: values }), RULES);
    problems.push(...violations.map(({ id, nodes }) => `${name}, ${scheme}: ${id}: ${nodes.map(({ target }) => target)}`));
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: null });
  await page.setViewportSize(usual);
  await page.evaluate(() => (window.shifted = 0));
  return problems;
}
