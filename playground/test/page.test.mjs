// The built page in a real browser, served by a static server, without a network.

import assert from "node:assert";
import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const DIST = path.join(import.meta.dirname, "..", "dist");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json" };
const BROKEN = `block basic(width, stride = 1) {
  skip { conv(width, 3, stride) -> bn -> relu -> conv(width, 3) -> bn }
  relu
}
network net {
  input image [3, 32, 32]
  conv(16, 3)   # é→😀
  basic(16)
  basic(32, 2)
}
`;

let server, browser, page, address;
const problems = [];
const foreign = [];

before(async () => {
  server = createServer(async (request, response) => {
    try {
      const name = new URL(request.url, "http://x").pathname.replace(/\/$/, "/index.html");
      const body = await readFile(path.join(DIST, name));
      response.writeHead(200, { "content-type": TYPES[path.extname(name)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  address = `http://127.0.0.1:${server.address().port}/`;
  browser = await puppeteer.launch({
    args: chromium.args,
    executablePath: await chromium.executablePath(),
    headless: "shell",
    defaultViewport: { width: 1400, height: 850 },
  });
  page = await browser.newPage();
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => /^(data|blob):/.test(request.url()) || request.url().startsWith(address) || foreign.push(request.url()));
  await page.goto(address);
  await checked(1);
});

after(async () => {
  await browser?.close();
  server?.close();
});

async function checked(count) {
  await page.waitForFunction((count) => Number(document.body.dataset.checked ?? 0) >= count, { timeout: 120_000 }, count);
}

async function write(text) {
  const count = Number(await page.$eval("body", (body) => body.dataset.checked));
  await page.evaluate((text) => {
    const { view } = document.querySelector(".cm-content").cmTile ?? document.querySelector(".cm-content").cmView;
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  }, text);
  await checked(count + 1);
}

async function select(id, value) {
  const count = Number(await page.$eval("body", (body) => body.dataset.checked));
  await page.select(`#${id}`, value);
  await checked(count + 1);
}

const text = (selector) => page.$$eval(selector, (found) => found.map((one) => one.textContent));

test("the first text is checked, with shapes behind its lines", async () => {
  assert.deepStrictEqual(await text("#findings li"), []);
  assert.ok((await text(".hint")).includes("[16, H, W]"));
  assert.match((await text("#table"))[0], /77,\d{3}|parameters/);
});

test("the findings are those of the command, and a fix repairs the text", async () => {
  await write(BROKEN);
  const python = process.env.PYTHON ?? "python3";
  const expected = execFileSync(python, ["-c", "import archdsl, json, sys; print(json.dumps([[d.code, d.message] for d in archdsl.check(sys.stdin.read())]))"], { input: BROKEN, cwd: path.join(DIST, "..", "..") });
  const shown = await page.$$eval("#findings li", (found) => found.map((one) => [one.querySelector(".place").textContent.split(": ").at(-1), one.querySelector("span").textContent]));
  assert.deepStrictEqual(shown, JSON.parse(expected));
  const count = Number(await page.$eval("body", (body) => body.dataset.checked));
  await page.click("#findings .fix");
  await checked(count + 1);
  assert.deepStrictEqual(await text("#findings li"), []);
});

test("the grammar colors, indents, folds and comments", async () => {
  await write(BROKEN);
  const colors = await page.$$eval(".cm-line span[class]", (spans) => Object.fromEntries(spans.map((span) => [span.textContent, getComputedStyle(span).color])));
  assert.equal(new Set([colors.block, colors.conv, colors["16"], colors.width]).size, 4);
  assert.equal(colors.block, colors.skip);

  await page.focus(".cm-content");
  await page.keyboard.down("Control");
  await page.keyboard.press("Home");
  await page.keyboard.up("Control");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type('"l{1 + 1}": concat {');
  await page.keyboard.press("Enter");
  await page.keyboard.type("relu");
  const typed = await page.evaluate(() => document.querySelector(".cm-content").cmTile.view.state.doc.toString());
  assert.ok(typed.includes('{\n  "l{1 + 1}": concat {\n    relu\n  }\n  skip'), typed);

  await page.keyboard.down("Control");
  await page.keyboard.press("Slash");
  await page.keyboard.up("Control");
  assert.equal((await text(".cm-line"))[2], "    # relu");
  const lines = (await text(".cm-line")).length;
  await page.click('.cm-foldGutter span[title="Fold line"]');
  assert.ok((await text(".cm-line")).length < lines);
  await page.click('.cm-foldGutter span[title="Unfold line"]');
});

test("a published network with its diagram and source", async () => {
  await select("zoo", "resnet50");
  assert.match((await text(".totals"))[0], /25,557,032 parameters/);
  await page.click("[data-panel=diagram]");
  await page.waitForSelector("#diagram svg", { timeout: 60_000 });
  assert.ok((await page.$$("#diagram [data-lines]")).length > 5);
  await page.click("[data-panel=source]");
  await page.waitForFunction(() => document.getElementById("code").textContent.includes("(nn.Module)"), { timeout: 20_000 });
  await page.click("[data-panel=table]");
});

test("a link contains the text", async () => {
  await write(BROKEN);
  await page.click("#share");
  await page.waitForFunction(() => location.hash.startsWith("#text="));
  const other = await browser.newPage();
  await other.goto(page.url());
  await other.waitForFunction(() => document.querySelector(".cm-content")?.textContent.includes("basic(32, 2)"), { timeout: 60_000 });
  await other.close();
});

test("typing is checked within half a second", async () => {
  await write(BROKEN.replace("basic(32, 2)", "basic(16)"));
  const times = [];
  for (const width of [16, 17, 18, 19, 20]) {
    const started = Date.now();
    await write(BROKEN.replace("basic(32, 2)", "basic(16)").replace("# é", `# ${width}`));
    times.push(Date.now() - started);
  }
  console.log(`from an edit to its findings: ${times.join(", ")} ms`);
});

test("nothing went wrong, and nothing was fetched from elsewhere", () => {
  assert.deepStrictEqual(problems, []);
  assert.deepStrictEqual(foreign, []);
});
