// The tables, one at a time, by DataTables; the texts of their cells come from Python, one for each choice of units.
const byId = (id) => document.getElementById(id);
const verbatim = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const collator = new Intl.Collator("en", { numeric: true });
const digits = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
let data, units, shown; // all of Python's, the chosen units, and the table shown with DataTables' interface to it

// A new element; a child that is a string remains text.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What holds in the chosen units, for a whole column or for one of its rows.
function pick(options, row) {
  return units.map((unit) => (row === undefined ? options[unit] : options[unit]?.[row])).find((each) => each != null);
}

const words = (column, row) => [column.cells[row] ?? ""].flat()[0];

// The quantity in a cell, or null where there are words or nothing.
function figure(column, row) {
  const [place, parts] = [column.cells[row], Object.entries(data.quantities)];
  return typeof place === "number" ? Object.fromEntries(parts.map(([name, values]) => [name, values[place]])) : null;
}

// All that is known of a figure besides its text; a factor of null leaves it in the record's unit.
function about(q, [, shownUnit, factor]) {
  if (q.value === null) return `not available: ${q.note}`;
  const ends = [q.low, q.high].map((end) => digits.format(end * (factor ?? 1))).join(" to ");
  const range = q.low === null ? "no interval" : `95 % interval ${ends} ${factor === null ? q.unit : shownUnit}`;
  return [q.method, range, q.n && `n = ${q.n}`, q.flaw && `† ${q.flaw}`, q.note].filter(Boolean).join("; ");
}

function cell(table, column, row, kind) {
  const q = figure(column, row);
  if (kind === "sort") return q ? q.value : words(column, row) || null;
  const said = q ? about(q, pick(column.heads)) : words(column, row);
  if (kind !== "display") return verbatim(q ? `${pick(column.texts, row)} ${said}` : said);
  if (column === table.columns?.[0]) return rowName(table, row, said);
  if (Array.isArray(column.cells[row])) return make("a", { href: column.cells[row][1] }, said);
  if (!q) return make("span", {}, said);
  const value = make("span", { class: column.best?.includes(row) ? "value best" : "value" }, pick(column.texts, row));
  const reason = table.reasons && q.value === null ? [make("span", { class: "reason" }, said)] : [];
  return make("span", { title: said }, value, make("sup", {}, column.signs[row]), ...reason);
}

// The name opens the row's details; on a phone, the words of its hidden columns stand below it.
function rowName(table, row, name) {
  const folded = table.columns.filter((column) => column.hidden && column.word).map((column) => words(column, row));
  const button = make("button", { class: "opener", "aria-expanded": false, title: "Details of this row" }, name);
  return make("div", {}, button, make("span", { class: "folded" }, folded.filter(Boolean).join(", ")));
}

// Every figure and every word of some columns, with all that is known of it.
function details(columns, row) {
  const lines = columns.filter((column) => words(column, row) !== "").map((column) => {
    const [q, [name, unit]] = [figure(column, row), pick(column.heads)];
    const value = q && q.value !== null ? `${pick(column.texts, row)} ${unit}` : "";
    const said = q ? about(q, pick(column.heads)) : words(column, row);
    return [make("dt", {}, name), make("dd", {}, make("span", { class: "value" }, value), " ", said)];
  });
  return make("dl", {}, ...lines.flat());
}

function toggleDetails(button) {
  const row = shown.api.row(button.closest("tr"));
  button.setAttribute("aria-expanded", !row.child.isShown());
  if (row.child.isShown()) return row.child.hide();
  const link = make("a", { href: `#${shown.table.anchors[row.index()] ?? ""}` }, "Link to this row");
  row.child(make("div", {}, details(shown.table.columns.slice(1), row.index()), link), "details").show();
}

// Values and words in order, missing ones last in either direction.
function compare(sign) {
  const inOrder = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b));
  return (a, b) => (a === null || b === null ? (a === null) - (b === null) : sign * inOrder(a, b));
}

function isKept(table, row) {
  const [model, method] = [byId("model").value, byId("method").value];
  if (model && words(table.columns[0], row) !== model) return false;
  return !method || table.columns.some((column) => figure(column, row)?.method === method);
}

// Some columns and rows of a table, drawn by DataTables.
function grid(id, table, columns, rows, order = []) {
  const drawn = columns.map((column, place) => ({
    data: null, type: "cell", className: column.texts ? "figure" : "words", cellType: place ? "td" : "th",
    visible: !column.hidden, title: pick(column.heads)[3], ariaTitle: verbatim(pick(column.heads)[0]),
    createdCell: (td) => place || td.setAttribute("scope", "row"),
    render: (_, kind, { row }) => cell(table, column, row, kind),
  }));
  byId(id).replaceChildren(make("table"));
  const lines = rows.map((row) => ({ row, DT_RowId: table.anchors?.[row] }));
  const options = { ...data.options.tables, caption: verbatim(table.caption), columns: drawn, data: lines, order };
  const api = new DataTable(byId(id).firstChild, options);
  for (const head of api.columns().header().toArray()) head.setAttribute("scope", "col");
  return api;
}

function showTable(table, order) {
  shown = { table, api: grid("results", table, table.columns, [...Array(table.rows).keys()], order) };
  shown.api.search.fixed("menus", (_, { row }) => isKept(table, row)).search(byId("filter").value).draw();
  const boxes = table.columns.slice(1).map((column, place) => {
    const box = make("input", { type: "checkbox", ...(column.hidden ? {} : { checked: "" }) });
    box.addEventListener("change", () => shown.api.column(place + 1).visible(!(column.hidden = !box.checked)));
    return make("label", {}, box, ` ${pick(column.heads)[0]}`);
  });
  byId("columns").replaceChildren(...boxes);
  byId("table-notes").innerHTML = table.notes;
  byId("forms").hidden = !Object.keys(table.forms).length;
}

// Show and mark the row that the address names.
function followLink() {
  const anchor = decodeURIComponent(location.hash.slice(1));
  const table = data.tables.find(({ anchors }) => anchors.includes(anchor));
  if (!table) return;
  for (const id of ["filter", "model", "method"]) byId(id).value = "";
  byId(`tab-${table.name}`).checked = true;
  showTable(table);
  shown.api.page(Math.floor(table.anchors.indexOf(anchor) / shown.api.page.len())).draw(false);
  byId(anchor).classList.add("marked");
  byId(anchor).scrollIntoView({ block: "center" });
}

async function copyForm({ copy, download }) {
  const text = shown.table.forms[copy ?? download];
  if (copy) await navigator.clipboard?.writeText(text);
  else make("a", { download: `${shown.table.name}.${download}`, href: URL.createObjectURL(new Blob([text])) }).click();
  if (copy) byId("forms-said").textContent = navigator.clipboard ? "Copied." : "No page may copy in this browser.";
}
