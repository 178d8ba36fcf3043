// Sorts and searches tables, names the cells of a matrix, and puts enlarged images back. The page says everything
// without it.
"use strict";
(() => {
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  // A cell is sorted by its figure, if it has one, else by its text.
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const figure = cell.querySelector("data");
    const number = figure ? parseFloat(figure.value) : NaN;
    return Number.isNaN(number) ? cell.textContent.trim() : number;
  };
  const isLess = (a, b) => typeof a === typeof b
    ? (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true }))
    : (typeof a === "number" ? -1 : 1);

  // The column of each header cell, for headers of two rows.
  const columnsOf = (head) => {
    const taken = [];
    const found = new Map();
    [...head.rows].forEach((row, y) => {
      let x = 0;
      for (const cell of row.cells) {
        while (taken[y]?.[x]) x++;
        if (cell.colSpan === 1) found.set(cell, x);
        for (let dy = 0; dy < cell.rowSpan; dy++) {
          for (let dx = 0; dx < cell.colSpan; dx++) (taken[y + dy] ??= [])[x + dx] = true;
        }
      }
    });
    return found;
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const columns = columnsOf(table.tHead);
    for (const [cell, column] of columns) {
      const button = make("button", { type: "button", className: "sort" });
      button.append(...cell.childNodes);
      cell.append(button);
      button.addEventListener("click", () => {
        const was = cell.getAttribute("aria-sort");
        const isNumber = cell.classList.contains("number");
        const direction = was === "descending" || (!was && !isNumber) ? "ascending" : "descending";
        for (const other of columns.keys()) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", direction);
        const sign = direction === "ascending" ? 1 : -1;
        const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row, column), row]);
        // Empty cells are last in both directions.
        rows.sort(([a], [b]) => (a === "") - (b === "") || sign * isLess(a, b));
        table.tBodies[0].append(...rows.map(([, row]) => row));
      });
    }
  }

  for (const table of document.querySelectorAll("table.searchable")) {
    const rows = [...table.tBodies[0].rows];
    const texts = rows.map((row) => [...row.querySelectorAll(".name")].map((cell) => cell.textContent).join(" ").toLowerCase());
    const input = make("input", { type: "search" });
    const label = make("label", { textContent: "Search classes " });
    const said = make("span", { className: "note" });
    const box = make("div", { className: "search" });
    said.setAttribute("role", "status");
    label.append(input);
    box.append(label, said);
    table.parentElement.before(box);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/);
      let n = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        n += !row.hidden;
      });
      said.textContent = input.value ? `${n} of ${rows.length} rows` : "";
    });
  }

  for (const matrix of document.querySelectorAll("svg.matrix")) {
    const names = JSON.parse(matrix.dataset.classes);
    const counts = new Map();
    const numbers = matrix.dataset.cells.split(" ").map(Number);
    for (let i = 0; i + 2 < numbers.length; i += 3) counts.set(numbers[i] * names.length + numbers[i + 1], numbers[i + 2]);
    const frame = matrix.querySelector(".frame");
    const readout = matrix.closest("figure").nextElementSibling;
    readout.hidden = false;
    readout.textContent = "Point at a cell, or tap it, to read it.";
    const read = (event) => {
      const box = frame.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left) / box.width * names.length);
      const row = Math.floor((event.clientY - box.top) / box.height * names.length);
      if (row < 0 || column < 0 || row >= names.length || column >= names.length) return;
      const n = counts.get(row * names.length + column) ?? 0;
      readout.textContent = `${names[row]}, predicted as ${row === column ? "the same" : names[column]}: ${n.toLocaleString("en")} ${n === 1 ? "image" : "images"}`;
    };
    matrix.addEventListener("pointermove", read);
    matrix.addEventListener("click", read);
  }

  const close = () => document.querySelectorAll(".zoom[open]").forEach((each) => { each.open = false; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
})();
