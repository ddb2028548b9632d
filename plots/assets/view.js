// What is shown of a run: a part of it, a stretch of time, an event. The address names all three, so that a link shows the
// same.
(function () {
  'use strict';
  const page = simrunPage, bar = document.getElementById('view');
  if (!bar) return;
  const views = JSON.parse(document.getElementById('views').textContent);
  const select = bar.querySelector('select'), from = bar.querySelector('[name=from]'), to = bar.querySelector('[name=to]');
  const rows = [...document.querySelectorAll('#events tbody tr')], count = document.getElementById('events-shown');
  const state = { show: '', range: null, event: null };

  // A chart over time that is drawn; all of them show the same stretch.
  function clock() { return page.entries.find(e => e.chart && e.el.dataset.group); }

  function viewOf(name) { return views.find(v => v.name === name); }

  function setPart(name) {
    const view = viewOf(name);
    state.show = view ? name : '';
    select.value = state.show;
    const entities = view ? new Set(view.entities) : null;
    page.show(entities);
    document.querySelectorAll('[data-entity]').forEach(el => {
      if (el.tagName !== 'TR') el.hidden = !!entities && el.dataset.entity !== '' && !entities.has(el.dataset.entity);
    });
    if (state.range) setRange(state.range);
    listEvents();
  }

  function setRange(range) {
    const chart = clock();
    state.range = range;
    if (chart) {
      if (range) page.showRange(chart, range[0], range[1]);
      else page.showAll(chart);
    }
    sayRange();
  }

  function rounded(v) { return String(+v.toFixed(3)); }

  function sayRange() {
    const chart = clock();
    if (!chart) return;
    const range = state.range || [0, page.limitOf(chart)];
    from.value = rounded(range[0]);
    to.value = rounded(range[1]);
    listEvents();
  }

  // Only events of the part and the stretch that are shown stand in the list.
  function listEvents() {
    const view = viewOf(state.show);
    let n = 0;
    rows.forEach(row => {
      const at = +row.dataset.at, entity = row.dataset.entity;
      row.hidden = !!view && entity !== '' && !view.entities.includes(entity) || !!state.range && (at < state.range[0] || at > state.range[1]);
      row.classList.toggle('chosen', row.id === state.event);
      if (!row.hidden) n++;
    });
    if (count) count.textContent = n < rows.length ? n + ' of ' + rows.length + ' listed, those of what is shown' : '';
  }

  // An event is shown with what happens around it.
  function setEvent(id) {
    const row = id ? document.getElementById(id) : null;
    state.event = row ? id : null;
    page.setPin(row ? +row.dataset.at : null);
    listEvents();
  }

  function around(at) {
    const chart = clock();
    if (!chart) return null;
    const end = page.limitOf(chart), reach = Math.max(1, Math.min(5, end / 20));
    return [Math.max(0, at - reach), Math.min(end, at + reach)];
  }

  // Chooses an event, or takes that back.
  function choose(id) {
    const again = state.event === id;
    setEvent(again ? null : id);
    setRange(again ? null : around(+document.getElementById(id).dataset.at));
    write();
    if (!again) document.getElementById('charts').scrollIntoView();
  }

  // The address.
  function write() {
    const parts = [];
    if (state.show) parts.push('show=' + encodeURIComponent(state.show));
    if (state.range) parts.push('t=' + rounded(state.range[0]) + '-' + rounded(state.range[1]));
    if (state.event) parts.push('event=' + state.event.replace('event-', ''));
    history.replaceState(null, '', parts.length ? '#' + parts.join('&') : location.pathname + location.search);
  }

  function read() {
    const hash = location.hash.slice(1);
    if (!/^(show|t|event)=/.test(hash)) return; // none, or a place on the page
    const said = new URLSearchParams(hash.replace(/\+/g, '%2B'));
    setPart(said.get('show') || '');
    const range = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(said.get('t') || '');
    setRange(range && +range[1] < +range[2] ? [+range[1], +range[2]] : null);
    setEvent(said.get('event') ? 'event-' + said.get('event') : null);
    document.getElementById('charts').scrollIntoView();
  }

  let pending = 0;
  page.onZoom(entry => {
    if (!entry.el.dataset.group) return;
    cancelAnimationFrame(pending);
    pending = requestAnimationFrame(() => {
      const range = page.rangeOf(entry), end = page.limitOf(entry);
      state.range = range[0] <= 0 && range[1] >= end ? null : range;
      sayRange();
      write();
    });
  });

  select.addEventListener('change', () => { setPart(select.value); write(); });
  [from, to].forEach(input => input.addEventListener('change', () => {
    const chart = clock();
    if (!chart || !(+from.value < +to.value)) { sayRange(); return; }
    setRange([Math.max(0, +from.value), Math.min(+to.value, page.limitOf(chart))]);
    write();
  }));
  bar.querySelector('[data-everything]').addEventListener('click', () => {
    setEvent(null);
    setPart('');
    setRange(null);
    write();
  });
  rows.forEach(row => row.querySelector('button').addEventListener('click', () => choose(row.id)));
  // The times of other tables name events as well: the first one of that moment.
  document.querySelectorAll('#breakers tbody tr').forEach(row => row.querySelector('button').addEventListener('click', () => {
    const event = rows.find(r => r.dataset.at === row.dataset.at && r.dataset.entity === row.dataset.entity);
    if (event) choose(event.id);
    else setRange(around(+row.dataset.at));
  }));
  const link = bar.querySelector('[data-link]');
  link.addEventListener('click', () => {
    write(); // as a jump on the page may have taken its place
    const say = text => { link.textContent = text; setTimeout(() => { link.textContent = 'Copy link'; }, 1500); };
    if (!navigator.clipboard) { say('See the address'); return; }
    navigator.clipboard.writeText(location.href).then(() => say('Copied'), () => say('See the address'));
  });
  addEventListener('hashchange', read);
  sayRange();
  read();
})();
