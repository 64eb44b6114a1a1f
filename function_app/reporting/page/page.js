"use strict";
// Search without leaving the page: an address marks its holder, words keep the rows that bear them. Without script the form asks.
(() => {
  const box = document.querySelector("#search"), said = document.querySelector("#said");
  const rows = [...document.querySelectorAll("tr[data-is]")], cells = [...document.querySelectorAll(".cell")];
  const folded = [...document.querySelectorAll("details.rows")];
  const number = (text) => {
    const parts = text.split(".");
    if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return null;
    return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
  };
  const holds = (range, address) => {
    const [first, length] = range.split("/"), start = number(first);
    return start !== null && address >= start && address < start + 2 ** (32 - Number(length));
  };
  const look = () => {
    const asked = box.value.trim().toLowerCase(), address = number(asked);
    let shown = 0;
    for (const row of rows) {
      const hit = asked !== "" && (address !== null ? holds(row.dataset.range, address) : row.dataset.is.includes(asked));
      row.hidden = asked !== "" && !hit;
      row.classList.toggle("hit", hit);
      shown += hit ? 1 : 0;
    }
    let marked = "";
    for (const cell of cells) {
      const hit = asked !== "" && (address !== null ? holds(cell.dataset.range, address) : cell.dataset.tenant.includes(asked));
      cell.classList.toggle("hit", hit);
      if (hit && address !== null) marked = cell.querySelector("title").textContent;
    }
    for (const one of folded) one.open = asked !== "" && one.querySelector("tr.hit") !== null;
    if (asked === "") said.textContent = "";
    else if (marked !== "") said.textContent = `${asked}: ${marked}`;
    else if (address !== null && shown === 0) said.textContent = `${asked}: nobody holds it now`;
    else said.textContent = `${shown} of ${rows.length} attachments`;
  };
  box.addEventListener("input", look);
  box.form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (location.protocol === "file:" || number(box.value.trim().split("/")[0]) === null) { look(); return; }
    const to = new URL(location.href); // a key in the query stays there, and never stands in the page
    to.searchParams.set("address", box.value.trim());
    to.hash = "";
    location.assign(to);
  });
  document.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (cell === null) return;
    box.value = cell.dataset.range.split("/")[0];
    look();
    box.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus(); box.select(); }
    else if (event.key === "Escape" && document.activeElement === box) { box.value = ""; look(); }
  });
  if (box.value !== "") look();
})();
