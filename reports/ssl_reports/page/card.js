// The models of the plot as a list for the keyboard, the details of the selected one, and the plot as a table.

const LISTED = 300;  // models; a longer list would be of no use

function drawOptions() {
  const listed = plotted.order.slice(0, Math.max(LISTED, plotted.best.size)), more = plotted.order.length - listed.length;
  byId("points-few").hidden = more === 0;
  byId("points-few").textContent = `${more.toLocaleString("en")} more dominated models are in the plot and in the table below.`;
  const options = listed.map((point, number) => make("li", {
    role: "option", id: `point-${number}`, "aria-selected": "false", class: plotted.best.has(point) ? "best" : null,
    onclick: () => activate(number), onmouseenter: () => activate(number),
  }, make("span", { "aria-hidden": "true" }, `${SIGNS[point.kind]} `), point.name, make("span", { class: "quiet" }, plotted.best.has(point) ? ", on the frontier" : ", dominated")));
  byId("points").replaceChildren(...options);
  byId("points").removeAttribute("aria-activedescendant");
}

function startOptions() {
  const list = byId("points"), last = () => list.children.length - 1;
  list.addEventListener("focus", () => { if (plotted.active < 0 && plotted.order.length) activate(0); });
  list.addEventListener("keydown", (event) => {
    const next = {
      ArrowRight: plotted.active + 1, ArrowDown: plotted.active + 1, ArrowLeft: plotted.active - 1, ArrowUp: plotted.active - 1, Home: 0, End: last(),
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    if (plotted.order.length) activate(Math.max(0, Math.min(last(), next)));
  });
}

function activate(number) {
  if (number === plotted.active) return;
  plotted.active = number;
  const list = byId("points"), point = plotted.order[number];
  for (const option of list.querySelectorAll("[aria-selected=true]")) option.setAttribute("aria-selected", "false");
  const option = byId(`point-${number}`);
  if (option) {
    option.setAttribute("aria-selected", "true");
    list.scrollTop = option.offsetTop - list.clientHeight / 2;
    list.setAttribute("aria-activedescendant", option.id);
  }
  const [fx, fy] = plotted.factors;
  Plotly.restyle("pareto", { x: [[point.x.value * fx]], y: [[point.y.value * fy]] }, [3]);
  showCard(point);
}

function showCard(point) {
  const card = byId("card");
  if (point === null) {
    card.replaceChildren(make("p", { class: "muted" }, "Point at a model, or use the arrow keys in the list of models, to see its details here."));
    return;
  }
  const system = data.plots.systems[point.system], from = data.plots.systems[point.from].run;
  const rest = data.plots.axes.filter((axis) => axis.card && axis !== plotted.x && axis !== plotted.y);
  const lines = [cardLine(plotted.x, point.x), cardLine(plotted.y, point.y), ...rest.flatMap((axis) => axis.at
    .filter(([number]) => number === point.system).map(([, place]) => cardLine(axis, quantity(place))))];
  const conditions = Object.entries(data.conditions[point.condition]).filter(([, value]) => value !== null);
  card.replaceChildren(...[
    make("h3", {}, system.model),
    make("p", { class: "muted" }, `run ${system.run}${from === system.run ? "" : `, cost from run ${from}`}; ${plotted.best.has(point) ? "on the frontier" : "dominated"}`),
    make("dl", {}, ...lines.flat()),
    conditions.length ? make("p", { class: "muted" }, `Conditions of the cost: ${conditions.map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`).join(", ")}.`) : null,
    system.recipe ? make("p", { class: "muted" }, `Published recipe: ${system.recipe}.`) : null,
  ].filter((part) => part !== null));
}

function cardLine(axis, q) {
  const [factor, unit] = unitOf(axis.units);
  if (q.value === null) return [make("dt", {}, inChoice(axis.name)), make("dd", {}, "not available ", make("span", { class: "reason" }, q.note))];
  const said = [q.flaw ? `† ${q.flaw}` : "", q.note].filter((part) => part).join("; ");
  const note = said ? make("span", { class: "reason" }, said) : null;
  return [make("dt", {}, inChoice(axis.name)), make("dd", {}, make("span", { class: "value" }, `${numberText(q, factor)} ${unit} `), mark(q), note)];
}

function drawPoints() {
  const { x, y, factors: [fx, fy], best } = plotted;
  const rows = plotted.order.map((point) => {
    const { model, run } = data.plots.systems[point.system];
    return [model, run, numberText(point.x, fx), point.x.method, numberText(point.y, fy), point.y.method, best.has(point) ? "yes" : "no"];
  });
  fillTable("pareto-table", `${inChoice(y.name)} against ${inChoice(x.name)}`, ["model", "run", axisTitle(x), "method", axisTitle(y), "method", "on the frontier"], rows);
}
