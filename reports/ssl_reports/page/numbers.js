// Numbers as shown: in the chosen unit, with as many digits as the interval justifies (the same rules as in tables/latex.py).

const chosen = { kWh: "kWh", J: "kWh", FLOP: "FLOP", MAC: "FLOP" };  // the selected unit, by each unit of the same choice

function choose(energy, compute) {
  Object.assign(chosen, { kWh: energy, J: energy, FLOP: compute, MAC: compute });
}

// [factor, unit] of a column or an axis; null if each number has its own unit.
function unitOf(units) {
  const names = Object.keys(units);
  return names.length ? units[chosen[names[0]] ?? names[0]] : null;
}

function quantity(place) {
  const [value, low, high, unit, method, note, n, flaw] = data.quantities.map((column) => column[place]);
  return { value, low, high, n, unit: data.words[unit], method: data.words[method], note: data.words[note], flaw: data.words[flaw] };
}

function decimal(value, digits = 3) {
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e").map(Number);
  if (power < -4 || power >= 6) return `${mantissa.toFixed(digits - 1)}e${power}`;
  return Number(value.toExponential(digits - 1)).toFixed(Math.max(0, digits - 1 - power));
}

function single(value, method) {
  const full = String(Number(value.toPrecision(7)));
  return (method === "published" || method === "stated") && !full.includes("e") ? full : decimal(value);
}

// The larger side of an interval whose sides differ by at most a fifth and that is narrower than its value, else null.
function halfWidth(value, low, high) {
  const wide = Math.max(value - low, high - value), narrow = Math.min(value - low, high - value);
  return wide > 0 && wide < Math.abs(value) && narrow >= 0.8 * wide ? wide : null;
}

// Thousands separated by commas.
const separated = (text) => text.replace(/\d{4,}(?![\d.]*\d*e)/g, (digits, at, whole) => (whole[at - 1] === "." ? digits : digits.replace(/\B(?=(\d{3})+$)/g, ",")));

function numberText(q, factor = 1) {
  return q.value === null ? "n/a" : separated(ungrouped(q, factor)) + (q.flaw ? "†" : "");
}

function ungrouped(q, factor) {
  const value = q.value * factor;
  if (q.low === null) return single(value, q.method);
  const low = q.low * factor, high = q.high * factor, half = halfWidth(value, low, high);
  if (half === null) return `${decimal(value)} [${decimal(low)}, ${decimal(high)}]`;
  const places = Math.min(100, 1 - Math.floor(Math.log10(half)));
  const fixed = (number) => (places < 0 ? (Math.round(number * 10 ** places) / 10 ** places).toFixed(0) : number.toFixed(places));
  return `${fixed(value)} ± ${fixed(half)}`;
}

// [factor, unit] of a single number, with the prefix that leaves one to three digits before the point.
function ownUnit(q) {
  if (!data.alone[q.unit]) return [1, q.unit === "1" ? "" : q.unit];
  const [factor, unit] = unitOf(data.alone[q.unit]), size = Math.abs(q.value * factor);
  if (size === 0 || q.unit === "B" || (q.unit === "s" && size >= 1)) return [factor, unit];
  const [by, prefix] = data.prefixes.find(([least]) => size >= least * 0.9995) ?? data.prefixes.at(-1);
  return [factor / by, prefix + unit];
}
