// The script of `archdsl.Editor` in a real browser, with a model that stands in for the notebook's.

import assert from "node:assert";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const PACKAGE = path.join(import.meta.dirname, "..", "..", "archdsl");
const problems = [];
let browser, page;

before(async () => {
  browser = await puppeteer.launch({ args: chromium.args, executablePath: await chromium.executablePath(), headless: "shell" });
  page = await browser.newPage();
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  const script = await readFile(path.join(PACKAGE, "notebook_editor.js"), "utf8");
  const style = await readFile(path.join(PACKAGE, "notebook_editor.css"), "utf8");
  await page.setContent(`<style>${style}</style><div id="cell"></div>`);
  await page.evaluate(async (source) => {
    const { default: widget } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    const listeners = new Map();
    const state = { text: "a\nb", name: "", names: ["one", "two"], hints: [{ line: 2, text: "[4]" }], diagnostics: [], diagram: "<svg></svg>" };
    window.sent = [];
    window.model = {
      get: (key) => state[key],
      set(key, value) {
        state[key] = value;
        for (const call of listeners.get(`change:${key}`) ?? []) call();
      },
      save_changes: () => window.sent.push({ ...state }),
      send: (message) => window.sent.push(message),
      on: (event, call) => listeners.set(event, [...(listeners.get(event) ?? []), call]),
      off: (event, call) => listeners.set(event, (listeners.get(event) ?? []).filter((one) => one !== call)),
    };
    window.listeners = listeners;
    window.end = widget.render({ model: window.model, el: document.getElementById("cell") });
  }, script);
});

after(() => browser.close());

test("hints stand in their lines", async () => {
  const lines = await page.$$eval(".archdsl-hints span", (spans) => spans.map((span) => span.textContent));
  assert.deepEqual(lines, ["\n", "[4]\n"]);
  assert.equal(await page.$eval("textarea", (area) => area.rows), 2);
});

test("what is typed is sent once, after a pause", async () => {
  await page.focus("textarea");
  await page.keyboard.press("End");
  await page.keyboard.type("xyz");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => window.sent.length), 0);
  await page.waitForFunction(() => window.sent.length === 1);
  assert.match(await page.evaluate(() => window.sent[0].text), /xyz {2}/);
});

test("diagnostics are text, and their button asks for the fix", async () => {
  await page.evaluate(() =>
    window.model.set("diagnostics", [
      { code: "E0101", severity: "error", message: "<b>bad</b>", place: { line: 1 }, help: "write it", fix: null },
      { code: "W0101", severity: "warning", message: "odd", place: null, help: null, fix: { edits: [] } },
    ]),
  );
  assert.equal(await page.$eval(".archdsl-found li", (item) => item.firstChild.textContent), "line 1: error[E0101]: <b>bad</b>");
  assert.equal(await page.$eval(".archdsl-hints .archdsl-error", (line) => line.textContent), "◀ \n");
  await page.click(".archdsl-found button");
  assert.deepEqual(await page.evaluate(() => window.sent.at(-1)), { fix: 1 });
});

test("the network is chosen from a list", async () => {
  await page.select("select", "two");
  assert.equal(await page.evaluate(() => window.sent.at(-1).name), "two");
});

test("nothing is left when the cell goes", async () => {
  assert.equal(await page.evaluate(() => (window.end(), [...window.listeners.values()].flat().length)), 0);
  assert.deepEqual(problems, []);
});
