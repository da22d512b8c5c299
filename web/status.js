// The status page: asks once a second, and shows what it was told.

const byId = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Around the chart's frame, pixels.
const LEFT = 38;
const AFTER = 4;
const TOP = 8;
const BELOW = 30;
const SECONDS = 180;

const whole = new Intl.NumberFormat("en-GB");

function element(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A step of 1, 2 or 5 times a power of ten that cuts `most` into at most five parts. */
function stepFor(most) {
  const rough = most / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough);
  return step * power;
}

function draw(history, budget) {
  const chart = byId("chart");
  const right = chart.clientWidth - AFTER;
  const bottom = chart.clientHeight - BELOW;
  if (right <= LEFT) return;
  const most = Math.max(budget, ...history.map((second) => second.beat_max_ms)) * 1.12;
  const last = history.length ? history[history.length - 1].at_s : 0;
  const x = (at_s) => right - ((last - at_s) / SECONDS) * (right - LEFT);
  const y = (ms) => bottom - (ms / most) * (bottom - TOP);
  const parts = [];
  const step = stepFor(most);
  for (let ms = 0; ms <= most; ms += step) {
    parts.push(element("line", { class: "grid", x1: LEFT, x2: right, y1: y(ms), y2: y(ms) }));
    const label = Number(ms.toPrecision(6));
    parts.push(element("text", { x: LEFT - 8, y: y(ms) + 4, "text-anchor": "end" }, label));
  }
  parts.push(element("text", { x: LEFT - 8, y: bottom + 22, "text-anchor": "end" }, "ms"));
  for (let ago = 0; ago <= SECONDS; ago += 60) {
    const anchor = ago === 0 ? "end" : ago === SECONDS ? "start" : "middle";
    const text = ago === 0 ? "now" : `−${ago / 60} min`;
    const place = right - (ago / SECONDS) * (right - LEFT);
    parts.push(element("text", { x: place, y: bottom + 22, "text-anchor": anchor }, text));
  }
  parts.push(element("line", { class: "budget", x1: LEFT, x2: right, y1: y(budget), y2: y(budget) }));
  const limit = `all there is: ${budget.toFixed(1)} ms`;
  parts.push(element("text", { class: "budget-label", x: right, y: y(budget) - 6, "text-anchor": "end" }, limit));
  for (const [name, key] of [["longest", "beat_max_ms"], ["median", "beat_p50_ms"]]) {
    parts.push(element("path", { class: name, d: line(history, (second) => [x(second.at_s), y(second[key])]) }));
  }
  chart.replaceChildren(element("title", { id: "chart-text" }, describe(history, budget)), ...parts);
}

/** A path through the seconds in which there were beats; it breaks where there were none. */
function line(history, place) {
  let path = "";
  let pen = "M";
  for (const second of history) {
    if (!second.beats) {
      pen = "M";
      continue;
    }
    const [x, y] = place(second);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}

function describe(history, budget) {
  const beating = history.filter((second) => second.beats);
  if (!beating.length) return "No beats in the last three minutes.";
  const worst = Math.max(...beating.map((second) => second.beat_max_ms));
  const now = beating[beating.length - 1];
  return (
    `Time per beat over the last ${history.length} seconds. Median now: ${now.beat_p50_ms.toFixed(2)} ms. ` +
    `Longest: ${worst.toFixed(2)} ms of ${budget.toFixed(1)} ms.`
  );
}

function duration(seconds) {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (value) => String(value).padStart(2, "0");
  const clock = `${two(hours)}:${two(minutes)}:${two(Math.floor(seconds % 60))}`;
  return days ? `${days} d ${clock}` : clock;
}

function percent(part) {
  return (part * 100).toFixed(part < 1 ? 1 : 0);
}

function shardRow(shard, index) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = index;
  row.append(head);
  const values = [shard.clients, shard.grids, shard.entities].map((value) => whole.format(value));
  for (const value of [...values, `${percent(shard.dilation)} %`]) {
    const cell = document.createElement("td");
    cell.className = "number";
    cell.textContent = value;
    row.append(cell);
  }
  return row;
}

/** Sets a text only when it differs, so that a screen reader is not told the same again. */
function set(id, text) {
  const target = byId(id);
  if (target.textContent !== String(text)) target.textContent = text;
}

function show(status) {
  byId("state").dataset.state = status.ready ? "good" : "bad";
  set("state", status.ready ? "Ready" : "Not ready");
  const reasons = byId("reasons");
  set("reasons", status.reasons.join("; "));
  reasons.hidden = !status.reasons.length;
  set("clients", whole.format(status.clients));
  set("clients-max", `of ${whole.format(status.clients_max)}`);
  set("beat", status.beat_p99_ms === null ? "–" : status.beat_p99_ms.toFixed(2));
  set("dilation", percent(Math.min(1, ...status.shards.map((shard) => shard.dilation))));
  set("tick", whole.format(status.tick));
  set("lag", whole.format(status.durable_lag_beats));
  set("systems", whole.format(status.systems));
  set("memory", status.memory_bytes ? whole.format(Math.round(status.memory_bytes / 1e6)) : "–");
  set("uptime", duration(status.uptime_s));
  set("version", status.version);
  byId("shards").replaceChildren(...status.shards.map(shardRow));
  draw(status.history, 1000 / status.beats_per_second);
}

async function refresh() {
  try {
    const response = await fetch("/api/v1/status");
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(await response.json());
  } catch {
    byId("state").dataset.state = "bad";
    set("state", "No answer");
  }
  setTimeout(refresh, document.hidden ? 5000 : 1000);
}

refresh();
