// The page: one state, which frames are unfolded and which part is selected, shown by the diagram and the table alike.

const SOME = 40; // cards that the page begins with, at most
const MANY = 1500; // cards that a step unfolds to, at most
const byId = (id) => document.getElementById(id);

const page = {
  root: null,
  selected: null,
  picture: null,
  table: null,
  described: null, // the button that the card describes

  /** Show a network. What was unfolded, selected and in focus stays so, where it is still there. */
  show(data) {
    const pane = ["picture", "table"].find((name) => byId(name).contains(document.activeElement));
    const open = this.root ? new Set([...this.root.shown()].filter((part) => part.open).map((part) => part.key)) : null;
    const selected = this.selected?.key;
    document.title = data.name;
    byId("name").textContent = data.name;
    byId("facts").textContent = data.facts.join(" · ");
    byId("doc").textContent = data.doc;
    this.root = treeOf(data);
    this.selected = null;
    if (open) this.unfoldKeys(open);
    else if (data.level !== undefined) this.unfoldTo(data.level);
    else while (this.unfoldLevel(SOME));
    this.draw();
    const same = [...this.root.shown()].find((part) => part.key === selected);
    if (same) this.select(same);
    if (same && pane) this[pane].show(same, { focus: true });
    this.search();
  },

  unfoldKeys(open) {
    for (const part of this.root.shown()) if (part.scene && open.has(part.key)) part.open = true;
  },

  /** Unfold the frames down to a level, as long as not too many parts are visible. */
  unfoldTo(level) {
    let count = 0;
    for (const part of this.root.shown()) {
      if (part.item.kind === "frame" && part.level <= level && count < MANY) part.open = true;
      count++;
    }
  },

  /** Unfold the outermost folded frames, if not more parts than `most` are visible then. Return whether it did. */
  unfoldLevel(most) {
    const shown = [...this.root.shown()];
    const folded = shown.filter((part) => part.scene && !part.open);
    const least = Math.min(...folded.map((part) => part.level));
    const level = folded.filter((part) => part.level === least && (most !== SOME || part.item.kind === "frame"));
    const more = level.reduce((sum, part) => sum + part.children.length, 0);
    if (!level.length || shown.length + more > most) return false;
    for (const part of level) part.open = true;
    return true;
  },

  draw() {
    this.hideCard();
    this.picture.draw(this.root);
    this.table.draw(this.root);
    this.mark();
  },

  toggle(part, from) {
    part.open = !part.open;
    if (!part.open && this.selected?.around.includes(part)) this.selected = null;
    this.draw();
    this.select(part);
    (from === "table" ? this.table : this.picture).show(part, { focus: true });
    this.hideCard();
    byId("said").textContent = `${part.text} ${part.open ? `unfolded, ${part.children.length} parts` : "folded"}`;
  },

  select(part, from) {
    if (this.selected === part && from) return this.showCard(part);
    this.selected = part;
    this.picture.show(part);
    this.table.show(part);
    this.picture.colour(part);
    this.showCard(part);
  },

  /** Unfold the frames around a part, and select it. */
  reveal(part) {
    for (const frame of part.around) frame.open = true;
    this.draw();
    this.select(part);
  },

  /** Show what is known of a part beside it. */
  showCard(part) {
    const button = this.picture.buttonOf(part);
    this.hideCard();
    if (!button) return;
    this.described = button;
    button.setAttribute("aria-describedby", "card");
    const card = byId("card");
    card.replaceChildren(titleOf(part), listOf(part));
    card.hidden = false;
    const [at, own] = [button.getBoundingClientRect(), card.getBoundingClientRect()];
    const frame = byId("picture").getBoundingClientRect();
    const hidden = at.bottom < frame.top || at.top > frame.bottom || at.left > frame.right || at.right < frame.left;
    const right = at.right + 10 + own.width < innerWidth;
    card.style.left = `${Math.max(4, right ? at.right + 10 : at.left - own.width - 10)}px`;
    card.style.top = `${Math.max(4, Math.min(at.top, innerHeight - own.height - 4))}px`;
    card.hidden = hidden;
  },

  hideCard() {
    byId("card").hidden = true;
    this.described?.removeAttribute("aria-describedby");
    this.described = null;
  },

  /** Mark what the search finds, also frames that hide some of it. */
  mark() {
    const found = new Set(this.found ?? []);
    const around = new Set([...found].flatMap((part) => part.around.filter((frame) => !frame.open)));
    const marked = (part) => found.has(part) || around.has(part);
    for (const element of this.picture.elements.values()) element.classList.toggle("found", marked(element.owner));
    for (const row of this.table.rows.values()) row.classList.toggle("found", marked(row.owner));
  },

  search() {
    const text = byId("search").value.trim().toLowerCase();
    const matches = (part) => part !== this.root && part.searched.includes(text);
    this.found = text ? [...this.root.all()].filter(matches) : [];
    byId("found").textContent = text ? `${this.found.length} found` : "";
    this.mark();
  },

  /** Go to the next part that was found, or to the one before. */
  next(step) {
    if (!this.found.length) return;
    const at = this.found.indexOf(this.selected);
    const next = at < 0 ? (step > 0 ? 0 : this.found.length - 1) : (at + step + this.found.length) % this.found.length;
    this.reveal(this.found[next]);
    byId("found").textContent = `${next + 1} of ${this.found.length}`;
  },

  /** Show errors above the picture, or none. */
  tell(errors) {
    byId("errors").textContent = errors;
    byId("errors").hidden = !errors;
  },

  start() {
    this.picture = new Picture(byId("picture"), byId("sheet"), byId("links"), (what, part) => this.act(what, part, "picture"));
    this.table = new Table(byId("table"), (what, part) => this.act(what, part, "table"));
    byId("unfold").addEventListener("click", () => this.unfoldLevel(MANY) && this.draw());
    byId("fold").addEventListener("click", () => {
      for (const part of this.root.shown()) part.open = part === this.root;
      this.draw();
    });
    byId("larger").addEventListener("click", () => this.picture.scale(this.picture.zoom * 1.25));
    byId("smaller").addEventListener("click", () => this.picture.scale(this.picture.zoom / 1.25));
    byId("fit").addEventListener("click", () => this.picture.fit());
    byId("search").addEventListener("input", () => this.search());
    byId("search").addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.next(event.shiftKey ? -1 : 1);
    });
    byId("picture").addEventListener("scroll", () => this.hideCard());
    const data = JSON.parse(byId("network").textContent);
    this.show(data);
    this.tell(data.errors);
  },

  /** Do what a reader asks for. Return whether there was a card to dismiss. */
  act(what, part, from) {
    if (what === "dismiss") {
      const shown = !byId("card").hidden;
      this.hideCard();
      return shown;
    }
    if (what === "toggle") this.toggle(part, from);
    else if (what === "select") this.select(part, from);
    else if (part) {
      this.picture.colour(part);
      this.showCard(part);
    } else {
      this.picture.colour(this.selected);
      this.hideCard();
    }
    return false;
  },
};

function titleOf(part) {
  const title = document.createElement("p");
  const name = document.createElement("b");
  name.textContent = part.text;
  title.append(name);
  return title;
}

function listOf(part) {
  const list = document.createElement("dl");
  for (const [name, text] of factsOf(part)) {
    const [term, fact] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    fact.textContent = text;
    if (!name) fact.className = "code";
    list.append(term, fact);
  }
  return list;
}

page.start();
