"use strict";
// Runs before anything is drawn, so that the page never flashes in the wrong colors.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("penjing.theme");
  } catch {
    // Storage is switched off: the system's colors are taken.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
