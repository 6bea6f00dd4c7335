// The diagram: a button for each card and for the title of each unfolded frame, at the places that placing.js finds, and the links
// between them as paths of one SVG.

const CARD = { height: 28, tall: 42, pad: 12, least: 84, join: 24, bar: 20, branch: 30 };
const FONT = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
const pen = document.createElement("canvas").getContext("2d");

class Picture {
  /** `act` is called with what a reader does: `select`, `toggle`, `point` at a part. */
  constructor(frame, sheet, svg, act) {
    Object.assign(this, { frame, sheet, svg, act, zoom: 1 });
    this.elements = new Map();
    this.current = null;
    frame.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** Draw a network as far as its frames are unfolded. */
  draw(root) {
    this.root = root;
    this.segments = [];
    this.places = new Map();
    const place = sizeOf(root);
    const margin = 16;
    this.width = place.left + place.right + 2 * margin;
    this.height = place.scene.height + 2 * margin;
    const unused = new Map(this.elements);
    const order = [];
    this.lay(root, place, place.left + margin, margin, unused, order);
    for (const [key, element] of unused) {
      element.remove();
      this.elements.delete(key);
    }
    order.forEach((element, i) => this.sheet.children[i + 1] !== element && this.sheet.insertBefore(element, this.sheet.children[i + 1] ?? null));
    this.drawLinks();
    this.scale(this.zoom);
    if (!this.current?.visible || this.current === root) this.current = root.children[0] ?? null;
    this.makeTabStop();
  }

  /** Place the parts of an unfolded frame around an anchor, and note the links. */
  lay(part, place, x, y, unused, order) {
    const { nodes, links } = place.scene;
    for (const child of part.children) {
      const node = nodes.get(child.at);
      const at = { left: x + node.x - node.left, top: y + node.top, width: node.left + node.right, height: node.height, row: node.row };
      this.places.set(child, at);
      const element = this.elementOf(child, unused);
      Object.assign(element.style, { left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`, height: `${at.height}px` });
      order.push(element);
      if (child.open) {
        const title = element.firstChild;
        title.style.left = `${node.left + node.title}px`;
        this.lay(child, node, x + node.x, y + node.top, unused, order);
      }
    }
    for (const link of links) {
      this.segments.push({
        frame: part,
        from: this.endOf(part, link.source.number, link.output, "outputs"),
        to: this.endOf(part, link.target.number, link.input, "inputs"),
        kind: link.projection ? "skip projection" : link.skip ? "skip" : "",
        points: link.points.map(([px, py]) => [x + px, y + py]),
      });
    }
  }

  /** Return the end of a link: a card, or the port of a frame, as a text that all links there share. */
  endOf(frame, number, index, side) {
    if (number < 0) return `${frame.key}|inputs ${-1 - number}`;
    const child = frame.children[number];
    if (!child) return `${frame.key}|outputs ${number - frame.children.length}`;
    return child.open ? `${child.key}|${side} ${index}` : child.key;
  }

  /** Return the element of a part, the one that is there already if it still fits. */
  elementOf(part, unused) {
    const key = part.key + (part.open ? " open" : "");
    let element = unused.get(key);
    if (element?.owner.item === part.item) {
      unused.delete(key);
    } else {
      element = this.make(part);
      this.elements.set(key, element);
      if (unused.get(key)) unused.get(key).remove();
      unused.delete(key);
      this.sheet.append(element);
    }
    element.owner = part;
    return element;
  }

  make(part) {
    const { item, network } = part;
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    const classes = ["part", item.kind, `of-${network.categories[item.category]}`];
    if (part.inTraining) classes.push("training");
    if (part.unused) classes.push("unused");
    if (item.times > 1) classes.push("several");
    if (part.scene) button.setAttribute("aria-expanded", String(part.open));
    button.setAttribute("aria-label", labelOf(part));
    const words = document.createElement("span");
    words.className = "words";
    for (const [text, main] of wordsOf(part)) {
      const word = document.createElement(main ? "b" : "span");
      word.textContent = text;
      words.append(word);
    }
    button.append(words);
    if (part.change && !part.open && hasShape(part)) {
      const shape = document.createElement("span");
      shape.className = "shape";
      shape.textContent = part.change;
      button.append(shape);
    }
    let element = button;
    if (part.open) {
      element = document.createElement("div");
      button.className = "title";
      element.append(button);
      classes.push("unfolded");
    }
    element.className = classes.join(" ");
    button.addEventListener("click", () => this.act(part.scene ? "toggle" : "select", element.owner));
    button.addEventListener("focus", () => this.act("select", element.owner));
    button.addEventListener("pointerenter", () => this.act("point", element.owner));
    button.addEventListener("pointerleave", () => this.act("point", null));
    return element;
  }

  /** Return the button of a visible part. */
  buttonOf(part) {
    const element = this.elements.get(part.key + (part.open ? " open" : ""));
    return part.open ? element?.firstChild : element;
  }

  drawLinks() {
    this.svg.replaceChildren();
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", this.height);
    for (const segment of this.segments) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", pathOf(segment.points));
      segment.arrow = !segment.to.includes("|");
      segment.path = path;
      this.svg.append(path);
      if (segment.arrow) {
        const [x, y] = segment.points.at(-1);
        const tip = document.createElementNS("http://www.w3.org/2000/svg", "path");
        tip.setAttribute("d", `M${x - 3.5} ${y - 7}L${x + 3.5} ${y - 7}L${x} ${y}Z`);
        segment.tip = tip;
        this.svg.append(tip);
      }
    }
    this.colour(null);
  }

  /** Show what feeds a part and what it feeds: the links next to it coloured, and what is on no way through it faint. */
  colour(part) {
    const ways = part && part !== this.root ? this.waysOf(part) : null;
    for (const segment of this.segments) {
      const inside = segment.frame === part || segment.frame.around.includes(part);
      const role = ways?.near.get(segment) ?? (ways && !inside && !ways.far.has(segment) ? "aside" : "");
      for (const shape of [segment.path, segment.tip]) {
        shape?.setAttribute("class", `${shape === segment.tip ? "tip" : "link"} ${segment.kind} ${role}`);
      }
    }
    for (const element of this.elements.values()) {
      const other = element.owner;
      const aside = ways && !ways.ends.has(other.key) && !other.around.includes(part) && other !== part && !other.open;
      element.classList.toggle("aside", Boolean(aside));
      element.classList.toggle("feeds", Boolean(ways?.sources.has(other.key)));
      element.classList.toggle("fed", Boolean(ways?.targets.has(other.key)));
    }
  }

  /** Return the segments next to a part and further away, in both directions, and the cards that they reach. */
  waysOf(part) {
    const ways = { near: new Map(), far: new Set(), ends: new Set(), sources: new Set(), targets: new Set() };
    this.follow(part, "to", "from", "in", ways.sources, ways);
    this.follow(part, "from", "to", "out", ways.targets, ways);
    return ways;
  }

  follow(part, near, far, role, direct, ways) {
    const at = new Map();
    for (const segment of this.segments) at.set(segment[near], [...(at.get(segment[near]) ?? []), segment]);
    const side = near === "to" ? "inputs" : "outputs";
    const starts = part.open ? [...at.keys()].filter((end) => end.startsWith(`${part.key}|${side}`)) : [part.key];
    const pending = starts.map((end) => [end, true]);
    const seen = new Set(starts);
    while (pending.length) {
      const [end, first] = pending.pop();
      for (const segment of at.get(end) ?? []) {
        ways.far.add(segment);
        if (first) ways.near.set(segment, role);
        const next = segment[far];
        const port = next.includes("|");
        if (!port) {
          ways.ends.add(next);
          if (first) direct.add(next);
        }
        if (!seen.has(next)) {
          seen.add(next);
          pending.push([next, first && port]);
        }
      }
    }
  }

  /** Return what feeds a part directly, or what it feeds. */
  neighbours(part, direction) {
    const ways = this.waysOf(part);
    const keys = direction === "before" ? ways.sources : ways.targets;
    return [...this.places.keys()].filter((other) => keys.has(other.key) && !other.open);
  }

  /** Mark a part as the current one. */
  show(part, { focus = false } = {}) {
    this.current = part;
    for (const element of this.elements.values()) element.classList.toggle("current", element.owner === part);
    this.makeTabStop();
    const button = part && this.buttonOf(part);
    if (focus) button?.focus();
    else button?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  makeTabStop() {
    for (const element of this.elements.values()) {
      (element.owner.open ? element.firstChild : element).tabIndex = element.owner === this.current ? 0 : -1;
    }
  }

  scale(zoom) {
    this.zoom = Math.min(2, Math.max(0.2, zoom));
    this.sheet.style.transform = `scale(${this.zoom})`;
    this.sheet.style.width = `${this.width}px`;
    this.sheet.style.height = `${this.height}px`;
    this.sheet.style.marginLeft = `${Math.max(0, (this.frame.clientWidth - this.zoom * this.width) / 2)}px`;
    this.sheet.style.marginRight = `${(this.zoom - 1) * this.width}px`;
    this.sheet.style.marginBottom = `${(this.zoom - 1) * this.height}px`;
  }

  /** Zoom so that everything is in sight, but not larger than it is. */
  fit() {
    this.scale(Math.min(1, this.frame.clientWidth / this.width, this.frame.clientHeight / this.height));
  }

  onKey(event) {
    const part = event.target.closest?.(".part")?.owner;
    if (!part || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape" && this.act("dismiss", part)) return;
    const next = this.towards(part, event.key);
    if (next === undefined) return;
    event.preventDefault();
    if (next) this.buttonOf(next)?.focus();
  }

  /** Return where a key leads from a part: undefined for other keys, null if there is nothing. */
  towards(part, key) {
    const row = () => {
      const at = this.places.get(part);
      return part.parent.children.filter((other) => this.places.get(other)?.row === at.row).sort((a, b) => this.places.get(a).left - this.places.get(b).left);
    };
    const frame = part.parent === this.root ? null : part.parent;
    switch (key) {
      case "ArrowDown": return part.open ? part.children[0] : (this.neighbours(part, "after")[0] ?? null);
      case "ArrowUp": return this.neighbours(part, "before").at(-1) ?? frame;
      case "ArrowRight": return row()[row().indexOf(part) + 1] ?? null;
      case "ArrowLeft": return row()[row().indexOf(part) - 1] ?? frame;
      case "Escape": return frame;
      case "Home": return this.root.children[0];
      case "End": return this.root.children.at(-1);
    }
    return undefined;
  }
}

/** Return the words on a part: on a frame with a sign that says whether it is unfolded. */
function wordsOf(part) {
  const { item } = part;
  const words = part.words.map(([text, main], i) => [i ? ` · ${text}` : text, main]);
  if (item.times > 1) words.push([` ×${item.times}`, 1]);
  return part.scene ? [[part.open ? "▾ " : "▸ ", 0], ...words] : words;
}

/** Return what a screen reader says of a part. */
function labelOf(part) {
  const { item } = part;
  const name = item.kind === "join" || item.kind === "bar" ? item.spec : part.words.map((word) => word[0]).join(", ");
  const words = [name, item.times > 1 && `${item.times} times`, part.path !== name && part.path, item.makes.length && `output ${part.output}`];
  return words.filter(Boolean).join(", ");
}

const hasShape = (part) => !["join", "bar"].includes(part.item.kind);

function widthOf(part) {
  let width = 0;
  for (const [text, main] of wordsOf(part)) {
    pen.font = `${main ? "bold " : ""}12px ${FONT}`;
    width += pen.measureText(text).width;
  }
  return width;
}

/** Return the room that a part needs: a card around its words, an unfolded frame around its scene, with its ports. */
function sizeOf(part) {
  if (part.open) return frameSize(part);
  const { item } = part;
  const outputs = Math.max(1, item.makes.length);
  if (item.kind === "join") return { left: CARD.join / 2, right: CARD.join / 2, height: CARD.join, outputs };
  let width = widthOf(part);
  let height = CARD.height;
  if (item.kind === "bar") {
    height = CARD.bar;
    width = Math.max(width, CARD.branch * item.takes.length);
  } else if (part.change) {
    pen.font = `11px ${FONT}`;
    width = Math.max(width, pen.measureText(part.change).width);
    height = CARD.tall;
  }
  width = Math.max(CARD.least, width + 2 * CARD.pad);
  return { left: width / 2, right: width / 2, height, outputs };
}

/** Return the room of an unfolded frame: its title is beside the links that come in, and never below them. */
function frameSize(part) {
  const root = part.parent === null;
  const scene = placeScene(part.scene, part.children.map(sizeOf), root ? 0 : GAP.title);
  const ports = { inputs: [], outputs: [] };
  for (const { number, x } of scene.nodes.values()) {
    if (number < 0) ports.inputs[-1 - number] = x;
    if (number >= part.children.length) ports.outputs[number - part.children.length] = x;
  }
  const pad = root ? 0 : GAP.frame;
  let [left, right] = [scene.left + pad, scene.right + pad];
  const wide = widthOf(part) + 14;
  const fits = wide + 12 <= left + Math.min(right, ...ports.inputs);
  const title = fits ? 4 - left : Math.max(-left, ...ports.inputs) + 6;
  right = Math.max(right, title + wide + 6);
  const height = scene.height + (part.scene.outputs || root ? 0 : pad);
  return { left, right, height, scene, ports, title, outputs: part.scene.outputs };
}

/** Return the path of a link through its corners: straight down, and in curves across the gaps between rows. */
function pathOf(points) {
  let path = `M${points[0].map(round).join(" ")}`;
  for (let i = 1; i < points.length; i++) {
    const [[ax, ay], [bx, by]] = [points[i - 1], points[i]];
    const middle = (ay + by) / 2;
    path += Math.abs(ax - bx) < 0.5 ? `L${round(bx)} ${round(by)}` : `C${round(ax)} ${round(middle)} ${round(bx)} ${round(middle)} ${round(bx)} ${round(by)}`;
  }
  return path;
}

const round = (number) => Math.round(number * 10) / 10;
