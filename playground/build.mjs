// Builds the page into dist/: one folder without a server or a CDN. `make playground` runs this after build.py.

import { cp, copyFile, mkdir } from "node:fs/promises";
import * as esbuild from "esbuild";

const PYODIDE = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"];

await mkdir("dist/pyodide", { recursive: true });
for (const name of PYODIDE) await copyFile(`node_modules/pyodide/${name}`, `dist/pyodide/${name}`);
const shared = { bundle: true, format: "esm", target: "es2024", minify: true, legalComments: "external", outdir: "dist" };
await esbuild.build({ ...shared, entryPoints: ["src/main.js"], splitting: false });
await copyFile("src/worker.js", "dist/worker.js");
for (const name of ["index.html", "style.css", "playground.py"]) await cp(`src/${name}`, `dist/${name}`);
