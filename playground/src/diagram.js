// The diagram, which the compiler draws.

import { ask } from "./compiler.js";

/** Return the diagram of a network as SVG. */
export async function draw(text, name) {
  const drawn = await ask("diagram", text, name);
  return drawn.replace(/^<\?xml[^>]*\?>/, "");
}
