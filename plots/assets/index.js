// Filters and sorts the tables of an index, and shows what is running if the page is served.
(function () {
  'use strict';
  const byId = id => document.getElementById(id);
  const sorts = {};

  const cellValue = (row, column) => {
    const cell = row.children[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  };

  // What isn't there stands last either way.
  function order(a, b, up) {
    const none = v => v === '' || v === '–';
    if (none(a) || none(b)) return none(a) - none(b);
    const x = Number(a), y = Number(b), numbers = isFinite(x) && isFinite(y);
    const o = numbers ? x - y : a.localeCompare(b, 'en', { numeric: true });
    return up ? o : -o;
  }

  function sort(table) {
    const s = sorts[table.dataset.table];
    if (!s) return;
    const body = table.tBodies[0], rows = [...body.rows];
    rows.sort((a, b) => order(cellValue(a, s.column), cellValue(b, s.column), s.up));
    body.append(...rows);
    [...table.tHead.rows[0].cells].forEach((th, i) => {
      if (i === s.column) th.setAttribute('aria-sort', s.up ? 'ascending' : 'descending');
      else th.removeAttribute('aria-sort');
    });
  }

  // The text of a row in lower case, read once.
  const texts = new WeakMap();
  function textOf(row) {
    if (!texts.has(row)) texts.set(row, [...row.cells].map(c => c.textContent).concat(row.dataset.text || '').join('\n').toLowerCase());
    return texts.get(row);
  }

  function filter() {
    const words = byId('filter').value.trim().toLowerCase().split(/\s+/).filter(w => w);
    document.querySelectorAll('table[data-table]').forEach(table => {
      let shown = 0;
      [...table.tBodies[0].rows].forEach(row => {
        const text = textOf(row);
        row.hidden = !words.every(w => text.includes(w));
        if (!row.hidden) shown++;
      });
      const all = table.tBodies[0].rows.length, note = byId(table.dataset.table + '-note');
      note.textContent = words.length ? shown + ' of ' + all : '';
      note.hidden = !words.length;
    });
  }

  function equip() {
    document.querySelectorAll('table[data-table]').forEach(table => {
      [...table.tHead.rows[0].cells].forEach((th, i) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'sort';
        button.append(...th.childNodes);
        button.addEventListener('click', () => {
          const s = sorts[table.dataset.table];
          sorts[table.dataset.table] = { column: i, up: s && s.column === i ? !s.up : true };
          sort(table);
        });
        th.append(button);
      });
      sort(table);
    });
    byId('filter').addEventListener('input', filter);
    filter();
  }
  equip();

  // ---- What is running, of a page that is served.

  const address = document.body.dataset.live;
  if (!address) return;
  let last = '', renewed = 0, cost = 0; // what is shown, when that was asked for and how long it took, in ms

  function duration(s) {
    s = Math.round(s);
    if (s < 60) return s + ' s';
    if (s < 3600) return Math.floor(s / 60) + ' min ' + s % 60 + ' s';
    return Math.floor(s / 3600) + ' h ' + Math.floor(s % 3600 / 60) + ' min';
  }

  function show(sweeps) {
    const box = byId('progress');
    box.hidden = !sweeps.length;
    box.replaceChildren(...sweeps.map(p => {
      const one = document.createElement('div'), head = document.createElement('p'), bar = document.createElement('progress'), now = document.createElement('p');
      const strong = document.createElement('strong');
      strong.textContent = 'Running';
      head.append(strong, ' ' + p.done + ' of ' + p.total + ' runs done' + (p.failed ? ', ' + p.failed + ' failed' : '') + ', for ' + duration((Date.parse(p.updated) - Date.parse(p.started)) / 1000) + (p.left_s >= 0 ? ', about ' + duration(p.left_s) + ' left' : ''));
      bar.max = 1;
      bar.value = p.share;
      bar.setAttribute('aria-label', 'done in virtual time');
      now.className = 'hint';
      now.textContent = (p.running || []).join(' · ');
      one.append(head, bar, now);
      return one;
    }));
  }

  // Takes the tables from the page as it is now, without losing what is typed.
  function renew() {
    return fetch(location.pathname, { cache: 'no-store' }).then(r => r.text()).then(text => {
      const fresh = new DOMParser().parseFromString(text, 'text/html').getElementById('content');
      const typed = byId('filter').value, focused = document.activeElement === byId('filter');
      byId('content').replaceWith(document.adoptNode(fresh));
      byId('filter').value = typed;
      if (focused) byId('filter').focus();
      equip();
    });
  }

  function ask() {
    fetch(address, { cache: 'no-store' }).then(r => r.json()).then(sweeps => {
      show(sweeps);
      const now = sweeps.map(p => p.started + ' ' + p.done).join();
      // To list many runs takes the server's time, which runs could use.
      const began = performance.now(), due = began - renewed > 20 * cost;
      if (now === last || !due) return sweeps.length;
      last = now;
      renewed = began;
      return renew().then(() => { cost = performance.now() - began; return sweeps.length; });
    }).then(running => setTimeout(ask, running ? 1000 : 3000), () => {
      byId('progress').hidden = true; // the server has ended
      setTimeout(ask, 5000);
    });
  }
  ask();
})();
