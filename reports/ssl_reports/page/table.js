// One table at a time, sorted by any column and filtered by words, model and method; a row expands to the details of its cells.

const STEP = 100;  // rows shown at first; "Show more rows" adds ten times as many
const view = { table: null, column: null, descending: false, shown: STEP, open: new Set() };

// A new element; a child that is a string remains text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Fill a table with a caption, heads, and rows of texts; the first cell of a row is its heading.
function fillTable(id, caption, heads, rows) {
  const body = rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((text) => make("td", {}, text))));
  const head = make("thead", {}, make("tr", {}, ...heads.map((name) => make("th", { scope: "col" }, name))));
  byId(id).replaceChildren(make("caption", {}, caption), head, make("tbody", {}, ...body));
}

const byId = (id) => document.getElementById(id);
const isNumber = (column) => column.units !== undefined;

function cellText(cell) {
  if (cell === null) return "";
  if (typeof cell === "number") { const q = quantity(cell); return `${q.method} ${q.note}`; }
  return Array.isArray(cell) ? cell[0] : cell;
}

function rowsToShow() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const model = byId("model").value, method = byId("method").value;
  const kept = view.table.rows.filter((row) => {
    if (model && row[0] !== model) return false;
    if (method && !row.some((cell) => typeof cell === "number" && quantity(cell).method === method)) return false;
    const text = words.length ? row.map(cellText).join(" ").toLowerCase() : "";
    return words.every((word) => text.includes(word));
  });
  return view.column === null ? kept : kept.sort((one, other) => order(one[view.column], other[view.column]));
}

// Cells without a value come last in either order.
function order(one, other) {
  const [a, b] = [one, other].map((cell) => (typeof cell === "number" ? quantity(cell).value : cell === null ? null : cellText(cell) || null));
  if (a === null || b === null) return (a === null) - (b === null);
  const found = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
  return view.descending ? -found : found;
}

function drawTable() {
  const table = view.table, rows = rowsToShow(), element = byId("results");
  const heads = table.columns.map(header);
  const body = make("tbody");
  for (const row of rows.slice(0, view.shown)) body.append(...tableRow(row));
  element.replaceChildren(make("caption", {}, table.caption), make("thead", {}, make("tr", {}, ...heads)), body);
  byId("count").textContent = `${rows.length.toLocaleString("en")} of ${table.rows.length.toLocaleString("en")} rows`
    + (rows.length > view.shown ? `, the first ${view.shown.toLocaleString("en")} shown` : "");
  byId("more").hidden = rows.length <= view.shown;
  byId("table-notes").replaceChildren(...table.notes.map((note) => make("p", {}, note)));
}

function header(column, number) {
  const sorted = view.column === number ? (view.descending ? "descending" : "ascending") : "none";
  const unit = isNumber(column) ? unitOf(column.units)?.[1] : "";
  const arrow = { none: "↕", ascending: "↑", descending: "↓" }[sorted];
  const press = () => {
    view.descending = sorted === "ascending";
    view.column = number;
    drawTable();
    byId("results").querySelectorAll("thead button")[number].focus();
  };
  return make("th", { scope: "col", "aria-sort": sorted, class: isNumber(column) ? "number" : null },
    make("button", { type: "button", onclick: press }, inChoice(column.name), unit ? make("span", { class: "unit" }, ` ${unit}`) : null,
      make("span", { class: "arrow", "aria-hidden": "true" }, arrow)));
}

function tableRow(row) {
  const cells = view.table.columns.map((column, number) => (number === 0 ? rowHeader(row) : tableCell(row[number], column)));
  const lines = [make("tr", {}, ...cells)];
  if (view.open.has(row)) lines.push(make("tr", { class: "details" }, make("td", { colspan: String(cells.length) }, details(row))));
  return lines;
}

function rowHeader(row) {
  const open = view.open.has(row);
  const press = (event) => {
    if (open) view.open.delete(row); else view.open.add(row);
    const place = [...byId("results").querySelectorAll("tbody button")].indexOf(event.currentTarget);
    drawTable();
    byId("results").querySelectorAll("tbody button")[place].focus();
  };
  return make("th", { scope: "row" },
    make("button", { type: "button", class: "opener", "aria-expanded": String(open), title: "Details of this row", onclick: press }, cellText(row[0])));
}

function tableCell(cell, column) {
  if (typeof cell !== "number") {
    if (Array.isArray(cell)) return make("td", {}, make("a", { href: cell[1], rel: "noreferrer" }, cell[0]));
    return make("td", {}, cell ?? "");
  }
  const q = quantity(cell), unit = unitOf(column.units);
  if (q.value === null) return make("td", { class: "number" }, make("span", { class: "missing" }, "not available"), make("span", { class: "reason" }, q.note));
  const [factor, name] = unit ?? ownUnit(q);
  return make("td", { class: "number" }, make("span", { class: "value" }, numberText(q, factor) + (unit || !name ? "" : ` ${name}`)), mark(q));
}

function mark(q) {
  const how = q.method === "projected" && q.note.includes("modelled rate") ? "projected, modelled" : q.method;
  return make("span", { class: `mark ${q.method}` }, make("span", { "aria-hidden": "true" }, SIGNS[q.method]), ` ${how}`);
}

const SIGNS = { measured: "●", sampled: "◉", modelled: "○", analytic: "∑", projected: "△", published: "□", stated: "◇", unavailable: "–" };

// Every number of a row, with its interval, method and note.
function details(row) {
  const lines = view.table.columns.flatMap((column, number) => (typeof row[number] === "number" ? [detail(column, row[number])] : []));
  return make("dl", {}, ...lines.flat());
}

function detail(column, cell) {
  const q = quantity(cell), [factor, name] = unitOf(column.units) ?? ownUnit(q);
  if (q.value === null) return [make("dt", {}, column.name), make("dd", {}, `not available: ${q.note}`)];
  const range = q.low === null ? "no interval" : `95 % interval ${decimal(q.low * factor, 4)} to ${decimal(q.high * factor, 4)}`;
  const said = [`${numberText(q, factor)} ${name}`.trim(), q.method, range, q.n === null ? null : `n = ${q.n}`, q.flaw ? `† ${q.flaw}` : null, q.note || null];
  return [make("dt", {}, column.name), make("dd", {}, said.filter((part) => part !== null).join("; "))];
}

function chooseTable(table) {
  Object.assign(view, { table, column: null, descending: false, shown: STEP, open: new Set() });
  const model = byId("model").value, models = [...new Set(table.rows.map((row) => row[0]))];
  byId("model").replaceChildren(make("option", { value: "" }, "all models"), ...models.map((name) => make("option", { value: name }, name)));
  byId("model").value = models.includes(model) ? model : "";
  drawTable();
}

function startTable() {
  for (const [number, table] of data.tables.entries()) {
    table.rows = table.columns[0].cells.map((_, row) => table.columns.map((column) => column.cells[row]));
    const radio = make("input", { type: "radio", name: "table", id: `table-${table.name}`, onchange: () => chooseTable(table), checked: number === 0 });
    byId("tables").append(radio, make("label", { for: `table-${table.name}` }, table.caption, make("span", { class: "tally" }, ` ${table.rows.length.toLocaleString("en")}`)));
  }
  byId("method").append(...data.methods.map((method) => make("option", { value: method }, `${method} numbers`)));
  for (const [id, event] of [["filter", "input"], ["model", "change"], ["method", "change"]]) {
    byId(id).addEventListener(event, () => { view.shown = STEP; drawTable(); });
  }
  byId("more").addEventListener("click", () => { view.shown += 10 * STEP; drawTable(); });
  chooseTable(data.tables.find((table) => table.rows.length) ?? data.tables[0]);
  byId(`table-${view.table.name}`).checked = true;
}
