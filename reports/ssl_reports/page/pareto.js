// The Pareto plot: two selectable axes, the frontier as a staircase, dominated points muted, and details of the model pointed at.

const plotted = { x: null, y: null, points: [], best: new Set(), order: [], active: -1, factors: [1, 1] };
const KINDS = { measured: "circle", sampled: "circle", analytic: "circle", modelled: "circle-open", projected: "triangle-up-open", published: "square-open", stated: "diamond-open" };
const NAMED = 40, MARGIN = 0.09, FARTHEST = 0.4;  // as in pictures/pareto.py and pictures/scales.py
const EDGE = { l: 74, r: 18, t: 14, b: 58 };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const inChoice = (text) => (chosen.MAC === "MAC" ? text.replace("FLOPs", "MACs") : text);

function axisTitle(axis) {
  const unit = unitOf(axis.units)[1];
  return inChoice(axis.label) + (unit ? ` (${unit})` : "");
}

// The text in lines of at most `letters` characters; plotly does not wrap lines by itself.
function wrapped(text, letters) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= letters) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) ? " " : "") + word;
  }
  return lines.map(verbatim).join("<br>");
}

// Limits of an axis in plotly's coordinates; an interval much wider than the span of the values runs out of the plot.
function ends(quantities, factor, logarithmic) {
  const to = (value) => (logarithmic ? Math.log10(value * factor) : value * factor);
  const values = quantities.map((q) => to(q.value)), intervals = quantities.flatMap((q) => (q.low === null ? [] : [q.low, q.high]));
  const wide = intervals.filter((end) => end > 0 || !logarithmic).map(to);
  let low = Math.min(...values), high = Math.max(...values);
  const span = high - low || (logarithmic ? 0.5 : Math.abs(high) / 2 || 1);
  low = Math.max(Math.min(low, ...wide), low - FARTHEST * span) - MARGIN * span;
  high = Math.min(Math.max(high, ...wide), high + FARTHEST * span) + MARGIN * span;
  return [!logarithmic && Math.min(...values) >= 0 ? Math.max(low, 0) : low, high];
}

function setLog(id, quantities) {
  const values = quantities.map((q) => q.value), positive = values.every((value) => value > 0), box = byId(id);
  box.disabled = !positive;
  if (!positive || box.dataset.by !== "hand") box.checked = positive && Math.max(...values) > data.plots.span * Math.min(...values);
  return box.checked;
}

function drawPareto() {
  const { x, y } = plotted, { points, missing } = place(x, y);
  const best = frontier(points, x.high, y.high), rest = points.filter((point) => !best.includes(point));
  Object.assign(plotted, { points, best: new Set(best), order: [...best, ...rest], active: -1, factors: [unitOf(x.units)[0], unitOf(y.units)[0]] });
  byId("pareto-said").replaceChildren(...paretoSaid(best.length, points).map((line) => make("p", {}, line)));
  drawLeftOut(missing);
  drawOptions();
  if (byId("as-table").open) drawPoints();
  showCard(null);
  byId("pareto").hidden = points.length === 0;
  if (points.length) Plotly.react("pareto", ...paretoFigure(best, rest), CONFIG);
}

function paretoSaid(onFrontier, points) {
  const { x, y } = plotted, better = (axis) => (axis.high ? "higher" : "lower"), differing = mixed(points);
  if (!points.length) return [`No model has both ${inChoice(x.name)} and ${inChoice(y.name)}.`];
  const sides = x.high === y.high ? `${better(x)} is better on both axes` : `${better(x)} is better on the x axis, ${better(y)} on the y axis`;
  return [
    `${sides[0].toUpperCase()}${sides.slice(1)}. ${onFrontier} of ${points.length} points ${onFrontier === 1 ? "is" : "are"} on the frontier; grey points are dominated. Bars are 95 % intervals. `
      + "Open markers: not measured (circles modelled, triangles projected, squares published).",
    ...(differing.length ? [`Costs were measured under different conditions (${differing.join(", ")}).`] : []),
  ];
}

function drawLeftOut(missing) {
  byId("left-out").hidden = missing.size === 0;
  byId("left-out-title").textContent = `Left out: ${missing.size} ${missing.size === 1 ? "model" : "models"}, with reasons`;
  byId("left-out-list").replaceChildren(...[...missing].slice(0, 200).map(([model, reason]) => make("li", {}, make("strong", {}, model), `: ${reason}`)));
}

function paretoFigure(best, rest) {
  const { x, y, factors, points } = plotted;
  const log = [setLog("log-x", points.map((p) => p.x)), setLog("log-y", points.map((p) => p.y))];
  const range = [ends(points.map((p) => p.x), factors[0], log[0]), ends(points.map((p) => p.y), factors[1], log[1])];
  const box = byId("pareto").getBoundingClientRect(), room = [box.width - EDGE.l - EDGE.r, box.height - EDGE.t - EDGE.b];
  const sides = labelled(best, rest, range, log, ...room);
  const traces = [stairs(best, range, log), scatter("dominated", rest, colour("muted-mark"), sides), scatter("on the frontier", best, colour("accent"), sides), ring([])];
  const axis = (about, number) => ({
    title: { text: wrapped(axisTitle(about), room[number] / 8), font: { size: 14 }, standoff: 10 }, type: log[number] ? "log" : "linear", range: range[number], gridcolor: colour("line"), linecolor: colour("edge"),
    zeroline: false, showline: true, ticks: "outside", tickcolor: colour("edge"), automargin: true, minor: { ticks: log[number] ? "outside" : "", ticklen: 3, tickcolor: colour("line") },
    ...(log[number] ? logTicks(range[number]) : { tickformat: ",.4~r" }),
  });
  return [traces, { ...looks(), margin: EDGE, xaxis: axis(x, 0), yaxis: axis(y, 1), hovermode: "closest", hoverdistance: 30 }];
}

// Tick labels: plain numbers if readable, else powers of ten.
function logTicks([low, high]) {
  const far = low < -3.3 || high > 5.3;
  return { dtick: far || high - low > 2.5 ? 1 : "D2", exponentformat: "power", tickformat: far ? "" : ",.4~r" };
}

function looks() {
  return {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    font: { family: "system-ui, sans-serif", size: 13, color: colour("ink") }, modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("muted"), activecolor: colour("accent") },
  };
}

const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

function labelled(best, rest, range, log, width, height) {
  const pixel = (value, number) => {
    const at = log[number] ? Math.log10(value * plotted.factors[number]) : value * plotted.factors[number];
    return (at - range[number][0]) / (range[number][1] - range[number][0]);
  };
  const where = (point) => [pixel(point.x.value, 0) * width, (1 - pixel(point.y.value, 1)) * height];
  const crowd = best.length + rest.length > NAMED, named = crowd ? best : [...best, ...rest];
  const sides = labelSides(named.map((point) => point.name), named.map(where), (crowd ? best : named).map(where), width, height);
  return new Map(named.map((point, number) => [point, sides[number]]));
}

// Text escaped so that plotly shows it as it is.
const verbatim = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function scatter(name, points, hue, sides) {
  const [fx, fy] = plotted.factors, crowd = plotted.points.length > NAMED && name === "dominated";
  const bars = (axis, factor) => ({
    type: "data", symmetric: false, array: points.map((p) => (p[axis].high === null ? 0 : (p[axis].high - p[axis].value) * factor)),
    arrayminus: points.map((p) => (p[axis].low === null ? 0 : (p[axis].value - p[axis].low) * factor)), color: hue, thickness: 1, width: 0, visible: !crowd,
  });
  return {
    name, mode: "markers+text", type: "scatter", hoverinfo: "none", cliponaxis: false, x: points.map((p) => p.x.value * fx), y: points.map((p) => p.y.value * fy),
    text: points.map((p) => (sides.get(p) ? verbatim(p.name) : "")), textposition: points.map((p) => sides.get(p) ?? "top right"), textfont: { color: colour(name === "dominated" ? "muted" : "ink"), size: 12 },
    marker: { size: crowd ? 5 : 10, color: hue, symbol: points.map((p) => KINDS[p.kind]), line: { width: 2, color: hue } },
    error_x: bars("x", fx), error_y: bars("y", fy), customdata: points.map((p) => plotted.order.indexOf(p)),
  };
}

// The frontier as a staircase: from the worse end of y to the best x, step by step to the best y, and on to the worse end of x.
function stairs(best, range, log) {
  const { x, y, factors } = plotted, far = (number, high) => {
    const end = range[number][high ? 0 : 1] + (high ? -50 : 50) * (range[number][1] - range[number][0]);
    return log[number] ? 10 ** Math.max(-300, Math.min(300, end)) : end;
  };
  const at = best.map((point) => [point.x.value * factors[0], point.y.value * factors[1]]);
  const corners = [[at[0][0], far(1, y.high)]];
  for (const [along, up] of at) corners.push([along, corners.at(-1)[1]], [along, up]);
  corners.push([far(0, x.high), corners.at(-1)[1]]);
  return { name: "frontier", mode: "lines", type: "scatter", hoverinfo: "skip", x: corners.map((c) => c[0]), y: corners.map((c) => c[1]), line: { color: colour("accent"), width: 1.5 } };
}

function ring(points) {
  const [fx, fy] = plotted.factors;
  return {
    name: "chosen", mode: "markers", type: "scatter", hoverinfo: "skip", cliponaxis: false, x: points.map((p) => p.x.value * fx), y: points.map((p) => p.y.value * fy),
    marker: { size: 22, color: "rgba(0,0,0,0)", line: { width: 3, color: colour("focus") } },
  };
}

function axisMenu(id, first) {
  const select = byId(id);
  for (const [group, axes] of grouped(data.plots.axes)) {
    select.append(make("optgroup", { label: group }, ...axes.map((axis) => make("option", { value: String(data.plots.axes.indexOf(axis)) }, axis.name))));
  }
  select.value = String(first);
  select.addEventListener("change", () => chooseAxes());
}

function grouped(axes) {
  const found = new Map();
  for (const axis of axes) found.set(axis.group, [...(found.get(axis.group) ?? []), axis]);
  return found;
}

function chooseAxes() {
  for (const side of ["x", "y"]) {
    const axis = data.plots.axes[Number(byId(`axis-${side}`).value)];
    if (plotted[side] !== axis) delete byId(`log-${side}`).dataset.by;
    plotted[side] = axis;
  }
  drawPareto();
}

function startPareto() {
  if (data.plots.axes.length === 0) {
    byId("pareto-section").querySelector(".plot").hidden = true;
    byId("pareto-said").append(make("p", {}, "No model has a value to plot."));
    return;
  }
  const [x, y = x] = data.plots.first;
  axisMenu("axis-x", x);
  axisMenu("axis-y", y);
  byId("swap").addEventListener("click", () => {
    [byId("axis-x").value, byId("axis-y").value] = [byId("axis-y").value, byId("axis-x").value];
    chooseAxes();
  });
  for (const id of ["log-x", "log-y"]) byId(id).addEventListener("change", () => { byId(id).dataset.by = "hand"; drawPareto(); });
  chooseAxes();
  byId("pareto").on("plotly_hover", (event) => pointAt(event));
  byId("pareto").on("plotly_click", (event) => pointAt(event));
  startOptions();
  byId("as-table").addEventListener("toggle", () => { if (byId("as-table").open) drawPoints(); });
}

function pointAt(event) {
  const found = event.points.find((point) => point.customdata !== undefined);
  if (found) activate(Number(found.customdata));
}
