// The scopes of a text that uses everything, beside the text: `node test/update.js` writes them anew.

const { test } = require("node:test");
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { tokenize } = require("./tokenize");

const expected = path.join(__dirname, "grammar.snap");

test("the scopes are those of the snapshot", async () => {
  const text = fs.readFileSync(path.join(__dirname, "grammar.arch"), "utf8");
  assert.strictEqual(await tokenize(text), fs.readFileSync(expected, "utf8"));
});

test("no line of any spec is left inside of a string", async () => {
  const folder = path.join(__dirname, "..", "..", "..", "specs");
  for (const name of fs.readdirSync(folder).filter((one) => one.endsWith(".arch"))) {
    const scopes = await tokenize(fs.readFileSync(path.join(folder, name), "utf8"));
    assert.match(scopes, /storage.type/, name);
    assert.doesNotMatch(scopes, /^\s+ {2}"block"|string.*\bnetwork\b.*string/, name);
  }
});
