(function () {
  "use strict";
  // on a touch screen a drag must scroll the page, not zoom a chart
  const touch = window.matchMedia("(pointer: coarse)").matches;
  const config = { displayModeBar: false, responsive: true };
  for (const place of document.querySelectorAll("[data-figure]")) {
    const figure = JSON.parse(document.getElementById("figure-" + place.dataset.figure).textContent);
    if (touch) figure.layout.dragmode = false;
    Plotly.newPlot(place, figure.data, figure.layout, config).then(() => place.classList.add("drawn"));
  }
  const buttons = document.querySelectorAll("[data-scale]");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      Plotly.relayout("chart-equity", { "yaxis.type": button.dataset.scale, "yaxis.autorange": true });
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    });
  }
  // paper is narrower than the window, and printing tells the charts nothing
  const widths = new Map();
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    for (const place of document.querySelectorAll("[data-figure]")) {
      widths.set(place, place.clientWidth);
      const half = place.closest(".pair") !== null;
      Plotly.relayout(place, { width: Math.min(place.clientWidth, half ? 330 : 680) });
    }
  });
  window.addEventListener("afterprint", () => {
    for (const [place, width] of widths) Plotly.relayout(place, { width: width, autosize: true });
  });
})();
