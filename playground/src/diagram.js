// The diagram: the compiler places everything, and Graphviz, as WebAssembly, draws it.

import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { ask } from "./compiler.js";

let graphviz;

/** Return the diagram of a network as SVG. */
export async function draw(text, name) {
  graphviz ??= Graphviz.load();
  const measured = (await graphviz).layout(await ask("unplaced", text, name), "json", "dot");
  const dot = await ask("dot", text, name, measured);
  const drawn = (await graphviz).layout(dot, "svg", "nop2");
  const finished = await ask("finished", drawn, text, name);
  return finished.replace(/^<\?xml[^>]*\?>/, "");
}
