// Draws box plots, distributions and scatters as SVG that takes its colours from the page's styles, so that it is right in
// light, in dark and on paper. Marks that stand for a run are links to its page.
const simrunChart = (function () {
  'use strict';
  const SVG = 'http://www.w3.org/2000/svg';

  // Fonts of drawings: 12px of the page's family, as in the styles.
  const ruler = document.createElement('canvas').getContext('2d');
  function widthOf(text) {
    ruler.font = '12.5px ' + getComputedStyle(document.body).fontFamily;
    return ruler.measureText(text).width;
  }

  function shorten(text, room) {
    if (widthOf(text) <= room) return text;
    let n = text.length - 1;
    while (n > 1 && widthOf(text.slice(0, n) + '…') > room) n--;
    return text.slice(0, n) + '…';
  }

  function el(parent, name, attributes, text) {
    const e = document.createElementNS(SVG, name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    if (text !== undefined) e.textContent = text;
    if (parent) parent.appendChild(e);
    return e;
  }

  function number(v) {
    if (v === null || v === undefined || !isFinite(v)) return '–';
    if (v !== 0 && Math.abs(v) < 1e-3) return v.toExponential(1).replace('-', '−');
    const text = String(+v.toPrecision(4));
    return (Math.abs(v) >= 1e4 ? String(Math.round(v)).replace(/(\d)(?=(\d{3})+$)/g, '$1\u202f') : text).replace('-', '−');
  }

  // Ticks at round numbers, about n of them.
  function ticks(lo, hi, n) {
    const raw = (hi - lo) / n, power = Math.pow(10, Math.floor(Math.log10(raw)));
    const step = [1, 2, 2.5, 5, 10].map(f => f * power).find(s => s >= raw * 0.999);
    const list = [];
    for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) list.push(+(k * step).toPrecision(12));
    return list;
  }

  // The axis of a measure: its values and a little more, but never below zero if they aren't. Values that are far apart
  // have a logarithmic one.
  function axis(values, measure) {
    let lo = Infinity, hi = -Infinity;
    values.forEach(v => { lo = Math.min(lo, v); hi = Math.max(hi, v); });
    const log = lo > 0 && hi / lo >= 30;
    const is = { name: measure.name + ' [' + measure.unit + (log ? ', logarithmic]' : ']'), short: measure.name, unit: measure.unit, log: log };
    if (log) return Object.assign(is, { lo: lo / 1.15, hi: hi * 1.15 });
    const pad = hi > lo ? (hi - lo) * 0.06 : Math.max(Math.abs(hi) * 0.1, 0.5);
    return Object.assign(is, { lo: lo >= 0 ? Math.max(0, lo - pad) : lo - pad, hi: hi + pad });
  }

  function ticksOf(axis, n) {
    if (!axis.log) return ticks(axis.lo, axis.hi, n);
    let list = [];
    for (let p = Math.floor(Math.log10(axis.lo)); p <= Math.log10(axis.hi); p++) [1, 2, 5].forEach(f => list.push(f * Math.pow(10, p)));
    list = list.filter(v => v >= axis.lo && v <= axis.hi).map(v => +v.toPrecision(12));
    return list.length > 1.6 * n ? list.filter(v => Math.abs(Math.log10(v) % 1) < 1e-9) : list;
  }

  // An empty drawing with axes. box says how far the plot is from the edges.
  function frame(into, height, box, x, y) {
    const width = Math.max(into.clientWidth, 280);
    const svg = el(null, 'svg', { viewBox: '0 0 ' + width + ' ' + height, width: width, height: height, class: 'drawing', role: 'group' });
    const left = box.left, right = width - box.right, top = box.top, bottom = height - box.bottom;
    const at = (axis, a, b) => v => a + (axis.log ? Math.log(v / axis.lo) / Math.log(axis.hi / axis.lo) : (v - axis.lo) / (axis.hi - axis.lo)) * (b - a);
    const sx = at(x, left, right), sy = y.lo === undefined ? null : at(y, bottom, top);
    ticksOf(x, Math.max(2, Math.min(8, (right - left) / 80))).forEach(v => {
      el(svg, 'line', { class: 'grid-line', x1: sx(v), x2: sx(v), y1: top, y2: bottom });
      el(svg, 'text', { class: 'tick-label', x: sx(v), y: bottom + 17, 'text-anchor': 'middle' }, number(v));
    });
    if (sy) ticksOf(y, Math.max(2, Math.min(6, (bottom - top) / 45))).forEach(v => {
      el(svg, 'line', { class: 'grid-line', x1: left, x2: right, y1: sy(v), y2: sy(v) });
      el(svg, 'text', { class: 'tick-label', x: left - 8, y: sy(v), dy: '0.35em', 'text-anchor': 'end' }, number(v));
    });
    el(svg, 'line', { class: 'axis-line', x1: left, x2: right, y1: bottom, y2: bottom });
    el(svg, 'text', { class: 'axis-name', x: (left + right) / 2, y: height - 6, 'text-anchor': 'middle' }, x.name);
    if (y.name) {
      const mid = (top + bottom) / 2;
      el(svg, 'text', { class: 'axis-name', x: 14, y: mid, 'text-anchor': 'middle', transform: 'rotate(-90 14 ' + mid + ')' }, y.name);
    }
    into.replaceChildren(svg);
    return { svg: svg, sx: sx, sy: sy, left: left, right: right, top: top, bottom: bottom };
  }

  // Shapes with about the same area, around 0 0, for r the radius of the circle.
  const shapes = [
    r => 'M' + -r + ' 0a' + r + ' ' + r + ' 0 1 0 ' + 2 * r + ' 0a' + r + ' ' + r + ' 0 1 0 ' + -2 * r + ' 0z',
    r => box(r * 0.89),
    r => 'M0 ' + -1.3 * r + 'L' + 1.2 * r + ' ' + 0.8 * r + 'H' + -1.2 * r + 'z',
    r => 'M0 ' + -1.3 * r + 'L' + 1.3 * r + ' 0L0 ' + 1.3 * r + 'L' + -1.3 * r + ' 0z',
    r => 'M0 ' + 1.3 * r + 'L' + 1.2 * r + ' ' + -0.8 * r + 'H' + -1.2 * r + 'z',
    r => cross(r * 0.42, r * 1.25),
    r => 'M' + -1.25 * r + ' ' + -0.6 * r + 'h' + 2.5 * r + 'v' + 1.2 * r + 'h' + -2.5 * r + 'z',
    r => 'M' + -0.6 * r + ' ' + -1.25 * r + 'h' + 1.2 * r + 'v' + 2.5 * r + 'h' + -1.2 * r + 'z'
  ];
  function box(a) { return 'M' + -a + ' ' + -a + 'h' + 2 * a + 'v' + 2 * a + 'h' + -2 * a + 'z'; }
  function cross(a, b) {
    return 'M' + -a + ' ' + -b + 'h' + 2 * a + 'v' + (b - a) + 'h' + (b - a) + 'v' + 2 * a + 'h' + (a - b) + 'v' + (b - a) + 'h' + -2 * a + 'v' + (a - b) + 'h' + (a - b) + 'v' + -2 * a + 'h' + (b - a) + 'z';
  }
  const dashes = ['', '7 3', '2 3', '9 3 2 3'];
  // Columns with the same colour have another shape and another dash.
  const look = i => ({ color: 'series-' + i % 8, shape: shapes[(i + Math.floor(i / 8)) % 8], dash: dashes[(i + Math.floor(i / 8)) % 4] });

  // A mark of a run: a link if the run has a page.
  function mark(parent, i, x, y, r, tip, link, extra) {
    let into = parent;
    if (link) into = el(parent, 'a', { href: link, tabindex: -1 });
    return el(into, 'path', { class: 'mark ' + look(i).color + ' ' + (extra || ''), d: look(i).shape(r), transform: 'translate(' + x.toFixed(1) + ' ' + y.toFixed(1) + ')', 'data-tip': tip });
  }

  function quantile(sorted, q) {
    const at = (sorted.length - 1) * q, lo = Math.floor(at);
    return sorted[lo] + (at - lo) * ((sorted[lo + 1] === undefined ? sorted[lo] : sorted[lo + 1]) - sorted[lo]);
  }

  // groups: {index, name, points: [{v, tip, link}]}, each a box with its points.
  function boxes(into, groups, axis) {
    const room = Math.min(Math.max(...groups.map(g => widthOf(g.name))), into.clientWidth * 0.38);
    const rowHeight = 40, f = frame(into, groups.length * rowHeight + 58, { left: room + 18, right: 18, top: 8, bottom: 50 }, axis, {});
    groups.forEach((g, k) => {
      const y = f.top + (k + 0.5) * rowHeight, color = look(g.index).color;
      const label = el(f.svg, 'text', { class: 'row-label', x: f.left - 10, y: y, dy: '0.35em', 'text-anchor': 'end' }, shorten(g.name, room));
      el(label, 'title', {}, g.name);
      const sorted = g.points.map(p => p.v).sort((a, b) => a - b);
      if (!sorted.length) {
        el(f.svg, 'text', { class: 'tick-label', x: f.left + 8, y: y, dy: '0.35em' }, '–');
        return;
      }
      const q1 = quantile(sorted, 0.25), q2 = quantile(sorted, 0.5), q3 = quantile(sorted, 0.75), reach = 1.5 * (q3 - q1);
      const lo = sorted.find(v => v >= q1 - reach), hi = sorted.slice().reverse().find(v => v <= q3 + reach);
      const box = el(f.svg, 'g', { class: 'box ' + color });
      if (sorted.length > 1) {
        el(box, 'line', { class: 'whisker', x1: f.sx(lo), x2: f.sx(hi), y1: y, y2: y });
        [lo, hi].forEach(v => el(box, 'line', { class: 'whisker', x1: f.sx(v), x2: f.sx(v), y1: y - 5, y2: y + 5 }));
        el(box, 'rect', { x: f.sx(q1), y: y - 11, width: Math.max(f.sx(q3) - f.sx(q1), 1), height: 22, rx: 2 });
      }
      g.points.forEach((p, i) => {
        const spread = ((i * 0.618034) % 1 - 0.5) * 18;
        mark(f.svg, g.index, f.sx(p.v), y + spread, 3, p.tip, p.link, 'small');
      });
      if (sorted.length > 1) el(f.svg, 'line', { class: 'median ' + color, x1: f.sx(q2), x2: f.sx(q2), y1: y - 13, y2: y + 13 });
    });
    return f.svg;
  }

  // The share of values at or below each of them, a stair for each group.
  function shares(into, groups, axis) {
    const f = frame(into, 260, { left: 56, right: 18, top: 10, bottom: 50 }, axis, { lo: 0, hi: 100, name: 'runs at or below [%]' });
    groups.forEach(g => {
      const sorted = g.points.map(p => p.v).sort((a, b) => a - b);
      if (!sorted.length) return;
      let d = 'M' + f.left + ' ' + f.sy(0);
      sorted.forEach((v, i) => { d += 'H' + f.sx(v).toFixed(1) + 'V' + f.sy(100 * (i + 1) / sorted.length).toFixed(1); });
      el(f.svg, 'path', { class: 'stair ' + look(g.index).color, d: d + 'H' + f.right, 'stroke-dasharray': look(g.index).dash, 'data-tip': g.name });
    });
    return f.svg;
  }

  // groups: {index, name, points: [{x, y, tip, link}]}; a large mark stands at the medians.
  function scatter(into, groups, x, y) {
    const f = frame(into, Math.min(460, Math.max(320, into.clientWidth * 0.5)), { left: 64, right: 22, top: 12, bottom: 50 }, x, y);
    groups.forEach(g => g.points.forEach(p => mark(f.svg, g.index, f.sx(p.x), f.sy(p.y), 3.6, p.tip, p.link, 'small')));
    const labels = [];
    groups.forEach(g => {
      if (g.points.length < 2) return;
      const mid = key => quantile(g.points.map(p => p[key]).sort((a, b) => a - b), 0.5), mx = mid('x'), my = mid('y');
      mark(f.svg, g.index, f.sx(mx), f.sy(my), 7.5, g.name + ', medians of ' + g.points.length + ' runs\n' + x.short + ' ' + number(mx) + ' ' + x.unit + '\n' + y.short + ' ' + number(my) + ' ' + y.unit, '', 'large');
      const text = shorten(g.name, 150), w = widthOf(text), px = f.sx(mx);
      const flip = px + 14 + w > f.right;
      labels.push({ text: text, w: w, x: flip ? px - 14 - w : px + 14, y: f.sy(my) });
    });
    place(labels, f);
    labels.forEach(l => el(f.svg, 'text', { class: 'mark-label', x: l.x, y: l.y, dy: '0.35em' }, l.text));
    return f.svg;
  }

  // Moves labels down, or up from the bottom, until none covers another.
  function place(labels, f) {
    const line = 16;
    labels.sort((a, b) => a.y - b.y);
    const meet = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && Math.abs(a.y - b.y) < line;
    labels.forEach((l, i) => labels.slice(0, i).forEach(other => { if (meet(l, other)) l.y = other.y + line; }));
    for (let i = labels.length - 1; i >= 0; i--) {
      labels[i].y = Math.min(labels[i].y, f.bottom - 8);
      labels.slice(i + 1).forEach(other => { if (meet(labels[i], other)) labels[i].y = other.y - line; });
    }
  }

  // A swatch of a column for legends.
  function swatch(i) {
    const svg = el(null, 'svg', { viewBox: '0 0 30 14', width: 30, height: 14, 'aria-hidden': 'true', class: look(i).color });
    el(svg, 'path', { class: 'stair', d: 'M0 7H30', 'stroke-dasharray': look(i).dash });
    el(svg, 'path', { class: 'mark', d: look(i).shape(4.2), transform: 'translate(15 7)' });
    return svg;
  }

  // Texts of what the pointer is over.
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  document.body.appendChild(tip);
  document.addEventListener('mousemove', event => {
    const target = event.target.closest && event.target.closest('[data-tip]');
    tip.hidden = !target;
    if (!target) return;
    tip.textContent = target.dataset.tip;
    const r = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - r.width - 8)) + 'px';
    tip.style.top = Math.max(4, Math.min(event.clientY + 14, innerHeight - r.height - 8)) + 'px';
  });

  return { boxes: boxes, shares: shares, scatter: scatter, swatch: swatch, number: number, quantile: quantile, axis: axis };
})();
