// Where the parts of a scene are: Graphviz has put them into rows and in order, and what they need of room depends on which are
// unfolded. Rows do not overlap, nor do the parts of a row; a link that goes past a row runs in a lane beside its parts.

const GAP = { column: 22, row: 26, below: 12, lane: 9, frame: 14, title: 22, most: 70 };

/**
 * Return the places of a scene, around its trunk at x = 0 and from y = 0 down: `nodes` by the numbers that links use, each
 * with its anchor `x`, `left` and `right` of it, `top` and `height`; and the `links` as points. `sizes` are those of the parts.
 */
function placeScene(scene, sizes, head) {
  const count = scene.parts.length;
  const nodes = new Map();
  scene.rows.forEach((row, index) => row.forEach((number) => {
    const size = sizes[number] ?? { left: 0, right: 0, height: 0, ports: null };
    nodes.set(number, { number, row: index, x: 0, ...size });
  }));
  const links = scene.links.map(([source, output, target, input, skip, projection]) => ({ source: nodes.get(source), output, target: nodes.get(target), input, skip, projection }));
  placeColumns(scene, nodes, links);
  const lanes = placeLanes(nodes, links, scene.rows);
  spreadEnds(links, count);
  const rows = placeRows(scene.rows, nodes, links, head);
  for (const link of links) link.points = pointsOf(link, rows);
  const extent = { left: 0, right: 0 };
  for (const { x, left, right } of [...nodes.values(), ...lanes.map((lane) => ({ x: lane.x, left: GAP.lane, right: GAP.lane }))]) {
    extent.left = Math.max(extent.left, left - x);
    extent.right = Math.max(extent.right, right + x);
  }
  return { nodes, links, ...extent, height: Math.max(0, ...[...nodes.values()].map((node) => node.top + node.height)) };
}

/** The place of an output or input of a node, relative to its anchor: frames have ports, cards one place for all. */
const portOf = (node, side, index) => node.ports?.[side][index] ?? 0;

/** Set `x` of all nodes: the trunk at 0, the others as near to what they are linked with as the parts of their row allow. */
function placeColumns(scene, nodes, links) {
  const trunk = new Set(scene.trunk);
  const near = new Map([...nodes.keys()].map((number) => [number, []]));
  for (const link of links) {
    const [out, into] = [portOf(link.source, "outputs", link.output), portOf(link.target, "inputs", link.input)];
    const weight = link.skip ? 0.1 : 1;
    near.get(link.target.number).push({ node: link.source, shift: out - into, weight });
    near.get(link.source.number).push({ node: link.target, shift: into - out, weight });
  }
  const turns = scene.rows.some((row) => row.length > 1) ? 12 : 1;
  for (let turn = 0; turn < turns; turn++) {
    const rows = turn % 2 ? [...scene.rows].reverse() : scene.rows;
    for (const row of rows) placeRow(row.map((number) => wish(nodes.get(number), near.get(number), trunk)));
  }
}

/** Return where a node wants to be, and how much. */
function wish(node, near, trunk) {
  if (trunk.has(node.number)) return { node, x: 0, weight: 1e6 };
  const weight = near.reduce((sum, one) => sum + one.weight, 0);
  const x = weight ? near.reduce((sum, one) => sum + one.weight * (one.node.x + one.shift), 0) / weight : 0;
  return { node, x, weight: 1 };
}

/**
 * Place the nodes of a row at the least sum of weighted squares from where they want to be, with gaps between them: a regression
 * by pooling neighbours that want to be nearer than they may (Barlow et al. 1972, Statistical inference under order restrictions).
 */
function placeRow(wishes) {
  const pools = [];
  let shift = 0;
  wishes.forEach(({ node, x, weight }, i) => {
    if (i) shift += wishes[i - 1].node.right + GAP.column + node.left;
    pools.push({ x: x - shift, weight, members: [{ node, shift }] });
    while (pools.length > 1 && pools.at(-2).x > pools.at(-1).x) {
      const [one, other] = pools.splice(-2);
      const sum = one.weight + other.weight;
      pools.push({ x: (one.x * one.weight + other.x * other.weight) / sum, weight: sum, members: [...one.members, ...other.members] });
    }
  });
  for (const pool of pools) for (const { node, shift } of pool.members) node.x = pool.x + shift;
}

/** Give each value that goes past a row a lane, the nearest that is free in all rows on its way; short ones choose first. */
function placeLanes(nodes, links, rows) {
  const long = new Map();
  for (const link of links.filter((link) => link.target.row - link.source.row > 1)) {
    const key = `${link.source.number} ${link.output}`;
    if (!long.has(key)) long.set(key, { links: [], from: link.source.row + 1, to: 0 });
    const lane = long.get(key);
    lane.links.push(link);
    lane.to = Math.max(lane.to, link.target.row - 1);
  }
  const placed = [];
  for (const lane of [...long.values()].sort((one, other) => one.to - one.from - (other.to - other.from))) {
    const taken = [];
    for (const row of rows.slice(lane.from, lane.to + 1)) {
      for (const number of row) {
        const { x, left, right } = nodes.get(number);
        taken.push([x - left - GAP.lane, x + right + GAP.lane]);
      }
    }
    for (const other of placed) {
      if (other.from <= lane.to && lane.from <= other.to) taken.push([other.x - GAP.lane, other.x + GAP.lane]);
    }
    const { source, output, target, input } = lane.links.at(-1);
    const [start, end] = [source.x + portOf(source, "outputs", output), target.x + portOf(target, "inputs", input)];
    const bend = (x) => Math.abs(x - start) + Math.abs(x - end) - x * 0.001;
    const free = (x) => taken.every(([low, high]) => x <= low || x >= high);
    lane.x = [start, end, ...taken.flat()].filter(free).sort((one, other) => bend(one) - bend(other))[0];
    for (const link of lane.links) link.lane = lane.x;
    placed.push(lane);
  }
  return placed;
}

/** Set where links leave and enter: at the ports of frames; on a card side by side, that from right above in the middle. */
function spreadEnds(links, count) {
  const entering = new Map();
  for (const link of links) {
    const { source, target } = link;
    const spread = source.outputs > 1 && !source.ports ? (link.output - (source.outputs - 1) / 2) * Math.min(16, (source.left + source.right - 16) / source.outputs) : 0;
    link.start = source.x + portOf(source, "outputs", link.output) + spread;
    link.end = target.x + portOf(target, "inputs", link.input);
    if (!target.ports && target.number < count) entering.set(target, [...(entering.get(target) ?? []), link]);
  }
  for (const [target, group] of entering) {
    if (group.length < 2) continue;
    const from = (link) => link.lane ?? link.start;
    group.sort((one, other) => from(one) - from(other));
    const straight = group.findIndex((link) => Math.abs(from(link) - target.x) < 1);
    const middle = straight >= 0 ? straight : (group.length - 1) / 2;
    const step = Math.min(14, (target.left + target.right - 12) / (2 * Math.max(middle, group.length - 1 - middle)));
    group.forEach((link, i) => (link.end = target.x + (i - middle) * step));
  }
}

/** Set `top` of all nodes, and return top and bottom of each row. A gap is high enough for what crosses it sideways. */
function placeRows(rows, nodes, links, head) {
  const sideways = rows.map(() => 0);
  const cross = (row, far) => (sideways[row] = Math.max(sideways[row], Math.abs(far)));
  for (const { source, target, start, end, lane } of links) {
    cross(source.row, start - (lane ?? end));
    cross(target.row - 1, (lane ?? start) - end);
  }
  const first = rows[0]?.[0] < 0 ? [0, head] : [head, 0];
  let y = first[0];
  return rows.map((row, index) => {
    const height = Math.max(index === 0 ? first[1] : 0, ...row.map((number) => nodes.get(number).height));
    const top = y;
    for (const number of row) {
      const node = nodes.get(number);
      node.top = number < 0 ? top : top + (height - node.height) / 2;
    }
    const least = row.some((number) => number < 0) ? GAP.below : GAP.row;
    y += height + Math.min(GAP.most, Math.max(least, 0.16 * sideways[index]));
    return { top, bottom: top + height };
  });
}

/** Return the corners of a link: straight down to the end of the row, across the gap, past rows in its lane, and across again. */
function pointsOf({ source, target, start, end, lane }, rows) {
  const points = [[start, source.top + source.height], [start, rows[source.row].bottom]];
  if (lane !== undefined) points.push([lane, rows[source.row + 1].top], [lane, rows[target.row - 1].bottom]);
  return [...points, [end, rows[target.row].top], [end, target.top]];
}
