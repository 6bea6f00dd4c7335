// Draws `archdsl.Editor`. The state of the widget is in its model, which Python fills; this script shows it and sends what is typed.

const PAUSE = 150; // milliseconds without typing, after which the text is checked
const INDENT = "  ";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The parts of a line, each with the classes of the marks that cover it: `[[start, end, class], ...]`. */
function parts(line, marks) {
  const cuts = [...new Set([0, line.length, ...marks.flatMap(([start, end]) => [start, end])])].sort((a, b) => a - b);
  return cuts.slice(1).map((end, index) => {
    const classes = marks.filter((mark) => mark[0] <= cuts[index] && end <= mark[1]).map((mark) => mark[2]);
    return element("span", classes.length ? { class: classes.join(" ") } : {}, line.slice(cuts[index], end));
  });
}

/** For each line, which line of the text that was checked it was, counted from 0; -1 for a line that was added since. */
function origins(lines, checked) {
  const most = Math.min(lines.length, checked.length);
  let before = 0;
  while (before < most && lines[before] === checked[before]) before += 1;
  let after = 0;
  while (after < most - before && lines.at(-1 - after) === checked.at(-1 - after)) after += 1;
  return lines.map((_, index) => {
    if (index >= lines.length - after) return index + checked.length - lines.length;
    return index < checked.length - after ? index : -1;
  });
}

/** Whether letters are light, as on a dark page: notebooks have their themes in different ways. */
function isDark(el) {
  const [red, green, blue] = (getComputedStyle(el).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return 0.3 * red + 0.6 * green + 0.1 * blue > 128;
}

function render({ model, el }) {
  const area = element("textarea", { spellcheck: "false", wrap: "off", "aria-label": "spec", autocapitalize: "off" });
  const shown = element("pre", { class: "archdsl-shown", "aria-label": "the spec with the shape after each line" });
  const chosen = element("select", { "aria-label": "network" });
  const found = element("ul", { class: "archdsl-found", role: "status", "aria-live": "polite" });
  const picture = element("div", { class: "archdsl-picture" });
  el.classList.add("archdsl-editor");
  el.append(chosen, element("div", { class: "archdsl-text" }, shown, area), found, picture);

  let timer;
  const send = () => {
    clearTimeout(timer);
    model.set("text", area.value);
    model.save_changes();
  };
  const paint = () => {
    el.classList.toggle("archdsl-dark", isDark(el));
    const lines = area.value.split("\n");
    const checked = model.get("checked").split("\n");
    const marks = Map.groupBy(model.get("marks"), ([line]) => line - 1);
    const hints = new Map(model.get("hints").map((hint) => [hint.line - 1, hint.text]));
    const from = origins(lines, checked);
    shown.replaceChildren(
      ...lines.map((line, index) => {
        const before = checked[from[index]] ?? "";
        let same = 0; // of a line that changed since the check, what stands before the change keeps its marks
        while (same < line.length && line[same] === before[same]) same += 1;
        const known = (marks.get(from[index]) ?? []).map(([, start, end, kind]) => [start, end < 0 ? before.length : end, `archdsl-${kind}`]);
        const row = element("span", { class: "archdsl-line" }, ...parts(line, known.filter(([, end]) => end <= same)));
        const hint = hints.get(from[index]);
        if (hint !== undefined) row.append(element("span", { class: "archdsl-hint" }, hint));
        row.append("\n");
        return row;
      }),
    );
    area.rows = lines.length;
  };
  const showText = () => {
    if (area.value !== model.get("text")) area.value = model.get("text");
    paint();
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
    paint();
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
  const shows = [["text", showText], ["hints", paint], ["marks", paint], ["checked", paint], ["diagnostics", showFound], ["names", showNames], ["name", showNames], ["diagram", showPicture]];
  for (const [trait, show] of shows) {
    model.on(`change:${trait}`, show);
    show();
  }
  requestAnimationFrame(paint); // the page gives the cell its colors once it is there
  return () => {
    clearTimeout(timer);
    for (const [trait, show] of shows) model.off(`change:${trait}`, show);
  };
}

export default { render };
