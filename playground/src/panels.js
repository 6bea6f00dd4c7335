// The list of findings and the layer table.

function make(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Show what was found, each with a button that goes to its place, and one that applies its remedy. */
export function showFindings(parent, diagnostics, fix, reveal) {
  parent.replaceChildren(
    ...diagnostics.map((one) => {
      const item = make("li", undefined, { class: one.severity });
      const place = make("button", `${one.place ? `line ${one.place.line}: ` : ""}${one.code}`, { class: "place" });
      place.addEventListener("click", () => reveal(one));
      item.append(place, make("span", one.message));
      for (const note of one.notes) item.append(make("div", note, { class: "note" }));
      if (one.help) item.append(make("div", `help: ${one.help}`, { class: "note" }));
      if (one.fix) {
        const button = make("button", one.fix.applicability === "certain" ? "Fix" : "Try this", { class: "fix" });
        button.addEventListener("click", () => fix(one));
        item.append(button);
      }
      return item;
    }),
  );
}

const number = (value) => (typeof value === "number" ? value.toLocaleString("en-US") : (value ?? "symbolic"));

/** Show the layers of a network, its totals and its valid sizes. */
export function showTable(parent, network) {
  if (!network) return parent.replaceChildren(make("p", "There is no network in this text."));
  if (!network.ok) return parent.replaceChildren(make("p", `${network.name} has errors.`));
  const table = make("table");
  const head = make("tr");
  for (const title of ["name", "op", "shape", "params", "MACs", "times"]) head.append(make("th", title, { scope: "col" }));
  table.append(head);
  for (const row of network.rows) {
    const line = make("tr", undefined, row.unused || row.head ? { class: "aside" } : {});
    line.append(make("td", row.name), make("td", row.op), make("td", `[${row.shape.join(", ")}]`));
    for (const value of [row.params, row.macs]) line.append(make("td", value === 0 ? "" : number(value), { class: "number" }));
    line.append(make("td", row.times > 1 ? `×${row.times}` : "", { class: "number" }));
    table.append(line);
  }
  const { params, macs, depth } = network.totals;
  const totals = make("p", `${number(params)} parameters, ${number(macs)} MACs, depth ${depth}`, { class: "totals" });
  parent.replaceChildren(totals, ...network.sizes.map((sentence) => make("pre", sentence)), table);
}
