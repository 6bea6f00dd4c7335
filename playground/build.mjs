// Builds the page into dist/: one folder without a server or a CDN. `make playground` runs this after build.py.

import { cp, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { buildParserFile } from "@lezer/generator";
import * as esbuild from "esbuild";

const PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];

const LANGUAGE = path.resolve("../editors/codemirror/src");
const OF_THE_LANGUAGE = ["@codemirror/language", "@lezer/common", "@lezer/highlight", "@lezer/lr"];
const alias = Object.fromEntries(OF_THE_LANGUAGE.map((name) => [name, path.resolve("node_modules", name)])); // never two of one library

const { parser, terms } = buildParserFile(await readFile(path.join(LANGUAGE, "arch.grammar"), "utf8"), { fileName: "arch.grammar" });
await writeFile(path.join(LANGUAGE, "parser.js"), parser);
await writeFile(path.join(LANGUAGE, "parser.terms.js"), terms);

await mkdir("dist/pyodide", { recursive: true });
for (const name of PYODIDE) await copyFile(`node_modules/pyodide/${name}`, `dist/pyodide/${name}`);
const shared = { bundle: true, format: "esm", target: "es2024", minify: true, legalComments: "external", outdir: "dist", alias };
await esbuild.build({ ...shared, entryPoints: ["src/main.js"], splitting: false });
await copyFile("src/worker.js", "dist/worker.js");
for (const name of ["index.html", "style.css", "playground.py"]) await cp(`src/${name}`, `dist/${name}`);
