// Draws `archdsl.Editor`. The state of the widget is in its model, which Python fills; this script shows it and sends what is typed.

const PAUSE = 150; // milliseconds without typing, after which the text is checked
const INDENT = "  ";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  const area = element("textarea", { spellcheck: "false", wrap: "off", "aria-label": "spec", autocapitalize: "off" });
  const gutter = element("pre", { class: "archdsl-hints", "aria-label": "shapes after each line" });
  const chosen = element("select", { "aria-label": "network" });
  const found = element("ul", { class: "archdsl-found", role: "status", "aria-live": "polite" });
  const picture = element("div", { class: "archdsl-picture" });
  el.classList.add("archdsl-editor");
  el.append(chosen, element("div", { class: "archdsl-text" }, area, gutter), found, picture);

  let timer;
  const send = () => {
    clearTimeout(timer);
    model.set("text", area.value);
    model.save_changes();
  };
  const resize = () => {
    area.rows = area.value.split("\n").length;
  };
  const showText = () => {
    if (area.value !== model.get("text")) area.value = model.get("text");
    resize();
  };
  const showHints = () => {
    const lines = area.value.split("\n").map(() => "");
    const wrong = new Map(model.get("diagnostics").filter((one) => one.place).map((one) => [one.place.line, one.severity]));
    for (const hint of model.get("hints")) if (hint.line <= lines.length) lines[hint.line - 1] = hint.text;
    gutter.replaceChildren(
      ...lines.map((text, index) => {
        const severity = wrong.get(index + 1);
        const line = element("span", severity ? { class: `archdsl-${severity}` } : {}, severity ? `◀ ${text}` : text);
        line.append("\n");
        return line;
      }),
    );
  };
  const showFound = () => {
    found.replaceChildren(
      ...model.get("diagnostics").map((one, index) => {
        const place = one.place ? `line ${one.place.line}: ` : "";
        const item = element("li", { class: `archdsl-${one.severity}` }, `${place}${one.severity}[${one.code}]: ${one.message}`);
        if (one.help) item.append(element("div", { class: "archdsl-help" }, `help: ${one.help}`));
        if (one.fix) {
          const button = element("button", { type: "button" }, "Fix");
          button.addEventListener("click", () => {
            if (area.value === model.get("text")) model.send({ fix: index });
            else send(); // what was typed since: the fix is for the text before
          });
          item.append(button);
        }
        return item;
      }),
    );
    showHints();
  };
  const showNames = () => {
    const names = model.get("names");
    chosen.hidden = names.length < 2 && ["", ...names].includes(model.get("name"));
    chosen.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    chosen.value = model.get("name") || names[0] || "";
  };
  const showPicture = () => {
    picture.innerHTML = model.get("diagram"); // an SVG element that archdsl made, in which all text is escaped
  };

  area.addEventListener("input", () => {
    resize();
    showHints();
    clearTimeout(timer);
    timer = setTimeout(send, PAUSE);
  });
  area.addEventListener("keydown", (event) => {
    event.stopPropagation(); // shortcuts of the notebook
    if (event.key === "Escape") area.blur();
    if (event.key !== "Tab" || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    area.setRangeText(INDENT, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  });
  chosen.addEventListener("change", () => {
    model.set("name", chosen.value);
    model.save_changes();
  });
  const shows = [["text", showText], ["hints", showHints], ["diagnostics", showFound], ["names", showNames], ["name", showNames], ["diagram", showPicture]];
  for (const [trait, show] of shows) {
    model.on(`change:${trait}`, show);
    show();
  }
  return () => {
    clearTimeout(timer);
    for (const [trait, show] of shows) model.off(`change:${trait}`, show);
  };
}

export default { render };
