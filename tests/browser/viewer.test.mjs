// The page of `archdsl render -o net.html` in a real browser, from a file and served. tests/backends/viewer/test_browser.py runs it:
// PAGES is a folder with the pages, PYTHON runs archdsl.

import assert from "node:assert";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { faults } from "./geometry.mjs";

const require = createRequire(path.join(import.meta.dirname, "..", "..", "playground", "package.json"));
const chromium = (await import(require.resolve("@sparticuz/chromium"))).default;
const puppeteer = (await import(require.resolve("puppeteer-core"))).default;
const PAGES = process.env.PAGES;
const problems = [];
const requests = [];
let browser, page;

before(async () => {
  browser = await puppeteer.launch({ args: chromium.args, executablePath: await chromium.executablePath(), headless: "shell", defaultViewport: { width: 1400, height: 900 } });
  page = await newPage();
});
after(() => browser?.close());

async function newPage() {
  const made = await browser.newPage();
  made.on("console", (message) => problems.push(message.text()));
  made.on("pageerror", (error) => problems.push(String(error)));
  made.on("request", (request) => requests.push(request.url()));
  return made;
}

const open = (name) => page.goto(`file://${PAGES}/${name}.html`);
const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.tagName);
const button = (label) => page.evaluateHandle((label) => [...document.querySelectorAll("#picture button")].find((one) => one.getAttribute("aria-label").startsWith(label)), label);
const rows = () => page.$$eval("#table tbody tr", (found) => found.map((row) => row.cells[0].textContent));
const selected = () => page.$eval("tr[aria-selected=true]", (row) => row.cells[0].textContent);

test("resnet152 opens within a second", async () => {
  await open("resnet152");
  const times = [];
  for (let i = 0; i < 5; i++) {
    await page.reload();
    times.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd));
  }
  console.log(`from the start of navigation to the end of loading: ${times.map(Math.round).join(", ")} ms`);
  assert.ok(Math.min(...times) < 1000);
});

test("a click unfolds a frame in the picture and in the table, another one folds it", async () => {
  await open("resnet50");
  await page.click("#fold");
  const before = await rows();
  await (await button("layer1")).click();
  const after = await rows();
  assert.deepStrictEqual(after.filter((row) => !before.includes(row)).map((row) => row.trim()), ["▾layer1", "▸0", "▸1–2 ×2"]);
  assert.strictEqual(after.length, before.length + 2);
  assert.strictEqual(await (await button("layer1")).evaluate((one) => one.getAttribute("aria-expanded")), "true");
  assert.match(await page.$eval("#said", (said) => said.textContent), /layer1 unfolded, 2 parts/);
  await (await button("layer1")).click();
  assert.deepStrictEqual(await rows(), before);
});

test("the card has the facts of a part", async () => {
  await open("resnet50");
  await (await button("7×7 conv")).hover();
  const card = await page.$eval("#card", (card) => card.innerText.replace(/\s+/g, " "));
  assert.match(card, /path conv1/);
  assert.match(card, /input 3×224×224 output 64×112×112 params 9,536 MACs 118,013,952/);
  assert.match(card, /source resnet.arch:\d+ conv1: conv\(64, 7/);
  await page.mouse.move(5, 5);
  assert.strictEqual(await page.$eval("#card", (card) => card.hidden), true);
});

test("what feeds a part and what it feeds is marked", async () => {
  await open("googlenet");
  await (await button("inception4a")).focus();
  const marked = (name) => page.$$eval(`#sheet .${name} , #sheet .${name} > .title`, (found) => found.map((one) => one.getAttribute("aria-label")).filter(Boolean).map((label) => label.split(",")[0]));
  assert.deepStrictEqual(await marked("feeds"), ["3×3 maxpool"]);
  assert.deepStrictEqual((await marked("fed")).sort(), ["aux1", "inception4b"]);
  await (await button("aux2")).focus();
  assert.ok((await page.$$("#sheet .aside")).length > 0);
});

test("the keyboard reaches everything", async () => {
  await open("resnet50");
  await page.click("#fold");
  await (await button("image")).focus();
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^7×7 conv, 64, \/2, bn, relu/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^layer1/);
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^bottleneck_block, 0/);
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  assert.match(await focused(), /^1×1 bottleneck/);
  assert.strictEqual((await selected()).trim(), "▸conv1");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.match(await focused(), /^bottleneck_block, 0/);
  await page.keyboard.press("ArrowUp");
  assert.match(await focused(), /^3×3 maxpool/);
  await page.keyboard.press("End");
  assert.match(await focused(), /^output/);
  await page.keyboard.press("Tab");
  assert.strictEqual(await focused(), "TR");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.strictEqual((await selected()).trim(), "▾conv1");
  await page.keyboard.press("ArrowRight");
  assert.strictEqual((await selected()).trim(), "conv1");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  assert.strictEqual((await selected()).trim(), "▸conv1");
});

test("a search finds and unfolds", async () => {
  await open("resnet50");
  await page.type("#search", "layer4.0.downsample");
  const found = Number(/\d+/.exec(await page.$eval("#found", (found) => found.textContent))[0]);
  assert.ok(found >= 1);
  assert.ok((await page.$$("#sheet .found")).length > 0);
  await page.keyboard.press("Enter");
  assert.match(await page.$eval("#found", (found) => found.textContent), new RegExp(`1 of ${found}`));
  assert.match(await selected(), /downsample/);
  await page.click("#search", { count: 3 });
  await page.type("#search", "no such layer");
  assert.strictEqual(await page.$eval("#found", (found) => found.textContent), "0 found");
});

test("the accessibility tree has names, levels and states", async () => {
  await open("resnet50");
  const tree = await page.accessibility.snapshot({ interestingOnly: false });
  const all = [];
  (function visit(node) { all.push(node); (node.children ?? []).forEach(visit); })(tree);
  assert.ok(all.some((node) => node.role === "treegrid" && node.name === "Layers"));
  assert.ok(all.some((node) => node.role === "row" && node.expanded === true && node.level === 1));
  assert.ok(all.some((node) => node.role === "group" && node.name === "Diagram"));
  assert.ok(all.filter((node) => node.role === "button").every((node) => node.name));
  assert.ok(all.some((node) => node.role === "searchbox" && node.name.startsWith("Search")));
});

test("texts have contrast in both schemes", async () => {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    for (const name of ["resnet50", "googlenet", "vit_b_16", "broken"]) {
      await open(name);
      await page.evaluate(() => page.unfoldLevel(500) && page.draw());
      const low = await page.evaluate(() => {
        const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
        const rgb = (...colours) => { pen.clearRect(0, 0, 1, 1); for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); } return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); };
        const light = (colour) => { const [r, g, b] = colour.map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
        const page = getComputedStyle(document.body).backgroundColor;
        return [...document.querySelectorAll("#sheet .words, #sheet .shape, #facts, #doc, #errors:not([hidden]), td, th")].map((text) => {
          const around = [];
          for (let at = text; at; at = at.parentElement) around.unshift(getComputedStyle(at).backgroundColor);
          const [one, other] = [light(rgb(getComputedStyle(text).color)), light(rgb(page, ...around))].sort((a, b) => b - a);
          return [(one + 0.05) / (other + 0.05), text.textContent, text.parentElement.className];
        }).filter(([contrast]) => contrast < 4.5);
      });
      assert.deepStrictEqual(low, [], `${scheme} ${name}`);
    }
  }
  await page.emulateMediaFeatures([]);
});

test("boxes do not overlap, and links cross neither boxes nor titles", async () => {
  for (const name of await readdir(PAGES)) {
    await page.goto(`file://${PAGES}/${name}`);
    for (let more = true; more; ) {
      assert.deepStrictEqual(await page.evaluate(faults), [], name);
      more = await page.evaluate(() => { const more = page.unfoldLevel(600); if (more) page.draw(); return more; });
    }
  }
});

test("a text from a spec is a text", async () => {
  await open("hostile");
  assert.match(await page.$eval("#doc", (doc) => doc.textContent), /<script>/);
  assert.strictEqual(await page.evaluate(() => window.attacked), undefined);
  await page.evaluate(() => page.unfoldLevel(100) && page.draw());
  assert.strictEqual((await page.$$("#picture img, #picture script, #card img")).length, 0);
});

test("a page begins unfolded to its level", async () => {
  const open = (level) => page.evaluate((level) => { page.root = null; page.show({ ...JSON.parse(byId("network").textContent), level }); return [...page.root.shown()].filter((part) => part.open).map((part) => part.level); }, level);
  await page.goto(`file://${PAGES}/resnet50.html`);
  assert.deepStrictEqual(await open(0), [0]);
  assert.deepStrictEqual([...new Set(await open(1))], [0, 1]);
  assert.deepStrictEqual([...new Set(await open(2))], [0, 1, 2]);
});

test("projections are dashed, other skips are not", async () => {
  await open("resnet50");
  await page.evaluate(() => page.unfoldLevel(600) && page.draw());
  await page.evaluate(() => page.unfoldLevel(600) && page.draw());
  const dashes = (name) => page.$$eval(`#links path.link.${name}`, (found) => [...new Set(found.map((path) => getComputedStyle(path).strokeDasharray))]);
  assert.deepStrictEqual(await dashes("projection"), ["5px, 3px"]);
  assert.deepStrictEqual(await dashes("skip:not(.projection)"), ["none"]);
});

test("a failing join is shown with both shapes", async () => {
  await open("broken");
  assert.match(await page.$eval(".failure", (part) => part.textContent), /16×8×8 and 8×8×8/);
  assert.strictEqual(await page.$eval(".failure", (part) => getComputedStyle(part).borderColor), "rgb(179, 38, 30)");
});

test("nothing went wrong, and nothing was asked of a network", () => {
  assert.deepStrictEqual(problems, []);
  assert.deepStrictEqual(requests.filter((url) => !url.startsWith("file://")), []);
});

test("the served page follows the file, and keeps state and picture", async () => {
  const spec = (width, last = "relu") => `network net {\n  input image [3, 8, 8]\n  stem: { conv(${width}, 3) -> bn; conv(4, 3); ${last} }\n  gap; flatten; fc: linear(10)\n}\n`;
  const folder = await mkdtemp(path.join(tmpdir(), "archdsl-"));
  const file = path.join(folder, "net.arch");
  await writeFile(file, spec(8));
  const server = spawn(process.env.PYTHON, ["-u", "-m", "archdsl", "render", "net.arch", "--serve", "--port", "0"], { cwd: folder });
  let said = "";
  server.stdout.on("data", (data) => (said += data));
  server.stderr.on("data", (data) => (said += data));
  while (!said.includes("watching")) await new Promise((resolve) => setTimeout(resolve, 50));
  const live = await newPage();
  await live.goto(/http:\S+/.exec(said)[0]);
  await live.evaluate(() => { page.toggle(page.root.children.find((part) => part.text === "stem" && !part.open) ?? page.root.children[1].children[0], "picture"); });
  const before = await live.$$eval("#table tbody tr", (found) => found.length);
  await writeFile(file, spec(16));
  await live.waitForFunction(() => document.getElementById("table").textContent.includes("16×8×8"));
  assert.strictEqual(await live.$$eval("#table tbody tr", (found) => found.length), before);
  await writeFile(file, spec(16, "reluu"));
  await live.waitForFunction(() => document.getElementById("errors").textContent.includes("did you mean `relu`"));
  assert.strictEqual(await live.$$eval("#table tbody tr", (found) => found.length), before);
  await writeFile(file, spec(32));
  await live.waitForFunction(() => document.getElementById("errors").hidden && document.getElementById("table").textContent.includes("32×8×8"));
  assert.deepStrictEqual(problems, []);
  server.kill("SIGINT");
  const status = await new Promise((resolve) => server.on("exit", resolve));
  assert.strictEqual(status, 0);
  await live.waitForFunction(() => document.getElementById("errors").textContent.includes("does not answer"));
});
