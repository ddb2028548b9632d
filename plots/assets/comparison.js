// Draws a comparison from the data on the page: a matrix, a trade-off, distributions, ranks and the runs.
(function () {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const draw = simrunChart, number = draw.number;
  const byId = id => document.getElementById(id);
  const words = { pass: 'pass', fail: 'fail', known: 'known failure', baseline: 'baseline failed', error: 'error', incomplete: 'incomplete', none: 'nothing expected' };
  const symbols = { pass: '✓', fail: '✗', known: '✗', baseline: '✗', error: '!', incomplete: '◐', none: '○' };

  function node(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const key in attributes) {
      if (key === 'text') e.textContent = attributes[key];
      else if (key === 'on') e.addEventListener('click', attributes.on);
      else e.setAttribute(key, attributes[key]);
    }
    e.append(...children);
    return e;
  }

  const plural = (n, one) => n + ' ' + one + (n === 1 ? '' : 's');
  const median = values => draw.quantile(values.slice().sort((a, b) => a - b), 0.5);
  const named = m => m.name + ' [' + m.unit + ']';
  const measureAt = id => data.measures.findIndex(m => m.id === id);
  const valuesOf = (runs, m) => runs.map(r => r.v[m]).filter(v => v !== null);

  // What is seen: which axis makes the columns, and what of the runs is left out.
  const state = { axis: 0, hidden: new Set(), cell: null, filter: '', sort: null, shown: 100, rankSort: null };
  let columns, rows;

  const valueOn = (run, a) => run.a[a] < 0 ? 'as written' : data.axes[a].values[run.a[a]];

  // Arranges the runs in rows and columns.
  function arrange() {
    const axis = data.axes[state.axis];
    columns = [];
    rows = [];
    // Runs belong to a row by scenario and by what else was varied. A row in which nothing was varied on this axis has
    // nothing to compare.
    const restOf = run => data.axes.map((a, i) => i).filter(i => i !== state.axis && (run.a[i] >= 0 || data.axes[i].path === 'results'));
    const keyOf = run => run.s + '|' + restOf(run).map(i => i + '=' + run.a[i]).join('|');
    const varied = new Set(data.runs.filter(r => !axis || r.a[state.axis] >= 0).map(keyOf));
    const runs = data.runs.filter(r => varied.has(keyOf(r)));
    state.left = new Set(data.runs.map(keyOf)).size - varied.size;
    if (axis) axis.values.forEach((v, i) => columns.push({ name: v, at: i, baseline: i >= axis.values.length - axis.baselines }));
    if (!axis || runs.some(r => r.a[state.axis] < 0)) columns.push({ name: axis ? 'as written' : 'all runs', at: -1, baseline: false });
    columns.forEach((c, i) => { c.index = i; });
    const known = new Map();
    runs.forEach(run => {
      const key = keyOf(run);
      if (!known.has(key)) {
        known.set(key, rows.length);
        const parts = restOf(run).map(i => data.axes[i].path === 'results' ? valueOn(run, i) : data.axes[i].name + ' ' + valueOn(run, i));
        rows.push({ scenario: data.scenarios[run.s], parts: parts, cells: columns.map(() => []) });
      }
      const at = axis ? run.a[state.axis] : -1;
      rows[known.get(key)].cells[columns.findIndex(c => c.at === at)].push(run);
    });
    rows.forEach((r, i) => {
      r.index = i;
      r.text = [r.scenario.name].concat(r.parts).join(', ');
      r.cells.forEach((runs, c) => runs.forEach(run => { run.row = r; run.column = columns[c]; }));
    });
  }

  const title = c => c.name + (c.baseline ? '*' : '');

  // A heading that sorts, with the way it does.
  function heading(text, key, sort, set, extra) {
    const th = node('th', Object.assign({ scope: 'col' }, extra));
    if (sort && sort.key === key) th.setAttribute('aria-sort', sort.up ? 'ascending' : 'descending');
    th.append(node('button', { type: 'button', class: 'sort', text: text, on: () => {
      set({ key: key, up: sort && sort.key === key ? !sort.up : true });
      const again = document.querySelector('[data-key="' + CSS.escape(key) + '"]');
      if (again) again.focus();
    }, 'data-key': key }));
    return th;
  }

  function compareValues(a, b, up) {
    const none = v => v === null || v === undefined;
    if (none(a) || none(b)) return none(a) - none(b); // what isn't there stands last either way
    const order = typeof a === 'string' ? a.localeCompare(b, 'en', { numeric: true }) : a - b;
    return up ? order : -order;
  }

  // ---- The matrix.

  function tally(runs) {
    const n = { runs: runs.length, pass: 0, known: 0, may: 0, none: 0, bad: 0, lost: 0 };
    const kind = { pass: 'pass', none: 'none', known: 'known', baseline: 'may', fail: 'bad' };
    runs.forEach(r => { n[kind[r.o] || 'lost']++; });
    return n;
  }

  function verdictCell(runs) {
    const n = tally(runs), judged = n.runs - n.none;
    const td = node('td', { class: 'heat-cell ' + (!judged ? 'none' : n.bad || n.lost ? 'bad' : 'good') });
    td.style.setProperty('--share', judged ? Math.round(100 * n.pass / judged) + '%' : '0%');
    const symbol = !judged ? '○' : n.bad ? '✗' : n.lost ? '!' : n.pass === judged ? '✓' : '';
    const text = judged ? n.pass + '/' + judged : plural(n.runs, 'run');
    const what = node('span', {}, node('span', { 'aria-hidden': 'true', text: symbol ? symbol + ' ' : '' }), text);
    if (!n.bad && !n.lost && (n.known || n.may)) what.append(' ', node('small', { text: n.known ? 'known' : 'may fail' }));
    return [td, what, judged ? n.pass + ' of ' + judged + ' runs meet every expectation' + (n.known ? ', ' + n.known + ' fail as they are known to' : '') + (n.may ? ', ' + n.may + ' fail as a baseline may' : '') + (n.bad ? ', ' + n.bad + ' fail' : '') + (n.lost ? ', ' + n.lost + ' didn’t come to their end' : '') : 'nothing is expected'];
  }

  function measureCell(runs, m, scale, best) {
    const values = valuesOf(runs, m), td = node('td', { class: 'heat-cell ' + (values.length ? 'value' : 'none') });
    if (!values.length) return [td, node('span', { text: '–' }), 'no run has a value'];
    const v = median(values), sorted = values.slice().sort((a, b) => a - b);
    const share = scale.hi > scale.lo ? (v - scale.lo) / (scale.hi - scale.lo) : 0;
    td.style.setProperty('--share', Math.round(100 * (data.measures[m].higher ? 1 - share : share)) + '%');
    const what = node('span', { class: best ? 'best' : '' }, number(v));
    if (best) what.append(node('span', { class: 'sr', text: ', best of the row' }));
    return [td, what, 'median ' + number(v) + ' ' + data.measures[m].unit + ' of ' + plural(values.length, 'run') + ', from ' + number(sorted[0]) + ' to ' + number(sorted[sorted.length - 1]) + (values.length < runs.length ? '; ' + plural(runs.length - values.length, 'run') + ' without a value' : '')];
  }

  function drawMatrix() {
    const m = measureAt(byId('show').value), table = byId('heat');
    const medians = rows.map(r => r.cells.map(runs => { const v = m < 0 ? [] : valuesOf(runs, m); return v.length ? median(v) : null; }));
    const all = medians.flat().filter(v => v !== null), scale = { lo: Math.min(...all), hi: Math.max(...all) };
    const head = node('tr', {}, node('th', { scope: 'col', text: 'Scenario' }));
    columns.forEach(c => head.append(node('th', { scope: 'col', text: title(c) })));
    const body = node('tbody', {});
    rows.forEach((row, i) => {
      const tr = node('tr', {}), th = node('th', { scope: 'row' });
      const name = node('a', { href: '#distributions', text: row.text, on: () => choose(i) });
      th.append(data.measures.length ? name : node('span', { text: row.text }));
      if (row.scenario.title && data.scenarios.length > 1) th.append(node('small', { text: row.scenario.title }));
      tr.append(th);
      const ranked = medians[i].filter((v, c) => v !== null && !columns[c].baseline);
      const top = ranked.length > 1 ? (data.measures[m] && data.measures[m].higher ? Math.max(...ranked) : Math.min(...ranked)) : null;
      row.cells.forEach((runs, c) => {
        if (!runs.length) { tr.append(node('td', { class: 'heat-cell none' }, node('span', { class: 'absent', 'aria-label': 'no such run', text: '·' }))); return; }
        const [td, what, tip] = m < 0 ? verdictCell(runs) : measureCell(runs, m, scale, top !== null && medians[i][c] === top && ranked.some(v => v !== top));
        const link = node('a', { href: '#runs', 'data-tip': row.text + '\n' + title(columns[c]) + ': ' + tip, 'aria-label': row.text + ', ' + columns[c].name + ': ' + tip + '. Show the runs.' }, what);
        if (runs.length === 1 && runs[0].l) link.href = runs[0].l;
        else link.addEventListener('click', event => { event.preventDefault(); showCell(i, c); });
        td.append(link);
        tr.append(td);
      });
      body.append(tr);
    });
    const parts = [node('thead', {}, head), body];
    if (m < 0 && rows.length > 1) {
      const foot = node('tr', {}, node('th', { scope: 'row', text: 'all' }));
      columns.forEach((c, k) => { const [td, what] = verdictCell(rows.flatMap(r => r.cells[k])); td.append(what); foot.append(td); });
      parts.push(node('tfoot', {}, foot));
    }
    table.replaceChildren(...parts);
    table.classList.toggle('many', columns.length > 8);
    const starred = columns.some(c => c.baseline) ? ' * controls nothing; for comparison.' : '';
    const left = !state.left ? '' : ' ' + plural(state.left, 'row') + ' in which ' + data.axes[state.axis].name + ' isn’t varied ' + (state.left === 1 ? 'isn’t' : 'aren’t') + ' here, nor in charts and ranks, but the runs are in the table of all.';
    byId('matrix-note').textContent = (m < 0
      ? 'Each cell: how many runs meet every expectation of their scenario. ✓ all of them, ✗ some fail, ! some didn’t come to their end; “known”: the others fail as the scenario says they do. A cell leads to its runs.'
      : 'Each cell: the median over its runs of ' + named(data.measures[m]) + '. Bold: the best of the row. – : no run has a value. A cell leads to its runs.') + starred + left;
    const scaleNote = byId('scale');
    scaleNote.hidden = m >= 0 && !all.length;
    if (m < 0) scaleNote.replaceChildren('none pass ', node('span', { class: 'bar good' }), ' all pass; ', node('span', { class: 'bar bad' }), ' where some fail that aren’t known to');
    else if (all.length) {
      const higher = data.measures[m].higher;
      scaleNote.replaceChildren(number(higher ? scale.hi : scale.lo) + ' ' + data.measures[m].unit + ' ', node('span', { class: 'bar value' }), ' ' + number(higher ? scale.lo : scale.hi) + ' ' + data.measures[m].unit + '; darker is worse');
    }
  }

  // ---- Charts.

  const rowChoices = ['trade-row', 'dist-row'];
  function choose(row) {
    rowChoices.forEach(id => { if (byId(id)) byId(id).value = row; });
    drawCharts();
  }

  const chosen = id => byId(id).value === 'all' ? rows : [rows[+byId(id).value]];
  function place(id) { return byId(id).value === 'all' ? 'All scenarios' : rows[+byId(id).value].text; }

  function groupsOf(list, point) {
    return columns.filter(c => !state.hidden.has(c.name)).map(c => ({
      index: c.index, name: title(c), points: list.flatMap(r => r.cells[c.index]).map(point).filter(p => p)
    }));
  }

  const describe = run => run.row.text + '\n' + title(run.column) + ', seed ' + run.seed + ': ' + words[run.o];
  const empty = (into, text) => into.replaceChildren(node('p', { class: 'missing', text: text }));

  function drawTrade() {
    const mx = +byId('trade-x').value, my = +byId('trade-y').value, x = data.measures[mx], y = data.measures[my];
    const groups = groupsOf(chosen('trade-row'), run => run.v[mx] === null || run.v[my] === null ? null : {
      x: run.v[mx], y: run.v[my], link: run.l, tip: describe(run) + '\n' + x.name + ' ' + number(run.v[mx]) + ' ' + x.unit + '\n' + y.name + ' ' + number(run.v[my]) + ' ' + y.unit
    });
    const n = groups.reduce((sum, g) => sum + g.points.length, 0);
    byId('trade-note').textContent = place('trade-row') + ': each small mark is a run' + (data.runs.some(r => r.l) ? ' and leads to its page' : '') + ', each large one the medians of a column. ' + better(x, y);
    if (!n) { empty(byId('trade-plot'), 'No run has both values.'); return; }
    const axis = (m, key) => draw.axis(groups.flatMap(g => g.points.map(p => p[key])), m);
    const svg = draw.scatter(byId('trade-plot'), groups, axis(x, 'x'), axis(y, 'y'));
    svg.setAttribute('aria-label', 'Scatter of ' + named(y) + ' against ' + named(x) + ', ' + plural(n, 'run'));
  }

  function better(x, y) {
    const side = m => m.higher ? 'higher' : 'lower';
    return side(x) === side(y) ? 'Of both ' + side(x) + ' is better.' : 'Better is ' + (y.higher ? 'up' : 'down') + ' and to the ' + (x.higher ? 'right' : 'left') + '.';
  }

  function drawDistributions() {
    const m = +byId('dist-measure').value, measure = data.measures[m];
    const groups = groupsOf(chosen('dist-row'), run => run.v[m] === null ? null : { v: run.v[m], link: run.l, tip: describe(run) + '\n' + measure.name + ' ' + number(run.v[m]) + ' ' + measure.unit });
    const all = groups.flatMap(g => g.points.map(p => p.v));
    byId('dist-note').textContent = place('dist-row') + ': ' + named(measure) + ' of ' + plural(all.length, 'run') + '. Left: boxes from the first to the third quartile with the median, whiskers to the last value within 1.5 times that range, every run a mark. Right: the share of runs whose value is at most so large. ' + (measure.higher ? 'Higher' : 'Lower') + ' is better.';
    if (!all.length) {
      empty(byId('box-plot'), 'No run has a value.');
      byId('cdf-plot').replaceChildren();
    } else {
      const axis = draw.axis(all, measure);
      draw.boxes(byId('box-plot'), groups, axis).setAttribute('aria-label', 'Box plot of ' + named(measure));
      draw.shares(byId('cdf-plot'), groups, axis).setAttribute('aria-label', 'Distribution of ' + named(measure));
    }
    const table = byId('dist-table'), head = node('tr', {});
    ['', 'runs', 'least', 'first quartile', 'median', 'third quartile', 'greatest'].forEach((t, i) => head.append(node('th', { scope: 'col', class: i ? 'number' : '', text: t })));
    const body = node('tbody', {});
    groups.forEach(g => {
      const v = g.points.map(p => p.v).sort((a, b) => a - b), tr = node('tr', {}, node('th', { scope: 'row', text: g.name }), node('td', { class: 'number', text: v.length }));
      [0, 0.25, 0.5, 0.75, 1].forEach(q => tr.append(node('td', { class: 'number', text: v.length ? number(draw.quantile(v, q)) : '–' })));
      body.append(tr);
    });
    table.replaceChildren(node('caption', { text: named(measure) }), node('thead', {}, head), body);
  }

  function drawKeys() {
    document.querySelectorAll('[data-keys]').forEach((box, which) => {
      box.replaceChildren(...columns.map(c => node('button', {
        type: 'button', class: 'key', 'aria-pressed': String(!state.hidden.has(c.name)), on: () => {
          if (!state.hidden.delete(c.name)) state.hidden.add(c.name);
          drawCharts();
          document.querySelectorAll('[data-keys]')[which].children[c.index].focus();
        }
      }, draw.swatch(c.index), title(c))));
    });
  }

  function drawCharts() {
    if (!data.measures.length) return;
    drawKeys();
    drawTrade();
    drawDistributions();
  }

  // ---- Ranks.

  // Ranks from 1 for the best; equal values share the mean of their ranks.
  function ranksOf(values, higher) {
    return values.map(v => {
      const ahead = values.filter(o => higher ? o > v : o < v).length, same = values.filter(o => o === v).length;
      return ahead + (same + 1) / 2;
    });
  }

  function meanRanks(value, higher, ranked) {
    const sums = ranked.map(() => 0);
    let n = 0;
    rows.forEach(row => {
      const values = ranked.map(c => value(row.cells[c.index]));
      if (values.some(v => v === null)) return;
      ranksOf(values, higher).forEach((r, i) => { sums[i] += r; });
      n++;
    });
    return { ranks: sums.map(s => n ? s / n : null), rows: n };
  }

  function drawRanks() {
    const ranked = columns.filter(c => !c.baseline), note = byId('rank-note');
    if (ranked.length < 2) {
      byId('ranks').hidden = true;
      document.querySelector('nav a[href="#ranks"]').hidden = true;
      return;
    }
    byId('ranks').hidden = false;
    document.querySelector('nav a[href="#ranks"]').hidden = false;
    const passed = runs => { const n = tally(runs), judged = n.runs - n.none; return judged ? n.pass / judged : null; };
    const kinds = [{ name: 'runs that pass', key: 'pass', result: meanRanks(passed, true, ranked) }].concat(data.measures.map((m, k) => ({
      name: m.name, key: m.id, result: meanRanks(runs => { const v = valuesOf(runs, k); return v.length ? median(v) : null; }, m.higher, ranked)
    }))).filter(k => k.result.rows);
    const lines = ranked.map((c, i) => {
      const each = kinds.map(k => k.result.ranks[i]);
      return { column: c, each: each, all: each.length ? each.reduce((a, b) => a + b, 0) / each.length : null };
    });
    const sort = state.rankSort || { key: 'all', up: true }, at = kinds.findIndex(k => k.key === sort.key);
    const of = l => sort.key === 'name' ? l.column.name : sort.key === 'all' ? l.all : l.each[at];
    lines.sort((a, b) => compareValues(of(a), of(b), sort.up));
    const set = s => { state.rankSort = s; drawRanks(); };
    const head = node('tr', {}, heading(data.axes[state.axis].name, 'rank-name', alias(sort, 'name', 'rank-name'), s => set({ key: 'name', up: s.up })),
      heading('mean', 'rank-all', alias(sort, 'all', 'rank-all'), s => set({ key: 'all', up: s.up }), { class: 'number' }));
    kinds.forEach(k => {
      const th = heading(k.name, 'rank-' + k.key, alias(sort, k.key, 'rank-' + k.key), s => set({ key: k.key, up: s.up }), { class: 'number' });
      th.append(node('small', { text: plural(k.result.rows, 'row') }));
      head.append(th);
    });
    const body = node('tbody', {});
    const rank = v => v === null ? '–' : v.toFixed(2);
    lines.forEach(l => {
      const tr = node('tr', {}, node('th', { scope: 'row' }, draw.swatch(l.column.index), ' ' + l.column.name), node('td', { class: 'number total', text: rank(l.all) }));
      l.each.forEach((v, i) => {
        const first = Math.min(...kinds[i].result.ranks) === v && kinds[i].result.ranks.some(r => r !== v);
        tr.append(node('td', { class: 'number' + (first ? ' best' : ''), text: rank(v) }));
      });
      body.append(tr);
    });
    byId('rank-table').replaceChildren(node('thead', {}, head), body);
    note.textContent = 'In each row of the matrix the medians over its runs are ranked from 1, the best, to ' + ranked.length + '; equal ones share the mean of their ranks. Each number is the mean of these ranks over the rows in which every column has a value, which stand below its name. The column “mean” is that of all the others, each counting once, although some say much the same: a way to look, and no verdict.' + (columns.some(c => c.baseline) ? ' Baselines aren’t ranked.' : '');
  }

  const alias = (sort, key, name) => sort.key === key ? { key: name, up: sort.up } : sort;

  // ---- The runs.

  function showCell(row, column) {
    state.cell = { row: rows[row], column: columns[column] };
    state.shown = 100;
    drawRuns();
    byId('runs').scrollIntoView({ behavior: 'instant' });
    byId('runs-heading').focus({ preventScroll: true });
  }

  const keysOf = () => [
    { key: 'verdict', name: 'Verdict', of: r => words[r.o] },
    { key: 'scenario', name: 'Scenario', of: r => data.scenarios[r.s].name }
  ].concat(data.axes.map((a, i) => ({ key: 'axis-' + i, name: a.name, of: r => valueOn(r, i), show: r => valueOn(r, i) })), [
    { key: 'seed', name: 'seed', of: r => r.seed, number: true, show: r => String(r.seed) },
    { key: 'met', name: 'met', of: r => r.of ? r.met / r.of : null, number: true, show: r => r.of ? r.met + '/' + r.of : '–' }
  ], data.measures.map((m, k) => ({ key: 'm-' + m.id, name: m.name, unit: m.unit, of: r => r.v[k], number: true, show: r => number(r.v[k]) })));

  function drawRuns() {
    const keys = keysOf(), filter = byId('filter').value.trim().toLowerCase();
    const text = r => [words[r.o], data.scenarios[r.s].name, data.scenarios[r.s].title, r.n, 'seed ' + r.seed].concat(data.axes.map((a, i) => valueOn(r, i))).join('\n').toLowerCase();
    let list = data.runs;
    if (state.cell) list = list.filter(r => r.row === state.cell.row && r.column === state.cell.column);
    if (filter) list = list.filter(r => filter.split(/\s+/).every(word => text(r).includes(word)));
    if (state.sort) {
      const of = keys.find(k => k.key === state.sort.key).of;
      list = list.slice().sort((a, b) => compareValues(of(a), of(b), state.sort.up));
    }
    const head = node('tr', {});
    keys.forEach(k => {
      const th = heading(k.name, k.key, state.sort, s => { state.sort = s; drawRuns(); }, k.number ? { class: 'number' } : {});
      if (k.unit) th.append(node('small', { text: k.unit }));
      head.append(th);
    });
    const body = node('tbody', {});
    list.slice(0, state.shown).forEach(r => {
      const tr = node('tr', {}, node('td', {}, node('span', { class: 'tag ' + r.o, text: symbols[r.o] + ' ' + words[r.o] })));
      const name = data.scenarios[r.s].name, th = node('th', { scope: 'row' });
      if (r.l) th.append(node('a', { href: r.l, text: name }));
      else th.append(name, r.f ? node('small', { text: r.f }) : '');
      tr.append(th);
      keys.slice(2).forEach(k => tr.append(node('td', { class: k.number ? 'number' : '', text: k.show(r) })));
      body.append(tr);
    });
    byId('run-table').replaceChildren(node('thead', {}, head), body);
    const bare = data.runs.filter(r => !r.l && r.f);
    byId('runs-note').textContent = (list.length === data.runs.length ? plural(list.length, 'run') : list.length + ' of ' + plural(data.runs.length, 'run')) + (list.length > state.shown ? ', the first ' + state.shown + ' of them here' : '') + '. The name of the scenario leads to the run’s page.' +
      (bare.length ? ' ' + (bare.length === data.runs.length ? 'None of them has one yet' : bare.length + ' have none yet') + ': simrun report FOLDER draws them from the records.' : '');
    const more = byId('more');
    more.hidden = list.length <= state.shown;
    more.textContent = 'Show all ' + list.length;
    byId('cell-filter').replaceChildren(...(state.cell ? [node('button', { type: 'button', class: 'chip', text: state.cell.row.text + ' · ' + title(state.cell.column) + ' ✕', 'aria-label': 'Show the runs of all cells', on: () => { state.cell = null; drawRuns(); byId('filter').focus(); } })] : []));
  }

  // ---- Controls.

  function options(id, list, value) {
    const select = byId(id);
    if (!select) return;
    select.replaceChildren(...list.map(([v, text]) => node('option', { value: v, text: text })));
    select.value = value;
  }

  function rearrange() {
    arrange();
    state.hidden.clear();
    state.cell = null;
    const list = [['all', 'all scenarios']].concat(rows.map((r, i) => [i, r.text]));
    rowChoices.forEach(id => options(id, rows.length > 1 ? list : list.slice(1), rows.length > 1 ? 'all' : 0));
    drawMatrix();
    drawCharts();
    drawRanks();
    drawRuns();
  }

  const measured = data.measures.map((m, i) => [i, named(m)]), first = id => Math.max(0, measureAt(id));
  options('axis', data.axes.map((a, i) => [i, a.path === 'results' ? 'folder of results' : a.name]), 0);
  document.querySelector('[data-axes]').hidden = data.axes.length < 2;
  options('show', [['verdicts', 'verdicts']].concat(data.measures.map(m => [m.id, named(m)])), 'verdicts');
  options('trade-x', measured, first('queue-delay-p95'));
  options('trade-y', measured, first('utilization'));
  options('dist-measure', measured, first('queue-delay-p95'));
  const listen = (id, event, f) => { if (byId(id)) byId(id).addEventListener(event, f); };
  listen('axis', 'change', () => { state.axis = +byId('axis').value; rearrange(); });
  listen('show', 'change', drawMatrix);
  ['trade-row', 'trade-x', 'trade-y'].forEach(id => listen(id, 'change', drawTrade));
  ['dist-row', 'dist-measure'].forEach(id => listen(id, 'change', drawDistributions));
  listen('filter', 'input', () => { state.shown = 100; drawRuns(); });
  listen('more', 'click', () => { state.shown = Infinity; drawRuns(); });
  let pending = 0;
  addEventListener('resize', () => { cancelAnimationFrame(pending); pending = requestAnimationFrame(drawCharts); });
  rearrange();
})();
