"use strict";
// Sorting and filters. Without it the table is whole, by group and name.
(() => {
  const table = document.getElementById("clips");
  if (!table) return;
  const $ = (id) => document.getElementById(id);
  const bodies = [...table.tBodies];
  const rows = bodies.flatMap((body) => [...body.querySelectorAll("tr.row")].map((tr, i) => ({ tr, body, i, data: tr.dataset })));
  const headers = [...table.querySelectorAll("th[data-key]")];
  const together = document.createElement("tbody"); // of all groups, where they are not kept apart
  table.append(together);
  let key = "", down = false;

  const value = (row) => {
    const v = row.data[key];
    if (!headers.find((h) => h.dataset.key === key).hasAttribute("data-number")) return v;
    return v === "" ? NaN : +v;
  };
  const compare = (a, b) => {
    if (key === "") return 0;
    const x = value(a), y = value(b);
    if (typeof x === "string") return (down ? -1 : 1) * x.localeCompare(y, undefined, { numeric: true });
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y); // missing last
    return down ? y - x : x - y;
  };

  const arrange = () => {
    const grouped = !$("grouped") || $("grouped").checked;
    const sorted = rows.map((row, at) => ({ row, at })).sort((a, b) => compare(a.row, b.row) || a.at - b.at);
    for (const { row } of sorted) (grouped ? row.body : together).append(row.tr);
    filter();
  };

  const filter = () => {
    const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = $("verdict").value;
    const exercise = $("exercise")?.value ?? "";
    const group = $("group")?.value ?? "";
    const grouped = !$("grouped") || $("grouped").checked;
    let shown = 0;
    const full = new Set();
    for (const { tr, body, data } of rows) {
      const fits = words.every((w) => data.words.includes(w)) &&
        (verdict === "" || data.verdict === verdict) &&
        (exercise === "" || data.exercise === exercise) &&
        (group === "" || body.dataset.group === group);
      tr.hidden = !fits;
      if (fits) { shown++; full.add(body); }
    }
    for (const body of bodies) body.hidden = !grouped || !full.has(body);
    $("shown").textContent = shown === rows.length ? "" : `${shown} of ${rows.length}`;
  };

  for (const th of headers) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = th.textContent;
    th.replaceChildren(button);
    button.addEventListener("click", () => {
      down = key === th.dataset.key ? !down : false;
      key = th.dataset.key;
      for (const other of headers) other.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      arrange();
    });
  }
  const form = document.querySelector(".filters");
  form.hidden = false;
  form.addEventListener("submit", (e) => e.preventDefault());
  for (const id of ["find", "verdict", "exercise", "group"]) $(id)?.addEventListener("input", filter);
  $("grouped")?.addEventListener("change", arrange);
})();
