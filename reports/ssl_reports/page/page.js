// Start of the page: unpack its numbers and plotly, then draw everything; a change of theme or units redraws it.

let data = null;

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function redraw() {
  if (plotted.x) drawPareto();
  if (power.run) drawPower();
}

function startTheme() {
  const button = byId("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  const show = (dark) => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    button.setAttribute("aria-pressed", String(dark));
  };
  show(system.matches);
  button.addEventListener("click", () => { show(button.getAttribute("aria-pressed") !== "true"); redraw(); });
  system.addEventListener("change", (event) => { show(event.matches); redraw(); });
}

function startUnits() {
  const change = () => {
    choose(document.querySelector("[name=energy]:checked").value, document.querySelector("[name=compute]:checked").value);
    drawTable();
    redraw();
  };
  for (const radio of document.querySelectorAll("[name=energy], [name=compute]")) radio.addEventListener("change", change);
}

async function start() {
  startTheme();
  if (!window.DecompressionStream) {
    byId("status").textContent = "This browser is too old to unpack the numbers; versions from 2023 on can. The tables are also in tables/*.md beside this page.";
    return;
  }
  data = JSON.parse(await unpacked("data"));
  startTable();
  startUnits();
  const library = document.createElement("script");
  library.textContent = await unpacked("library");
  document.head.append(library);
  startPareto();
  startPower();
  byId("status").remove();
  document.documentElement.dataset.ready = "yes";
}

start();
