"use strict";
/* N matrices of a map (one for each head or step), X rows, Y columns; I rows shown, J columns
   shown: words or pieces. */

const data = JSON.parse(document.getElementById("data").textContent);

// --- the numbers ------------------------------------------------------------------------------

const sum = (values) => values.reduce((total, value) => total + value, 0);

const LARGEST = 65534; // of the codes; the next one stands for what is not finite
const unpacked = new WeakMap();

/** The codes of a map, unpacked when they are first asked for. */
function codesOf(map) {
  if (!unpacked.has(map)) {
    const bytes = atob(map.codes);
    const codes = new Uint16Array(bytes.length / 2);
    for (let k = 0; k < codes.length; k++) {
      codes[k] = bytes.charCodeAt(2 * k) | (bytes.charCodeAt(2 * k + 1) << 8);
    }
    unpacked.set(map, codes);
  }
  return unpacked.get(map);
}

/** Matrix n of a map, or the mean of all: [X][Y]; null is what is not finite. */
function matrixOf(map, n) {
  const codes = codesOf(map);
  const [count, height, width] = map.shape;
  const [low, high] = map.span;
  const value = (code) => (code > LARGEST ? null : low + (code / LARGEST) * (high - low));
  const at = (k, place) => value(codes[k * height * width + place]);
  const mean = (place) => {
    let total = 0;
    for (let k = 0; k < count; k++) {
      const one = at(k, place);
      if (one === null) return null;
      total += one;
    }
    return total / count;
  };
  const entry = n === null ? mean : (place) => at(n, place);
  return Array.from({ length: height }, (_, x) =>
    Array.from({ length: width }, (_, y) => entry(x * width + y)),
  );
}

/** The matrix that is shown unasked: steps have no mean. */
const unaskedOf = (map) => (map.by === "head" ? null : 0);

/** What rows or columns stand for: {name, pieces, words}. */
function axisOf(explanation, axis) {
  if (typeof axis === "string") return { name: axis, ...explanation.axes[axis] };
  const words = axis.labels.map((word, place) => ({ word, pieces: [place] }));
  return { name: axis.name, pieces: axis.labels, words };
}

/** Word by word, [T][S] -> [I][J]: summed over a column's pieces, averaged over a row's. */
function mergeWords(weights, rows, columns) {
  return rows.map(({ pieces }) => {
    const total = (s) => sum(pieces.map((t) => weights[t][s]));
    const steps = Math.max(1, pieces.length); // a word without pieces has weight 0
    return columns.map((column) => sum(column.pieces.map(total)) / steps);
  });
}

/** -sum p ln p in nats, p being the row divided by its sum. */
function entropy(row) {
  const total = sum(row);
  return sum(row.filter((w) => w > 0).map((w) => -(w / total) * Math.log(w / total)));
}

/** The entropy as a part of the largest possible, ln J; 0 where that is 0. */
const evenness = (row) => (row.length > 1 ? entropy(row) / Math.log(row.length) : 0);

/** The sum of column j. */
const coverage = (matrix, j) => sum(matrix.map((row) => row[j]));

/** What is to be seen of a map: labels of rows and columns, and the matrix [I][J]. */
function look(explanation, map, { number, level }) {
  const rows = axisOf(explanation, map.rows);
  const columns = axisOf(explanation, map.columns);
  const matrix = matrixOf(map, number);
  const common = { counted: typeof map.columns === "string" ? "" : `${columns.name} `, map };
  if (level === "pieces") return { ...common, rows: rows.pieces, columns: columns.pieces, matrix };
  const texts = ({ words }) => words.map(({ word }) => word);
  const merged = mergeWords(matrix, rows.words, columns.words);
  return { ...common, rows: texts(rows), columns: texts(columns), matrix: merged };
}

/** How full the colour of a value is, from -1 to 1. */
const shareOf = ({ span }, value) => Math.max(-1, Math.min(1, value / span[1]));

// --- words about them -------------------------------------------------------------------------

const number = (value, digits) => value.toFixed(digits).replace("-", "−");
const percent = (share) => `${Math.round(100 * share)} %`;

/** "step 2,500" for a checkpoint called by its step, else its name. */
function stepOf({ name }) {
  return /^\d+$/.test(name) ? `step ${Number(name).toLocaleString("en")}` : name;
}

function entropyText(row) {
  return `${number(entropy(row), 2)} nats, ${percent(evenness(row))} of ln ${row.length}`;
}

/** The line above a matrix: which model made it and how likely it finds the translation. */
function captionOf({ model, checkpoint, log_probs, maps }, map) {
  const parts = [model, `checkpoint ${checkpoint}`];
  if (!maps.length && log_probs.length) parts.push("no attention");
  if (map?.attention) parts.push(`${map.attention} attention`, `${map.addressing} addressing`);
  if (log_probs.includes(null)) {
    parts.push("log-probability not finite");
  } else if (log_probs.length) {
    const total = sum(log_probs);
    const each = number(total / log_probs.length, 3);
    parts.push(`log-probability ${number(total, 3)} nats, ${each} a piece`);
  }
  return parts.join(" · ");
}

/** Why there is nothing to draw, or null. */
function reasonForNothing(explanation, map, { number, level, view }) {
  if (!explanation) return "This run has no such sentence.";
  if (!explanation.axes.source.pieces.length) {
    return "The source is blank: there is nothing to attend to.";
  }
  if (!explanation.axes.target.pieces.length) return "The translation is blank.";
  if (!map) return "This model has no attention.";
  if (view === "grid") return null;
  if (level === "words" && !axisOf(explanation, map.rows).words.length) {
    return "The translation has no words; its end is a piece.";
  }
  if (matrixOf(map, number).flat().includes(null)) {
    return "A weight is not finite: the model has diverged.";
  }
  return null;
}

// --- elements ---------------------------------------------------------------------------------

/** A new element with attributes (those that are null are left out) and children. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A word on its own: its direction is its first strong letter's and touches no neighbour. */
const word = (text) => element("bdi", { dir: "auto" }, text);

/** A picture of the source, lit where a word was read from. */
function figureOf({ word: text, weight, image }) {
  const alt = text ? `The source, lit where ${text} was read from` : "The source";
  const caption = text ? [word(text), ` ${number(weight, 2)}`] : ["source"];
  return element("figure", {}, element("img", { src: image, alt }), element("figcaption", {}, ...caption));
}

const partOf = (root, name) => root.querySelector(`[data-part="${name}"]`);

function fill(select, names) {
  select.replaceChildren(...names.map((name, i) => element("option", { value: i }, name)));
}

/** The direction in which a text is written. */
function directionOf(text) {
  const probe = element("bdi", { dir: "auto" }, text);
  document.body.append(probe);
  const { direction } = getComputedStyle(probe);
  probe.remove();
  return direction;
}

const pencil = document.createElement("canvas").getContext("2d");

/** The width in px of the longest of `texts` in the font of `element`. */
function widest(texts, { font }) {
  pencil.font = font;
  return Math.max(0, ...texts.map((text) => pencil.measureText(text).width));
}

/** The small label beside the cell that is hovered over or focused. */
const tip = {
  box: document.getElementById("tip"),
  show(target, ...content) {
    this.box.replaceChildren(...content);
    this.box.hidden = false;
    const { left, right, bottom, top } = target.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const x = Math.min(Math.max(4, (left + right - width) / 2), innerWidth - width - 4);
    const y = bottom + height + 6 < innerHeight ? bottom + 6 : top - height - 6;
    Object.assign(this.box.style, { left: `${x}px`, top: `${y}px` });
  },
  hide() {
    this.box.hidden = true;
  },
};

// --- the matrix -------------------------------------------------------------------------------

const LEAST = 18; // px; a smaller cell can't be hit
const ROOMY = 30; // px; from here on a cell holds its number
const LYING = 48; // px; from here on there may be words that lie
const ROOMIEST = 64; // px; no wider than that without a word that needs it

/** A table of cells with entropy to the right of the rows and coverage below the columns. */
class Matrix {
  constructor(table, { hold }) {
    this.table = table;
    this.hold = hold;
    this.view = { rows: [], columns: [] }; // as `look` gives it
    this.pointed = null;
    table.addEventListener("pointerover", ({ target }) => this.point(target.closest("td, th")));
    table.addEventListener("pointerleave", () => this.point(null));
    table.addEventListener("focusin", ({ target }) => this.point(target.closest("td")));
    table.addEventListener("focusout", () => this.point(null));
    table.addEventListener("click", ({ target }) => this.click(target.closest("tbody tr")));
    table.addEventListener("keydown", (event) => this.press(event));
  }

  /** Show a view; cells that stay are changed in place, so that colours can be seen to move. */
  show(view, direction) {
    const same =
      this.view.map?.weights === view.map.weights &&
      this.table.dir === direction &&
      `${view.rows.join("\n")}\0${view.columns.join("\n")}` ===
        `${this.view.rows.join("\n")}\0${this.view.columns.join("\n")}`;
    this.view = view;
    this.table.dir = direction;
    if (!same || !this.table.tBodies.length) this.build();
    this.paint();
    this.fit();
    if (this.pointed) this.point(this.pointed.isConnected ? this.pointed : null);
  }

  build() {
    const { rows, columns } = this.view;
    this.table.classList.toggle("plain", !this.view.map.weights);
    const strip = (name) => element("td", { class: `strip ${name}` });
    const head = element(
      "tr",
      {},
      element("td", { class: "strip corner" }),
      ...columns.map((text) => element("th", { scope: "col" }, word(text))),
      element(
        "th",
        { class: "strip", scope: "col" },
        "entropy",
        element("br"),
        `nats · of ln ${columns.length}`,
      ),
    );
    const body = rows.map((text) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", title: text }, word(text)),
        ...columns.map(() => element("td")),
        strip("entropy"),
      ),
    );
    const foot = element(
      "tr",
      {},
      element("th", { class: "strip", scope: "row" }, "coverage"),
      ...columns.map(() => strip("coverage")),
      element("td", { class: "strip" }),
    );
    this.table.replaceChildren(
      element("thead", {}, head),
      element("tbody", {}, ...body),
      element("tfoot", {}, foot),
    );
    const first = this.table.querySelector("tbody td:not(.strip)");
    if (first) first.tabIndex = 0;
  }

  paint() {
    const { matrix, columns, map } = this.view;
    matrix.forEach((row, i) => {
      const cells = this.table.tBodies[0].rows[i].cells;
      row.forEach((value, j) => {
        const share = shareOf(map, value);
        cells[j + 1].style.setProperty("--w", Math.abs(share));
        cells[j + 1].classList.toggle("negative", share < 0);
        cells[j + 1].textContent = number(value, 2);
      });
      if (!map.weights) return; // their rows are no distributions
      const strip = cells[columns.length + 1];
      strip.style.setProperty("--share", evenness(row));
      const text = `${number(entropy(row), 2)} · ${percent(evenness(row))}`;
      strip.replaceChildren(element("span", { dir: "ltr" }, text));
    });
    const totals = columns.map((_, j) => coverage(matrix, j));
    const most = Math.max(1, ...totals);
    totals.forEach((total, j) => {
      const strip = this.table.tFoot.rows[0].cells[j + 1];
      strip.style.setProperty("--share", total / most);
      strip.replaceChildren(element("span", {}, number(total, 2)));
    });
  }

  /** Give the cells what room there is: words lie if they can; numbers go if they don't fit. */
  fit() {
    const { rows, columns } = this.view;
    if (!columns.length) return;
    const style = getComputedStyle(this.table.parentElement); // the table's own depends on the fit
    const side = Math.min(192, widest(rows, style) + 20);
    const strip = this.view.map.weights ? 110 : 0; // of the entropy
    const room = this.table.parentElement.clientWidth - side - strip;
    const widths = columns.map((text) => widest([text], style) + 16);
    const lying = (least) => sum(widths.map((width) => Math.max(least, width)));
    const upright = lying(LYING) > room;
    const share = Math.min(LYING, Math.max(LEAST, Math.floor(room / columns.length)));
    const width = upright ? share : lying(ROOMIEST) > room ? LYING : ROOMIEST;
    const dense = width < ROOMY;
    this.table.classList.toggle("upright", upright);
    this.table.classList.toggle("dense", dense);
    this.table.style.setProperty("--column", `${width}px`);
    this.table.style.setProperty("--row", `${dense ? Math.max(20, width) : 34}px`);
  }

  /** Mark the cell, its row's word and its column's, and say the weight. */
  point(cell) {
    this.table.querySelectorAll(".seen").forEach((marked) => marked.classList.remove("seen"));
    tip.hide();
    this.pointed = cell;
    const { rows, columns, counted, matrix, map } = this.view;
    if (!cell || cell.closest("thead")) return;
    const j = cell.cellIndex - 1;
    const inside = j >= 0 && j < columns.length;
    if (inside) this.table.tHead.rows[0].cells[j + 1].classList.add("seen");
    if (cell.closest("tfoot")) {
      if (!inside) return;
      tip.show(cell, "coverage of ", counted, word(columns[j]), ` ${number(coverage(matrix, j), 4)}`);
      return;
    }
    const i = cell.parentElement.sectionRowIndex;
    cell.parentElement.cells[0].classList.add("seen");
    if (inside) {
      cell.classList.add("seen");
      const between = map.weights ? " looks at " : ", ";
      const place = [between, counted, word(columns[j])];
      tip.show(cell, word(rows[i]), ...place, ` ${number(matrix[i][j], 4)}`);
    } else if (j >= 0) {
      tip.show(cell, "entropy of ", word(rows[i]), ` ${entropyText(matrix[i])}`);
    }
  }

  click(row) {
    if (row) this.hold(row.sectionRowIndex);
  }

  press(event) {
    const cell = event.target.closest("td");
    const next = cell && this.neighbour(cell, event.key);
    if (next) {
      cell.removeAttribute("tabindex");
      next.tabIndex = 0;
      next.focus();
      next.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else if (event.key === "Enter" || event.key === " ") {
      this.click(cell?.closest("tbody tr"));
    } else {
      return;
    }
    event.preventDefault();
  }

  /** The cell that a key leads to: itself at an edge, null for a key that means nothing here. */
  neighbour(cell, key) {
    const onward = this.table.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const last = { i: this.view.rows.length - 1, j: this.view.columns.length - 1 };
    let i = cell.parentElement.sectionRowIndex;
    let j = cell.cellIndex - 1;
    if (key === "ArrowUp") i = Math.max(0, i - 1);
    else if (key === "ArrowDown") i = Math.min(last.i, i + 1);
    else if (key === "Home") j = 0;
    else if (key === "End") j = last.j;
    else if (key === onward) j = Math.min(last.j, j + 1);
    else if (key === "ArrowLeft" || key === "ArrowRight") j = Math.max(0, j - 1);
    else return null;
    return this.table.tBodies[0].rows[i].cells[j + 1];
  }

  /** Show the row as held, or none. */
  mark(held) {
    this.table.classList.toggle("holding", held !== null);
    [...(this.table.tBodies[0]?.rows ?? [])].forEach((row, i) => {
      row.classList.toggle("held", i === held);
      row.setAttribute("aria-selected", i === held);
    });
  }
}

// --- lines between the sentences --------------------------------------------------------------

const PITCH = 26; // px from a word to the next

/** The columns' words on the left, the rows' on the right, and lines as dark as the weights. */
class Lines {
  constructor(box, { hold }) {
    this.box = box;
    this.hold = hold;
    box.addEventListener("pointerover", ({ target }) => this.point(target.closest("li")));
    box.addEventListener("pointerleave", () => this.point(null));
    box.addEventListener("focusin", ({ target }) => this.point(target.closest("li")));
    box.addEventListener("focusout", () => this.point(null));
    box.addEventListener("click", ({ target }) => {
      const row = target.closest(".rows li");
      if (row) this.hold([...row.parentElement.children].indexOf(row));
    });
  }

  show({ rows, columns, matrix }) {
    const height = PITCH * Math.max(rows.length, columns.length);
    const space = "http://www.w3.org/2000/svg";
    const picture = document.createElementNS(space, "svg");
    picture.setAttribute("viewBox", `0 0 100 ${height}`);
    picture.setAttribute("preserveAspectRatio", "none");
    picture.setAttribute("aria-hidden", "true");
    matrix.forEach((row, i) =>
      row.forEach((weight, j) => {
        if (weight < 0.005) return; // it would be invisible
        const path = document.createElementNS(space, "path");
        const [from, to] = [(j + 0.5) * PITCH, (i + 0.5) * PITCH];
        path.setAttribute("d", `M0 ${from}C50 ${from} 50 ${to} 100 ${to}`);
        path.setAttribute("vector-effect", "non-scaling-stroke");
        path.setAttribute("stroke-opacity", weight);
        path.setAttribute("stroke-width", 1 + 3 * weight);
        Object.assign(path.dataset, { i, j });
        picture.append(path);
      }),
    );
    const button = (text) => element("button", { type: "button" }, word(text));
    this.box.replaceChildren(
      element("ol", { class: "columns" }, ...columns.map((text) => element("li", {}, word(text)))),
      element("div", {}, picture),
      element("ol", { class: "rows" }, ...rows.map((text) => element("li", {}, button(text)))),
    );
    picture.style.height = `${height}px`;
    this.box.style.setProperty("--pitch", `${PITCH}px`);
  }

  /** Mark a word, and leave the other words' lines in the shade. */
  point(item) {
    this.box.querySelectorAll(".seen").forEach((marked) => marked.classList.remove("seen"));
    item?.classList.add("seen");
    this.shade(item ? this.wordOf(item) : this.heldWord);
  }

  wordOf(item) {
    const index = [...item.parentElement.children].indexOf(item);
    return { [item.closest(".rows") ? "i" : "j"]: String(index) };
  }

  mark(held) {
    this.heldWord = held === null ? null : { i: String(held) };
    this.box.querySelectorAll(".rows li").forEach((item, i) => {
      item.classList.toggle("held", i === held);
      item.firstChild.setAttribute("aria-pressed", i === held);
    });
    this.shade(this.heldWord);
  }

  shade(chosen) {
    for (const { dataset, classList } of this.box.querySelectorAll("path")) {
      const its = !chosen || Object.entries(chosen).every(([key, value]) => dataset[key] === value);
      classList.toggle("aside", !its);
    }
  }
}

// --- the grid of all matrices -----------------------------------------------------------------

const SIDE = 96; // px of a small matrix's longer side
const shades = { steps: 128, colours: null };

/** The colours of -1 to 1 as [red, green, blue], mixed as the cells' are. */
function coloursOf() {
  if (shades.colours) return shades.colours;
  const style = getComputedStyle(document.documentElement);
  const [low, high, negative] = ["--low", "--high", "--negative"].map((name) =>
    style.getPropertyValue(name),
  );
  const canvas = element("canvas", { width: 2 * shades.steps + 1, height: 1 });
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  for (let k = -shades.steps; k <= shades.steps; k++) {
    const full = k < 0 ? negative : high;
    brush.fillStyle = `color-mix(in oklab, ${full} ${(100 * Math.abs(k)) / shades.steps}%, ${low})`;
    brush.fillRect(k + shades.steps, 0, 1, 1);
  }
  const { data: bytes } = brush.getImageData(0, 0, canvas.width, 1);
  shades.colours = Array.from({ length: canvas.width }, (_, k) => bytes.slice(4 * k, 4 * k + 3));
  return shades.colours;
}

/** Every matrix of every place as a small picture, drawn when it comes into sight. */
class Grid {
  constructor(box, { open }) {
    this.box = box;
    this.shown = ""; // of what the pictures are
    this.views = new WeakMap(); // of each canvas: how to look at its matrix
    this.sight = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.draw(target);
    });
    box.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (button) open(button.dataset.place, Number(button.dataset.number));
    });
  }

  show(explanation, level, direction) {
    this.sight.disconnect();
    const groups = explanation.maps.map((map) => {
      const heading = element("h3", {}, map.place, element("small", {}, this.about(explanation, map)));
      const buttons = map.names.map((_, number) => this.button(explanation, map, number, level));
      return element("div", { class: "place" }, heading, element("div", { dir: direction }, ...buttons));
    });
    this.box.replaceChildren(...groups);
    this.box.querySelectorAll("canvas").forEach((canvas) => this.sight.observe(canvas));
  }

  about(explanation, map) {
    const unit = map.attention ? `${map.attention} attention, ` : "";
    const [rows, columns] = [map.rows, map.columns].map((axis) => axisOf(explanation, axis).name);
    return `${unit}rows: ${rows}, columns: ${columns}`;
  }

  button(explanation, map, number, level) {
    const [height, width] = [map.rows, map.columns].map((axis) => {
      const { words, pieces } = axisOf(explanation, axis);
      return (level === "words" ? words : pieces).length;
    });
    const cell = Math.max(1, Math.min(10, SIDE / Math.max(1, height, width)));
    const canvas = element("canvas", { width: Math.max(1, width), height: Math.max(1, height) });
    canvas.style.width = `${Math.round(width * cell)}px`;
    canvas.style.height = `${Math.round(height * cell)}px`;
    this.views.set(canvas, () => look(explanation, map, { number, level }));
    const name = map.names[number];
    const made = element(
      "button",
      { type: "button", "aria-label": `${map.place} ${name}`.trim(), title: `${map.place} ${name}` },
      canvas,
      element("bdi", {}, name),
    );
    Object.assign(made.dataset, { place: map.place, number });
    return made;
  }

  draw(canvas) {
    this.sight.unobserve(canvas);
    const { matrix, map } = this.views.get(canvas)();
    const colours = coloursOf();
    const brush = canvas.getContext("2d");
    const picture = brush.createImageData(canvas.width, canvas.height);
    matrix.forEach((row, i) =>
      row.forEach((value, j) => {
        const share = value === null ? 0 : shareOf(map, value);
        const colour = colours[Math.round(share * shades.steps) + shades.steps];
        const place = 4 * (i * canvas.width + j);
        picture.data.set(colour, place);
        picture.data[place + 3] = value === null ? 0 : 255;
      }),
    );
    brush.putImageData(picture, 0, 0);
  }
}

// --- a panel: one run -------------------------------------------------------------------------

const MOMENT = 900; // ms for which a checkpoint is shown while playing

/** One run's checkpoints: what is chosen of them, and the picture of it. */
class Panel {
  constructor(run) {
    this.root = document.getElementById("panel").content.cloneNode(true).firstElementChild;
    // A place, and a matrix of it; null is what is shown unasked.
    this.choice = { run, checkpoint: 0, place: data.first.unit, number: data.first.head };
    this.held = null; // the row that is
    this.view = null; // what is shown, if anything
    this.timer = null; // while playing
    const hold = (row) => this.hold(row);
    this.matrix = new Matrix(this.part("matrix"), { hold });
    this.lines = new Lines(this.part("lines"), { hold });
    const open = (place, number) => this.open(place, number);
    this.grid = new Grid(this.part("grid"), { open });
    fill(this.part("run"), data.runs.map(({ name }) => name));
    this.part("run-field").hidden = data.runs.length < 2;
    this.listen();
    this.choose({ run });
    new ResizeObserver(() => this.matrix.fit()).observe(this.part("scroller"));
  }

  part(name) {
    return partOf(this.root, name);
  }

  get checkpoints() {
    return data.runs[this.choice.run].checkpoints;
  }

  get explanation() {
    return this.checkpoints[this.choice.checkpoint]?.explanations[shared.sentence];
  }

  /** The map chosen, or the first; none where there is nothing. */
  get map() {
    const maps = this.explanation?.maps ?? [];
    const { place } = this.choice;
    return maps.find((map) => inPlace(map, place)) ?? maps[0];
  }

  /** The matrix chosen; of what has no heads, the only one. */
  get number() {
    const { map, choice } = this;
    const chosen = choice.number ?? (map ? unaskedOf(map) : null);
    return map && chosen !== null && chosen >= map.names.length ? unaskedOf(map) : chosen;
  }

  listen() {
    const on = (event, part, act) =>
      this.part(part).addEventListener(event, ({ target }) => act(target.value));
    on("change", "run", (value) => this.choose({ run: Number(value) }));
    on("change", "place", (place) => this.choose({ place, number: null }));
    on("change", "head", (value) => this.choose({ number: value === "" ? null : Number(value) }));
    on("input", "checkpoint", (value) => {
      this.stop();
      this.choose({ checkpoint: Number(value) });
    });
    this.part("play").addEventListener("click", () => (this.timer ? this.stop() : this.play()));
    this.root.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.view) this.hold(null);
    });
  }

  /** Change what is chosen; a run is shown at its last checkpoint. */
  choose(change) {
    Object.assign(this.choice, change);
    if ("run" in change) {
      this.stop();
      this.choice.checkpoint = this.checkpoints.length - 1;
    }
    this.render();
  }

  hold(row) {
    this.held = row === this.held ? null : row;
    this.renderHeld();
  }

  play() {
    const last = this.checkpoints.length - 1;
    const next = () => {
      this.choose({ checkpoint: this.choice.checkpoint + 1 });
      this.timer = this.choice.checkpoint < last ? setTimeout(next, MOMENT) : null;
      this.renderControls();
    };
    if (this.choice.checkpoint === last) this.choose({ checkpoint: 0 });
    this.timer = setTimeout(next, MOMENT);
    this.renderControls();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  /** Show one matrix of the grid, large. */
  open(place, number) {
    Object.assign(this.choice, { place, number });
    share({ view: "matrix" });
    this.part("scroller").focus({ preventScroll: true });
    this.root.scrollIntoView({ block: "nearest" });
  }

  render() {
    this.renderControls();
    this.renderTexts();
    this.renderPicture();
  }

  renderControls() {
    const { choice, checkpoints, map } = this;
    const maps = this.explanation?.maps ?? [];
    const grid = shared.view === "grid";
    this.part("place").replaceChildren(
      ...maps.map(({ place }) => element("option", { value: place }, place)),
    );
    this.part("place").value = map?.place ?? "";
    this.part("place-field").hidden = grid || maps.length < 2;
    const names = map?.names ?? [];
    const options = names.map((name, k) => element("option", { value: k }, name.replace(/^head /, "")));
    if (map?.by === "head") options.unshift(element("option", { value: "" }, `mean of ${names.length}`));
    this.part("head").replaceChildren(...options);
    this.part("head").value = this.number ?? "";
    this.part("head-name").textContent = map?.by === "step" ? "Step" : "Head";
    this.part("head-field").hidden = grid || names.length < 2;
    this.part("run").value = choice.run;
    this.part("checkpoint-field").hidden = checkpoints.length < 2;
    const slider = this.part("checkpoint");
    slider.max = checkpoints.length - 1;
    slider.value = choice.checkpoint;
    const step = checkpoints.length ? stepOf(checkpoints[choice.checkpoint]) : "";
    slider.setAttribute("aria-valuetext", step);
    this.part("step").textContent = `${step} (${choice.checkpoint + 1} of ${checkpoints.length})`;
    const verb = this.timer ? "pause" : "play";
    this.part("play").textContent = verb;
    this.part("play").setAttribute("aria-label", `${verb} the checkpoints`);
    this.root.setAttribute("aria-label", `${data.runs[choice.run].name} ${step}`);
  }

  renderTexts() {
    const { explanation } = this;
    const own = this.checkpoints[this.choice.checkpoint]?.translations?.[shared.sentence];
    this.part("caption").textContent = explanation ? captionOf(explanation, shared.view === "grid" ? null : this.map) : "";
    this.part("source").textContent = explanation?.source ?? "";
    this.part("translation").textContent = explanation?.translation ?? "";
    this.part("pictures").replaceChildren(...(explanation?.pictures ?? []).map(figureOf));
    const given = own !== undefined;
    this.part("translation-name").textContent = given ? "translation given" : "translation";
    this.part("own").textContent = own ?? "";
    this.part("own").hidden = this.part("own-name").hidden = !given;
  }

  renderPicture() {
    const { explanation, map } = this;
    const chosen = { number: this.number, level: shared.level, view: shared.view };
    const reason = reasonForNothing(explanation, map, chosen);
    this.part("message").textContent = reason ?? "";
    this.part("message").hidden = !reason;
    this.part("scroller").hidden = reason !== null;
    this.part("held").hidden = reason !== null || shared.view === "grid";
    for (const view of ["matrix", "lines", "grid"]) this.part(view).hidden = view !== shared.view;
    this.view = reason || shared.view === "grid" ? null : look(explanation, map, chosen);
    if (reason) return;
    const direction = directionOf(explanation.source);
    if (shared.view === "grid") {
      this.grid.show(explanation, shared.level, direction);
      return;
    }
    const [rows, columns] = [map.rows, map.columns].map((axis) => axisOf(explanation, axis).name);
    this.part("matrix").setAttribute("aria-label", `${map.place}: a row a ${rows}, a column a ${columns}`);
    if (shared.view === "lines") this.lines.show(this.view);
    else this.matrix.show(this.view, direction);
    this.renderHeld();
  }

  /** Mark the row that is held, and say where it looks, the most first. */
  renderHeld() {
    const { rows, columns, counted, matrix, map } = this.view;
    if (this.held >= rows.length) this.held = null;
    (shared.view === "lines" ? this.lines : this.matrix).mark(this.held);
    if (this.held === null) {
      this.part("held").textContent = "Click a row to hold it.";
      return;
    }
    const row = matrix[this.held];
    const most = row.map((weight, j) => [weight, columns[j]]).sort(([a], [b]) => b - a);
    const places = most.slice(0, 5).flatMap(([weight, text], k) => [
      k ? ", " : "",
      counted,
      word(text),
      ` ${number(weight, 3)}`,
    ]);
    this.part("held").replaceChildren(
      element("strong", {}, word(rows[this.held])),
      map.weights ? " looks at " : ": ",
      ...places,
      most.length > 5 ? ", …" : "",
      map.weights ? ` (entropy ${entropyText(row)})` : "",
    );
  }
}

// --- the page ---------------------------------------------------------------------------------

const shared = {
  sentence: 0,
  level: data.first.pieces ? "pieces" : "words",
  view: data.first.grid ? "grid" : "matrix",
};
const panels = [];

/** What all panels share: the sentence, words or pieces, matrix or lines, one panel or two. */
function start() {
  const form = document.getElementById("controls");
  const sentences = data.runs[0]?.checkpoints[0]?.explanations ?? [];
  fill(form.sentence, sentences.map(({ source }, i) => `${i + 1}. ${source}`));
  partOf(form, "sentence-field").hidden = sentences.length < 2;
  form.addEventListener("change", ({ target }) => {
    if (target.name === "sentence") share({ sentence: Number(target.value) });
    else if (target.name === "compare") arrange(target.checked);
    else share({ [target.name]: target.value });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.level.value = shared.level;
  form.view.value = shared.view;
  partOf(form, "grid-field").hidden = !data.runs.some(({ checkpoints }) =>
    checkpoints.some(({ explanations }) => explanations.some(({ maps }) => matricesOf(maps) > 1)),
  );
  const schemes = matchMedia("(prefers-color-scheme: dark)");
  schemes.addEventListener("change", () => {
    shades.colours = null;
    if (shared.view === "grid") share({});
  });
  form.compare.checked = data.runs.length > 1;
  arrange(data.runs.length > 1);
}

const matricesOf = (maps) => sum(maps.map(({ names }) => names.length));

/** Whether a map is that of a place: a unit, a memory's tensor, or the first of a memory. */
const inPlace = (map, place) =>
  map.place === place || (place?.endsWith(".memory") && map.place.startsWith(`${place}.`));

function share(change) {
  Object.assign(shared, change);
  document.getElementById("controls").view.value = shared.view;
  panels.forEach((panel) => {
    if ("sentence" in change || "level" in change) panel.held = null;
    panel.render();
  });
}

/** Show one panel, or a second one beside it: the next run, if there is one. */
function arrange(two) {
  const box = document.getElementById("panels");
  while (panels.length > (two ? 2 : 1)) {
    const panel = panels.pop();
    panel.stop();
    panel.root.remove();
  }
  while (data.runs.length && panels.length < (two ? 2 : 1)) {
    const panel = new Panel(Math.min(panels.length, data.runs.length - 1));
    panels.push(panel);
    box.append(panel.root);
    panel.render(); // now that it has a width
  }
}

start();
