// The Pareto plot of any two columns of the models; it follows the rules of reading/frontier.py.
const axisOf = (side) => data.models.columns[byId(`axis-${side}`).value];
const isLog = (side) => byId(`log-${side}`).checked;
let plotted; // the axes, and the points beginning with the frontier

function draw(id, traces, layout) {
  const dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
  const template = data.templates[id][byId("theme").checked ? "dark" : "light"];
  return Plotly.react(id, traces, { template, dragmode, ...layout }, data.options.plots);
}

// A point for each row with a y of its own and an x, which Python lends it where one other record has the only one.
function place(x, y) {
  const [points, missing] = [[], {}];
  data.models.columns[0].cells.forEach((model, row) => {
    const [along, up] = [figure(x, row), figure(y, row)];
    const several = y.several.includes(model) ? ` (${data.models.columns[1].cells[row]})` : "";
    const name = model + several + ((x.signs[row] + y.signs[row]).includes("†") ? "†" : "");
    if (row in y.why) missing[model] ??= y.why[row];
    else if (!along || along.value === null) missing[model] = x.why[row];
    else points.push({ row, model, name, x: along.value * pick(x.heads)[2], y: up.value * pick(y.heads)[2] });
  });
  for (const { model } of points) delete missing[model];
  return [points, Object.entries(missing)];
}

// The points that no other dominates, from the best on x to the best on y.
function frontier(x, y, points) {
  const costs = points.map((point) => [x.high ? -point.x : point.x, y.high ? -point.y : point.y, point]);
  const beats = ([x1, y1], [x2, y2]) => x1 <= x2 && y1 <= y2 && (x1 < x2 || y1 < y2);
  const best = costs.filter((cost) => !costs.some((other) => beats(other, cost)));
  return best.sort(([one], [other]) => one - other).map(([, , point]) => point);
}

function drawPareto() {
  const [x, y] = [axisOf("x"), axisOf("y")];
  const [found, missing] = place(x, y);
  const own = found.filter(({ row }) => ![x, y].some((axis) => axis.elsewhere.includes(row)));
  const best = new Set(frontier(x, y, own));
  const points = [...best, ...found.filter((point) => !best.has(point))];
  plotted = { x, y, points };
  describe(best, missing);
  const line = (list) => ({ x: list.map((point) => point.x), y: list.map((point) => point.y) });
  const ends = (axis, lengths) => points.map(({ row }) => lengths[row] * pick(axis.heads)[2]);
  const bars = (axis) => ({ array: ends(axis, axis.above), arrayminus: ends(axis, axis.below) });
  const symbol = points.map(({ row }) => data.options.symbols[Math.max(x.methods[row], y.methods[row])]);
  const color = points.map((point) => Number(best.has(point)));
  const intervals = points.length > 40 ? {} : { error_x: bars(x), error_y: bars(y) };
  const dots = { ...line(points), marker: { symbol, color }, customdata: points.map((_, number) => number) };
  const traces = [{ ...line(points), ...intervals }, line(points.length < 3 ? [] : [...best]), dots, line([])];
  const scale = (side, axis) => ({ title: { text: pick(axis.heads)[3] }, type: isLog(side) ? "log" : "linear" });
  draw("pareto", traces, { xaxis: scale("x", x), yaxis: scale("y", y) });
  label(points, best);
  if (points.length) choose(0);
}

// Name each point where no earlier name is near, towards the middle of the plot first; of many, only the frontier.
function label(points, best) {
  const { xaxis, yaxis } = byId("pareto")._fullLayout;
  const [crowd, named] = [points.length > 40, []];
  const near = (one) => (other) => one.from < other.to && other.from < one.to && Math.abs(one.up - other.up) < 18;
  const spots = points.map((point) => {
    const [at, long] = [xaxis.d2p(point.x), 7 * point.name.length];
    const sides = at > xaxis._length / 2 ? [["left", at - long], ["right", at]] : [["right", at], ["left", at - long]];
    const rows = [["top", yaxis.d2p(point.y)], ["bottom", yaxis.d2p(point.y) + 24]];
    const around = ([row, up]) => sides.map(([side, from]) => ({ at: `${row} ${side}`, from, to: from + long, up }));
    const free = crowd && !best.has(point) ? null : rows.flatMap(around).find((spot) => !named.some(near(spot)));
    return free && named.push(free) && free;
  });
  const text = points.map(({ name }, number) => (spots[number] ? verbatim(name) : ""));
  Plotly.restyle("pareto", { text: [text], textposition: [spots.map((spot) => spot?.at ?? "top right")] }, [2]);
}

// What the plot shows in words, as a menu, and as a table.
function describe(best, missing) {
  const { x, y, points } = plotted;
  const [across, up] = [x, y].map((axis) => pick(axis.heads)[0]);
  const few = points.length < 3 ? "Fewer than three points make no frontier: the table is enough. " : "";
  const on = `${best.size} of ${points.length} points on the frontier. ${points.length > 40 ? "" : x.bars || y.bars}`;
  const mixed = new Set(points.map(({ row }) => x.conditions[row])).size > 1 ? x.mixed : "";
  byId("pareto-said").textContent = `Better: ${y.better} ${up}, ${x.better} ${across}. ${few}${on}${mixed}`;
  byId("card").replaceChildren();
  byId("left-out-list").replaceChildren(...missing.map(([model, why]) => make("li", {}, `${model}: ${why}`)));
  const options = points.map((point) => point.name + (best.has(point) ? ", on the frontier" : ""));
  byId("points").replaceChildren(...options.map((text, value) => make("option", { value }, text)));
  const cells = Object.fromEntries(points.map((point) => [point.row, best.has(point) ? "yes" : "no"]));
  const columns = [...data.models.columns.slice(0, 2), x, y, { ...data.models.verdict, cells }];
  grid("pareto-table", { caption: `${up} against ${across}` }, columns, points.map(({ row }) => row));
}

// The ring around a point, and the card of its model.
function choose(number) {
  const { x, y, points: { [number]: point } } = plotted;
  byId("points").value = number;
  Plotly.restyle("pareto", { x: [[point.x]], y: [[point.y]] }, [3]);
  const rest = data.models.columns.slice(1).filter((column) => column.card && column !== x && column !== y);
  const conditions = make("p", { class: "muted" }, x.conditions[point.row]);
  byId("card").replaceChildren(make("h3", {}, point.model), details([x, y, ...rest], point.row), conditions);
}
