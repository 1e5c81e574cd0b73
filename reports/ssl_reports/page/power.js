// Power over time of one run: means in bins with the range of their samples; zoom by dragging or with the buttons.

const power = { run: null, whole: [0, 1] };
const METERED = new Set(["measured", "sampled"]);

// [factor from minutes, unit] for the length of a run.
function clock(minutes) {
  return minutes < 3 ? [60, "s"] : minutes < 180 ? [1, "min"] : [1 / 60, "h"];
}

function drawPower() {
  const run = power.run, [factor, unit] = clock(Math.max(...run.lines.flatMap((line) => line.minutes)));
  power.whole = [0, 1.01 * factor * Math.max(...run.lines.flatMap((line) => line.minutes))];
  const traces = run.lines.flatMap((line, number) => powerTraces(line, number, factor));
  const shapes = run.starts.map((start) => ({ type: "line", x0: start * factor, x1: start * factor, yref: "paper", y0: 0, y1: 1, line: { color: colour("muted"), width: 1, dash: "dot" } }));
  const axis = { gridcolor: colour("line"), linecolor: colour("edge"), zeroline: false, showline: true, ticks: "outside", tickcolor: colour("edge"), automargin: true };
  Plotly.react("power", traces, {
    ...looks(), margin: EDGE, shapes, showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" }, hovermode: "x unified", hoverlabel: { bgcolor: colour("surface"), font: { color: colour("ink") } },
    xaxis: { ...axis, title: { text: `time (${unit})`, standoff: 10 }, range: [...power.whole] }, yaxis: { ...axis, title: { text: "power (W)" }, rangemode: "tozero", fixedrange: true },
  }, CONFIG);
  const samples = run.lines.reduce((sum, line) => sum + line.samples, 0), points = run.lines.reduce((sum, line) => sum + line.minutes.length, 0);
  byId("power-said").textContent = (run.thinned
    ? `Thinned for display: ${samples.toLocaleString("en")} samples are shown as ${points.toLocaleString("en")} means over ${decimal(run.seconds)} s; bands span the lowest to the highest sample. `
    : `All ${samples.toLocaleString("en")} samples, on a grid of ${decimal(run.seconds)} s. `)
    + "The samples are in the run's power.csv.gz." + (run.starts.length ? " Dotted lines separate consecutive measurements; pauses are cut." : "");
  drawPowerTable(run);
}

function powerTraces(line, number, factor) {
  const x = line.minutes.map((minute) => minute * factor), hue = colour(`line-${number % 4}`), about = { type: "scatter", mode: "lines", x, hoverinfo: "skip", showlegend: false, line: { width: 0 } };
  return [
    { ...about, y: line.lowest_w }, { ...about, y: line.highest_w, fill: "tonexty", fillcolor: `${hue}40` },
    { ...about, y: line.power_w, name: verbatim(`${line.device} (${line.method})`), showlegend: true, hoverinfo: undefined, hovertemplate: "%{y:.4g} W", line: { width: 1.5, color: hue, dash: METERED.has(line.method) ? "solid" : "dash" } },
  ];
}

function drawPowerTable(run) {
  const rows = run.lines.map((line) => [line.device, line.method, line.samples.toLocaleString("en"), decimal(Math.min(...line.lowest_w)), decimal(Math.max(...line.highest_w))]);
  fillTable("power-table", `Power of ${run.run}`, ["device", "method", "samples", "lowest (W)", "highest (W)"], rows);
}

// Zoom around the middle, or move, by shares of the visible range.
function zoom(by, shift) {
  const [low, high] = byId("power").layout.xaxis.range.map(Number), middle = (low + high) / 2 + shift * (high - low), half = Math.min((by * (high - low)) / 2, (power.whole[1] - power.whole[0]) / 2);
  const start = Math.max(power.whole[0], Math.min(power.whole[1] - 2 * half, middle - half));
  Plotly.relayout("power", { "xaxis.range": [start, start + 2 * half] });
}

function startPower() {
  const { of, runs } = data.power;
  if (runs.length === 0) {
    byId("power-section").querySelector(".plot").hidden = true;
    byId("power-none").hidden = false;
    return;
  }
  byId("power-run").append(...runs.map((run, number) => make("option", { value: String(number) }, run.run)));
  byId("power-run").addEventListener("change", (event) => { power.run = runs[Number(event.target.value)]; drawPower(); });
  byId("power-few").textContent = of > runs.length ? `${runs.length} of ${of.toLocaleString("en")} runs with a trace are included in this page.` : "";
  for (const [id, by, shift] of [["zoom-in", 0.5, 0], ["zoom-out", 2, 0], ["earlier", 1, -0.25], ["later", 1, 0.25]]) byId(id).addEventListener("click", () => zoom(by, shift));
  byId("zoom-all").addEventListener("click", () => Plotly.relayout("power", { "xaxis.range": [...power.whole] }));
  power.run = runs[0];
  drawPower();
}
