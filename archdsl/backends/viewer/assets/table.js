// The table of layers: the same parts as in the diagram, a row each, as a tree grid (www.w3.org/WAI/ARIA/apg/patterns/treegrid).

class Table {
  constructor(table, act) {
    this.body = table.tBodies[0];
    this.act = act;
    this.rows = new Map();
    this.current = null;
    this.body.addEventListener("keydown", (event) => this.onKey(event));
    this.body.addEventListener("focusin", (event) => this.act("select", event.target.closest("tr").owner));
    this.body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row?.owner.scene && event.target.closest(".sign")) this.act("toggle", row.owner);
      row?.focus();
    });
  }

  /** Write the rows of what is visible. */
  draw(root) {
    const before = this.rows;
    this.rows = new Map();
    const rows = [];
    for (const part of root.shown()) {
      if (part === root) continue;
      const old = before.get(part.key);
      const row = old?.owner === part ? old : this.make(part);
      if (part.scene) {
        row.setAttribute("aria-expanded", String(part.open));
        row.querySelector(".sign").textContent = part.open ? "▾" : "▸";
      }
      this.rows.set(part.key, row);
      rows.push(row);
    }
    this.body.replaceChildren(...rows);
    this.show(this.current?.visible ? this.current : (root.children[0] ?? null));
  }

  make(part) {
    const { item } = part;
    const row = document.createElement("tr");
    row.owner = part;
    row.setAttribute("role", "row");
    row.setAttribute("aria-level", String(part.level));
    row.tabIndex = -1;
    const sign = document.createElement("span");
    sign.className = "sign";
    sign.setAttribute("aria-hidden", "true");
    const notes = [item.times > 1 && `×${item.times}`, part.inTraining && "training", part.unused && "unused", item.shared && "shared"];
    const first = cell("", [part.name, ...notes.filter(Boolean)].join(" "));
    first.prepend(sign);
    first.style.paddingLeft = `${0.3 + 0.9 * (part.level - 1)}rem`;
    const op = item.kind === "frame" ? item.block : item.spec;
    row.append(first, cell("", op), cell("", part.output), cell("number", item.params ? count(item.params) : ""), cell("number", item.macs ? count(item.macs) : ""));
    return row;
  }

  /** Mark a row as the current one. */
  show(part, { focus = false } = {}) {
    this.current = part;
    for (const row of this.rows.values()) {
      const chosen = row.owner === part;
      row.setAttribute("aria-selected", String(chosen));
      row.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) row.focus();
      else if (chosen) row.scrollIntoView({ block: "nearest" });
    }
  }

  onKey(event) {
    const row = event.target.closest("tr");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const part = row.owner;
    const focus = (next) => next?.focus();
    switch (event.key) {
      case "ArrowDown": focus(row.nextElementSibling); break;
      case "ArrowUp": focus(row.previousElementSibling); break;
      case "Home": focus(this.body.firstElementChild); break;
      case "End": focus(this.body.lastElementChild); break;
      case "ArrowRight":
        if (part.scene && !part.open) this.act("toggle", part);
        else if (part.open) focus(row.nextElementSibling);
        break;
      case "ArrowLeft":
        if (part.open) this.act("toggle", part);
        else focus(this.rows.get(part.parent.key));
        break;
      case "Enter": case " ": this.act(part.scene ? "toggle" : "select", part); break;
      default: return;
    }
    event.preventDefault();
  }
}

function cell(name, text) {
  const made = document.createElement("td");
  made.setAttribute("role", "gridcell");
  made.className = name;
  made.append(text);
  return made;
}
