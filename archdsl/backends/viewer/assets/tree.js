// The network as a tree: parts, of which some are frames with a scene of parts inside. Frames of equal blocks share a scene,
// so a part of the tree is made when somebody looks at it.

/** A part at its place in the network. `item` is its entry in the data, `at` its number in the scene around it. */
class Part {
  constructor(network, item, parent, at) {
    this.network = network;
    this.item = item;
    this.parent = parent;
    this.at = at;
    this.level = parent ? parent.level + 1 : 0;
    this.open = parent === null;
    this.scene = item.scene === undefined ? null : network.scenes[item.scene];
    const around = parent ? parent.inner : [""];
    this.paths = item.path.reduce(below, around);
    this.inner = item.beside ? item.path.slice(0, -1).reduce(below, around) : this.paths;
    this.first = item.first + (parent ? parent.first : 0); // its first op, of all that run
    this.further = (item.times > 1 ? (item.times - 1) * item.ops : 0) + (parent ? parent.further : 0); // ops from the first to the last instance
    this.inTraining = item.usage === "training" || Boolean(parent?.inTraining);
    this.unused = item.usage === "never" || Boolean(parent?.unused);
  }

  /** The parts inside. */
  get children() {
    this.made ??= this.scene ? this.scene.parts.map((item, at) => new Part(this.network, item, this, at)) : [];
    return this.made;
  }

  /** What tells a part from the others of its scene, also after the file has changed. */
  get key() {
    if (this.ownKey === undefined) {
      const like = (part) => `${part.item.kind} ${part.name}`;
      const before = this.parent ? this.parent.children.slice(0, this.at).filter((part) => like(part) === like(this)).length : 0;
      this.ownKey = this.parent ? `${this.parent.key}/${like(this)}/${before}` : "";
    }
    return this.ownKey;
  }

  /** The words on it, each with whether it is bold; a name up to that of the last instance. */
  get words() {
    const isName = (text) => text === this.own || this.own.endsWith(`.${text}`);
    return this.item.words.map(([text, main]) => [isName(text) ? rangeOf(text, this.own, this.item.last) : text, main]);
  }

  /** The words in one line. */
  get text() {
    return this.words.map((word) => word[0]).join(" · ") + (this.item.times > 1 ? ` ×${this.item.times}` : "");
  }

  /** The dotted path, as in the `state_dict`; of several equal instances from the first to the last. */
  get path() {
    const path = this.paths.at(-1);
    return this.item.last ? rangeOf(path, this.own, this.item.last) : path;
  }

  /** The names of its own part of the path. */
  get own() {
    return this.item.path.map((step) => step[1]).filter(Boolean).join(".");
  }

  /** Its own part of the path, up to the last instance; what has no name in the path, as a join, is called by its op. */
  get name() {
    if (["input", "end", "failure"].includes(this.item.kind)) return this.item.words[0][0];
    return this.own ? rangeOf(this.own, this.own, this.item.last) : this.item.spec || this.item.words[0][0];
  }

  /** How often it is there, with the frames around it. */
  get times() {
    return (this.item.times || 1) * (this.parent ? this.parent.times : 1);
  }

  /** The frames around it, the outermost first. */
  get around() {
    return this.parent ? [...this.parent.around, this.parent] : [];
  }

  /** Whether it is on the page: all frames around it are unfolded. */
  get visible() {
    return this.around.every((part) => part.open);
  }

  get output() {
    const shapes = this.item.kind === "end" ? this.item.takes : this.item.makes;
    return shapes.map((shape) => this.network.shapes[shape]).join(", ");
  }

  get input() {
    return this.item.takes.map((shape) => this.network.shapes[shape]).join(", ");
  }

  /** The shape that it makes, if that is another one than it takes first. */
  get change() {
    const { takes, makes } = this.item;
    return makes.length && makes[0] !== takes[0] ? this.network.shapes[makes[0]] : "";
  }

  /** The receptive field of what it makes, from the first to the last instance. */
  get field() {
    const { fields, fieldOf } = this.network;
    if (!fieldOf.length || this.item.maker < 0 || ["network", "input", "end"].includes(this.item.kind)) return "";
    const maker = this.first + this.item.maker;
    const [one, last] = [fields[fieldOf[maker]], fields[fieldOf[maker + this.further]]];
    return one === last ? one : `${one} to ${last}`;
  }

  /** What a search looks at. */
  get searched() {
    this.lower ??= [this.path, this.text, this.item.spec, this.output].join("\n").toLowerCase();
    return this.lower;
  }

  /** This part and all inside, in order, folded ones too. */
  *all() {
    yield this;
    for (const child of this.children) yield* child.all();
  }

  /** This part and what is visible inside. */
  *shown() {
    yield this;
    if (this.open) for (const child of this.children) yield* child.shown();
  }
}

/** Return the paths of a module: those of the modules around it, then its own. `levels` is how many of them its owner is up. */
function below(paths, [levels, name]) {
  const around = paths.slice(0, paths.length - levels);
  return name ? [...around, around.at(-1) ? `${around.at(-1)}.${name}` : name] : around;
}

/** Return a path up to that of the last instance, without what both begin with: `layer1.1–2`, `encoder_layer_0–11`. */
function rangeOf(path, own, last) {
  if (!last) return path;
  const stem = own.replace(/[^.]*$/, "");
  const more = own.slice(stem.length).replace(/[0-9]+$/, "");
  return `${path}–${last.startsWith(stem + more) ? last.slice((stem + more).length) : last}`;
}

/** Return the tree of a network. Entries of the data leave out what is as usual. */
function treeOf(data) {
  for (const scene of data.scenes) {
    for (const item of scene.parts) {
      for (const list of ["words", "path", "takes", "makes"]) item[list] ??= [];
      for (const text of ["block", "spec", "doc", "last", "usage"]) item[text] ??= "";
      for (const number of ["category", "params", "macs", "times", "first", "maker", "ops"]) item[number] ??= 0;
    }
  }
  const root = { kind: "network", words: [[data.name, 1]], path: [], takes: [], makes: [], scene: data.scenes.length - 1, times: 0 };
  return new Part(data, { ...root, block: "", spec: "", doc: "", last: "", usage: "", params: 0, macs: 0, category: 0, first: 0, maker: -1, ops: 0 }, null, 0);
}

/** Return a number with separators; a formula as it is. */
const count = (number) => (typeof number === "number" ? number.toLocaleString("en") : number);

/** Return lines that describe a part: a label and a text each. */
function factsOf(part) {
  const { item, network } = part;
  const each = item.times > 1 ? " each" : "";
  const total = (number) => (each && typeof number === "number" ? `, ${count(number * item.times)} in all ${item.times}` : "");
  const notes = [part.inTraining && "training only", part.unused && "never used", item.shared && "shares its weights"];
  const lines = [[item.path.some((step) => step[1]) ? "path" : "in", part.path], ["op", item.spec], ["input", part.input]];
  if (item.makes.length) lines.push(["output", part.output]);
  if (item.params) lines.push(["params", count(item.params) + each + total(item.params)]);
  if (item.macs) lines.push(["MACs", count(item.macs) + each + total(item.macs)]);
  lines.push(["receptive field", part.field], ["note", notes.filter(Boolean).join(", ")], ["about", item.doc]);
  if (item.line !== undefined) {
    const [file, number, text] = network.lines[item.line];
    lines.push(["source", `${file}:${number}`], ["", text]);
  }
  return lines.filter(([, text]) => text);
}
