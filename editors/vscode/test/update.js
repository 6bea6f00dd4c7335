// Write the snapshot anew, to be read before it is committed.

const fs = require("node:fs");
const path = require("node:path");
const { tokenize } = require("./tokenize");

tokenize(fs.readFileSync(path.join(__dirname, "grammar.arch"), "utf8")).then((scopes) =>
  fs.writeFileSync(path.join(__dirname, "grammar.snap"), scopes),
);
