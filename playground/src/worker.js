// Runs the compiler: Pyodide with the package as it is. Every request has an id; its answer has the same.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const PACKAGES = await (await fetch(new URL("./packages.json", import.meta.url))).json();

async function unpack(pyodide, names) {
  const archives = names.map(async (name) => (await fetch(new URL(`./packages/${name}`, import.meta.url))).arrayBuffer());
  for (const archive of await Promise.all(archives)) pyodide.unpackArchive(archive, "wheel");
}

async function start() {
  const pyodide = await loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href });
  await unpack(pyodide, PACKAGES);
  pyodide.FS.writeFile("/home/pyodide/playground.py", await (await fetch(new URL("./playground.py", import.meta.url))).text());
  return { pyodide, module: pyodide.pyimport("playground") };
}

const started = start();
started.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error.message ?? error) }),
);

async function call(method, args) {
  const { module } = await started;
  return module[method](...args);
}

addEventListener("message", async ({ data: { id, method, args } }) => {
  try {
    postMessage({ id, result: await call(method, args) });
  } catch (error) {
    postMessage({ id, error: String(error.message ?? error) });
  }
});
