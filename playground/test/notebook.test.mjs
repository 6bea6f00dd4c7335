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
    const state = { text: "a\nb", name: "", names: ["one", "two"], hints: [{ line: 2, text: "[4]" }], diagnostics: [], marks: [[1, 0, 1, "function"]], checked: "a\nb", diagram: "<svg></svg>" };
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
  const lines = await page.$$eval(".archdsl-line", (spans) => spans.map((span) => span.textContent));
  assert.deepEqual(lines, ["a\n", "b[4]\n"]);
  assert.equal(await page.$eval(".archdsl-function", (span) => span.textContent), "a");
  assert.equal(await page.$eval("textarea", (area) => area.rows), 2);
});

test("what is shown lies below what is typed", async () => {
  const [area, shown] = await page.$$eval(".archdsl-text > *", (found) =>
    ["TEXTAREA", "PRE"].map((name) => {
      const one = found.find((element) => element.tagName === name);
      const { left, top, height } = one.getBoundingClientRect();
      const { font, padding, letterSpacing } = getComputedStyle(one);
      return { left, top, height: Math.round(height), font, padding, letterSpacing };
    }),
  );
  assert.deepEqual(area, shown);
});

test("marks and hints go with their lines while somebody types", async () => {
  const shown = await page.evaluate(() => {
    const area = document.querySelector("textarea");
    area.value = "new\na1\nb";
    area.dispatchEvent(new Event("input"));
    const found = [...document.querySelectorAll(".archdsl-line")].map((line) => line.textContent);
    area.value = "a\nb";
    area.dispatchEvent(new Event("input"));
    return found;
  });
  assert.deepEqual(shown, ["new\n", "a1\n", "b[4]\n"]);
  await page.waitForFunction(() => window.sent.length === 1);
  await page.evaluate(() => window.sent.pop());
});

test("what is typed is sent once, after a pause", async () => {
  const sent = await page.evaluate(() => {
    const area = document.querySelector("textarea");
    area.setSelectionRange(1, 1);
    for (const letter of "xyz") {
      area.setRangeText(letter, area.selectionEnd, area.selectionEnd, "end");
      area.dispatchEvent(new Event("input"));
    }
    area.dispatchEvent(new KeyboardEvent("keydown", { key: "Tab" }));
    return window.sent.length;
  });
  assert.equal(sent, 0);
  await page.waitForFunction(() => window.sent.length === 1);
  assert.match(await page.evaluate(() => window.sent[0].text), /axyz {2}/);
});

test("diagnostics are text, and their button asks for the fix", async () => {
  await page.evaluate(() =>
    window.model.set("diagnostics", [
      { code: "E0101", severity: "error", message: "<b>bad</b>", place: { line: 1 }, help: "write it", fix: null },
      { code: "W0101", severity: "warning", message: "odd", place: null, help: null, fix: { edits: [] } },
    ]),
  );
  assert.equal(await page.$eval(".archdsl-found li", (item) => item.firstChild.textContent), "line 1: error[E0101]: <b>bad</b>");
  await page.evaluate(() => {
    window.model.set("marks", [[1, 0, -1, "error"]]);
    window.model.set("checked", window.model.get("text"));
  });
  assert.equal(await page.$eval(".archdsl-shown .archdsl-error", (part) => part.textContent), await page.evaluate(() => window.model.get("text").split("\n")[0]));
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
