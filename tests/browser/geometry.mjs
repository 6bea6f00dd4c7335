// What a picture must not show, computed in the page from what it drew.

/** Return sentences about boxes that overlap, contents outside of their frames, and links across boxes or titles. */
export function faults() {
  const found = [];
  const sheet = document.getElementById("sheet").getBoundingClientRect();
  const zoom = page.picture.zoom;
  const boxOf = (element) => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    return [left - sheet.left, top - sheet.top, right - sheet.left, bottom - sheet.top].map((number) => number / zoom);
  };
  const meet = (a, b, by) => a[0] + by < b[2] && b[0] + by < a[2] && a[1] + by < b[3] && b[1] + by < a[3];
  const within = (a, b) => a[0] >= b[0] - 0.5 && a[1] >= b[1] - 0.5 && a[2] <= b[2] + 0.5 && a[3] <= b[3] + 0.5;
  const shown = [...page.root.shown()].filter((part) => part !== page.root);
  const box = new Map(shown.map((part) => [part, boxOf(part.open ? page.picture.buttonOf(part).parentElement : page.picture.buttonOf(part))]));
  const frames = [page.root, ...shown.filter((part) => part.open)];
  for (const frame of frames) {
    const inside = frame.children;
    inside.forEach((part, i) => {
      for (const other of inside.slice(i + 1)) if (meet(box.get(part), box.get(other), 0.5)) found.push(`${part.text} overlaps ${other.text}`);
      if (frame !== page.root && !within(box.get(part), box.get(frame))) found.push(`${part.text} is outside of ${frame.text}`);
    });
  }
  const titles = frames.filter((frame) => frame !== page.root).map((frame) => [frame, boxOf(page.picture.buttonOf(frame))]);
  for (const [frame, title] of titles) {
    if (!within(title, box.get(frame))) found.push(`the title ${frame.text} is outside of its frame`);
    for (const part of frame.children) if (meet(title, box.get(part), 0.5)) found.push(`${part.text} is on the title ${frame.text}`);
  }
  for (const segment of page.picture.segments) {
    for (const [x, y] of samples(segment.points)) {
      const on = (b, by) => x > b[0] + by && x < b[2] - by && y > b[1] + by && y < b[3] - by;
      for (const part of segment.frame.children) if (on(box.get(part), 1)) found.push(`a link from ${segment.from} to ${segment.to} crosses ${part.text}`);
      for (const [frame, title] of titles) if (on(title, 0)) found.push(`a link from ${segment.from} to ${segment.to} crosses the title ${frame.text}`);
      if (x < 0 || y < 0 || x > page.picture.width || y > page.picture.height) found.push(`a link from ${segment.from} leaves the sheet`);
    }
  }
  return [...new Set(found)];

  /** Points of a link: of its lines, and of the curves across gaps. */
  function* samples(points) {
    for (let i = 1; i < points.length; i++) {
      const [[ax, ay], [bx, by]] = [points[i - 1], points[i]];
      for (let t = 0; t <= 1; t += 1 / 16) {
        const s = 1 - t;
        const [c0, c1, c2, c3] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
        const middle = (ay + by) / 2;
        yield [(c0 + c1) * ax + (c2 + c3) * bx, c0 * ay + (c1 + c2) * middle + c3 * by];
      }
    }
  }
}
