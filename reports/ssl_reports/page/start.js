// Start of the page: unpack the numbers and the libraries, draw, and answer to every control.
async function unpacked(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function drawPower() {
  const { lines, layout, said } = data.power.runs[byId("power-run").value];
  byId("power-said").textContent = said;
  draw("power", lines, layout);
}

function redraw() {
  if (byId("pareto")) drawPareto();
  if (byId("power")) drawPower();
}

function readUnits() {
  units = [...document.querySelectorAll(".segments :checked"), { value: "" }].map(({ value }) => value);
}

// The scale that suits each axis.
function setScales() {
  for (const side of ["x", "y"]) Object.assign(byId(`log-${side}`), axisOf(side).scale);
}

function on(selector, event, ...acts) {
  for (const each of document.querySelectorAll(selector)) acts.forEach((act) => each.addEventListener(event, act));
}

async function start() {
  byId("theme").checked = matchMedia("(prefers-color-scheme: dark)").matches;
  data = JSON.parse(await unpacked("data"));
  for (const name of data.texts) data.quantities[name] = data.quantities[name].map((word) => data.words[word]);
  const onPhone = matchMedia("(max-width: 46rem)").matches;
  for (const column of data.tables.flatMap((table) => table.columns)) column.hidden = onPhone && column.word;
  readUnits();
  document.head.append(make("script", {}, await unpacked("datatables")));
  DataTable.type("cell", { order: { asc: compare(1), desc: compare(-1) } });
  showTable(data.tables[0]);
  on("[name=table]", "change", ({ target }) => showTable(data.tables[target.value]));
  on("#filter", "input", ({ target }) => shown.api.search(target.value).draw());
  on("#model, #method", "change", () => shown.api.draw());
  on("#results", "click", ({ target }) => target.matches(".opener") && toggleDetails(target));
  on("#forms button", "click", ({ target }) => copyForm(target.dataset));
  document.head.append(make("script", {}, await unpacked("plotly")));
  redraw();
  on("[id^=axis]", "change", setScales, drawPareto);
  on("[id^=log]", "change", drawPareto);
  const [x, y] = [byId("axis-x"), byId("axis-y")];
  on("#swap", "click", () => ([x.value, y.value] = [y.value, x.value]), setScales, drawPareto);
  on("#points", "change", ({ target }) => choose(target.value));
  on("#power-run", "change", drawPower);
  on(".segments input", "change", readUnits, () => showTable(shown.table, shown.api.order()), redraw);
  on("#theme", "change", redraw);
  byId("pareto")?.on("plotly_hover", ({ points }) => choose(points[0].customdata));
  addEventListener("hashchange", followLink);
  followLink();
  byId("status").remove();
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => (byId("status").textContent = `This browser cannot unpack the numbers (${error.message}).`));
