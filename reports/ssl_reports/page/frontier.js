// Which models have a place on two axes, and which lie on the frontier (the same rules as in reading/frontier.py).

// A point for each system that has a y; its x may come from another record, if only one has it.
function place(x, y) {
  const systems = data.plots.systems, onX = new Map(), onY = new Map(), byModel = new Map(), count = new Map();
  for (const [system, q, at] of x.at) {
    onX.set(system, [q, at, system]);
    if (quantity(q).value === null) continue;
    const model = systems[system].model;
    byModel.set(model, [...(byModel.get(model) ?? []), [q, at, system]]);
  }
  for (const [system, q] of y.at) {
    onY.set(system, q);
    if (quantity(q).value !== null) count.set(systems[system].model, (count.get(systems[system].model) ?? 0) + 1);
  }
  const points = [], missing = new Map();
  systems.forEach((system, number) => {
    const up = onY.has(number) ? quantity(onY.get(number)) : null;
    if (up === null || up.value === null) {
      if (!missing.has(system.model)) missing.set(system.model, up === null ? `no ${y.name}` : up.note);
      return;
    }
    const own = onX.get(number), others = byModel.get(system.model) ?? [];
    const found = (own === undefined || quantity(own[0]).value === null) && others.length === 1 ? others[0] : own;
    const along = found === undefined ? null : quantity(found[0]);
    if (along === null || along.value === null) {
      missing.set(system.model, along === null ? `no ${x.name}` : along.note);
      return;
    }
    const flawed = along.flaw || up.flaw ? "†" : "";
    const name = (count.get(system.model) > 1 ? `${system.model} (${system.run})` : system.model) + flawed;
    points.push({ name, system: number, from: found[2], x: along, y: up, condition: found[1], kind: weakest(along.method, up.method) });
  });
  for (const point of points) missing.delete(systems[point.system].model);
  return { points, missing };
}

const weakest = (...methods) => methods.reduce((one, other) => (data.methods.indexOf(other) > data.methods.indexOf(one) ? other : one));

// The points that no other dominates, from the best on x to the best on y.
function frontier(points, highX, highY) {
  const at = (point) => [highX ? -point.x.value : point.x.value, highY ? -point.y.value : point.y.value];
  const placed = points.map((point, number) => [...at(point), number]).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  const kept = [];
  let last = null;
  for (const [x, y, number] of placed) {
    if (last === null || y < last[1] || (x === last[0] && y === last[1])) {
      kept.push(points[number]);
      last = [x, y];
    }
  }
  return kept;
}

// Conditions that differ between the x values of the points; published figures are ignored.
function mixed(points) {
  const seen = new Map();
  for (const point of points.filter((each) => each.x.method !== "published")) {
    for (const [name, value] of Object.entries(data.conditions[point.condition])) seen.set(name, (seen.get(name) ?? new Set()).add(value));
  }
  return [...seen].filter(([, values]) => values.size > 1).map(([name]) => name.replaceAll("_", " "));
}
