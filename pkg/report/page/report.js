"use strict";
// Values on hover, touch and arrow keys. Without it every chart still shows
// all there is to see.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const stills = [...document.querySelectorAll(".stills figure")].map((f) => ({
    t: +f.dataset.t, rep: +f.dataset.rep, figure: f, img: f.querySelector("img"),
  }));
  const n = data.t.length;
  if (n === 0) return;
  const axes = data.axes;
  const at = (v, [lo, hi]) => (v - lo) / (hi - lo);
  const charts = {
    time: { x: (i) => at(data.t[i], axes.time) },
    depth: { x: (i) => data.rep[i] > 0 && data.depth[i] !== null ? data.depth[i] / 100 : NaN },
    rhythm: { x: (i) => data.rep[i] > 0 && data.hip[i] !== null ? at(data.hip[i], axes.hip) : NaN },
  };
  const y = (i) => data.flex[i] === null ? NaN : 1 - at(data.flex[i], axes.flex);

  const words = (i) => {
    const out = [`${data.t[i].toFixed(2)} s`];
    if (data.rep[i] > 0) out.push(`rep ${data.rep[i]}`);
    if (data.depth[i] !== null && data.rep[i] > 0) out.push(`depth ${Math.round(data.depth[i])}\u00a0%`);
    if (data.flex[i] === null) out.push("lower back not measured");
    else out.push(`flexion ${Math.round(data.flex[i])}°` + (data.sd[i] === null ? "" : ` ±\u00a0${Math.ceil(data.sd[i])}°`));
    return out.join(" · ");
  };

  // nearestStill is the picture nearest in time: of the same rep, or, between
  // reps, within half a second.
  const nearestStill = (i) => {
    let best = null;
    const far = (s) => Math.abs(s.t - data.t[i]);
    for (const s of stills) {
      if (data.rep[i] > 0 ? s.rep !== data.rep[i] : far(s) > 0.5) continue;
      if (!best || far(s) < far(best)) best = s;
    }
    return best;
  };

  for (const section of document.querySelectorAll(".chart")) {
    const kind = charts[section.dataset.chart];
    const plot = section.querySelector(".plot");
    const svg = section.querySelector("svg");
    const cursor = section.querySelector(".cursor");
    const dot = section.querySelector(".dot");
    const output = section.querySelector("output");
    const picture = section.querySelector(".read img");
    if (!kind) continue;
    let current = -1;

    const show = (i) => {
      current = i;
      const px = kind.x(i), py = y(i);
      cursor.hidden = Number.isNaN(px);
      cursor.style.transform = `translateX(${100 * px}%)`;
      dot.hidden = Number.isNaN(px) || Number.isNaN(py);
      dot.style.transform = `translate(${100 * px}%, ${100 * py}%)`;
      output.textContent = words(i);
      const reps = svg.querySelectorAll("path[data-rep]");
      svg.classList.toggle("dim", reps.length > 0 && data.rep[i] > 0);
      for (const p of reps) p.classList.toggle("on", +p.dataset.rep === data.rep[i]);
      const s = nearestStill(i);
      picture.hidden = !s;
      if (s) picture.src = s.img.src;
      for (const o of stills) o.figure.classList.toggle("on", o === s);
    };
    const hide = () => {
      current = -1;
      cursor.hidden = dot.hidden = picture.hidden = true;
      svg.classList.remove("dim");
      output.textContent = "";
      for (const o of stills) o.figure.classList.remove("on");
    };
    const point = (e) => {
      const r = plot.getBoundingClientRect();
      const fx = (e.clientX - r.left) / r.width, fy = (e.clientY - r.top) / r.height;
      const flat = section.dataset.chart === "time"; // time has one value at each x
      let best = -1, least = Infinity;
      for (let i = 0; i < n; i++) {
        const dx = (kind.x(i) - fx) * r.width, dy = flat ? 0 : (y(i) - fy) * r.height;
        const d = dx * dx + dy * dy;
        if (d < least) { least = d; best = i; }
      }
      if (best >= 0) show(best);
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", (e) => { if (e.pointerType === "mouse") hide(); });
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 15, PageUp: -15 }[e.key];
      if (e.key === "Escape") hide();
      if (!step) return;
      e.preventDefault();
      const sign = Math.sign(step);
      let i = current < 0 ? (sign > 0 ? 0 : n - 1) : Math.min(n - 1, Math.max(0, current + step));
      while (i >= 0 && i < n && Number.isNaN(kind.x(i))) i += sign;
      if (i >= 0 && i < n) show(i);
    });
  }
})();
