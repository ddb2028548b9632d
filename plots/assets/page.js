// Draws the charts of a page and links their zoom. Without charts, as on an overview, only the copy buttons are left. What is
// shown of a run is up to view.js.
const simrunPage = (function () {
  'use strict';
  var root = document.documentElement;

  // A colour in the options is the name of a CSS variable.
  function css(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }

  function paint(option) {
    for (var key in option) {
      var value = option[key];
      if (value && typeof value === 'object') paint(value);
      else if (/color$/i.test(key) && typeof value === 'string' && value.slice(0, 2) === '--') option[key] = css(value);
    }
    return option;
  }

  function thousands(v) { return String(+v.toFixed(6)).replace(/^(-?\d{2,})(\d{3})$/, '$1\u202f$2'); }

  function theme() {
    var ink = css('--ink'), soft = css('--soft'), line = css('--line');
    var font = getComputedStyle(document.body).fontFamily;
    var text = { color: soft, fontFamily: font, fontSize: 12 };
    var axis = {
      axisLine: { show: true, lineStyle: { color: line } }, axisTick: { show: true, lineStyle: { color: line } },
      axisLabel: Object.assign({ formatter: thousands }, text), nameTextStyle: text, splitLine: { lineStyle: { color: css('--grid') } }
    };
    return {
      backgroundColor: 'transparent', textStyle: { fontFamily: font }, valueAxis: axis,
      legend: { textStyle: { color: ink, fontFamily: font, fontSize: 12.5 }, inactiveColor: css('--faint'), itemGap: 16, padding: 2 },
      tooltip: {
        confine: true, backgroundColor: css('--tip'), borderColor: line, textStyle: { color: ink, fontFamily: font, fontSize: 12.5 },
        axisPointer: { lineStyle: { color: css('--faint'), type: 'solid' } }
      }
    };
  }

  // Some options have no name in go-echarts.
  function complete(option) {
    Object.assign(option.dataZoom[0], slider());
    delete option.toolbox.feature.dataZoom.icon; // null would disable it
    option.xAxis[0].containShape = false; // bars must not shift the time axis
  }

  function slider() {
    return {
      height: 10, bottom: 8, showDataShadow: false, brushSelect: false, showDetail: false, handleSize: 14, moveHandleSize: 0,
      borderColor: 'transparent', backgroundColor: css('--grid'), fillerColor: css('--line'), borderRadius: 5,
      handleStyle: { color: css('--card'), borderColor: css('--faint') }
    };
  }

  // The value of a series at x: stairs hold, lines are read at their nearest
  // point, unless that is far away.
  function valueAt(series, x, inLanes) {
    var data = series.data, lo = 0, hi = data.length;
    while (lo < hi) {
      var mid = (lo + hi) >> 1;
      if (data[mid][0] <= x) lo = mid + 1; else hi = mid;
    }
    if (series.step) return lo > 0 ? data[lo - 1][1] : null;
    if (inLanes) return lo > 0 && lo < data.length && data[lo][1] !== null ? data[lo - 1][1] : null;
    var best = null;
    [data[lo - 1], data[lo]].forEach(function (p) {
      if (p && (!best || Math.abs(p[0] - x) < Math.abs(best[0] - x))) best = p;
    });
    var reach = data.length > 1 ? 2 * (data[data.length - 1][0] - data[0][0]) / (data.length - 1) : Infinity;
    return best && Math.abs(best[0] - x) <= reach ? best[1] : null;
  }

  function bracket(name) { var m = /\[(.*)\]/.exec(name); return m ? m[1] : ''; }

  function tip(entry) {
    return function (params) {
      if (entry.el !== hovered || !params.length) return '';
      var x = params[0].axisValue, option = entry.option, off = entry.chart.getOption().legend[0].selected || {};
      var box = document.createElement('div'), head = document.createElement('div');
      head.textContent = option.xAxis[0].name.split(' [')[0] + ' ' + (+x.toFixed(2)) + ' ' + bracket(option.xAxis[0].name);
      box.appendChild(head);
      option.series.forEach(function (s) {
        var y = off[s.name] === false ? null : valueAt(s, x, !!option.yAxis[0].names);
        if (y === null) return;
        var row = document.createElement('div'), dot = document.createElement('span'), text = document.createElement('b');
        row.style.cssText = 'display:flex;gap:8px;align-items:center';
        dot.style.cssText = 'width:14px;border-top:3px ' + ((s.lineStyle || {}).type || 'solid') + ' ' + s.color;
        dot.style.opacity = (s.lineStyle || {}).opacity || 1;
        text.style.cssText = 'margin-left:auto;padding-left:14px;font-variant-numeric:tabular-nums';
        if (!option.yAxis[0].names) text.textContent = (+y.toPrecision(4)) + ' ' + bracket(option.yAxis[s.yAxisIndex || 0].name);
        row.append(dot, document.createTextNode(s.name), text);
        box.appendChild(row);
      });
      return box;
    };
  }

  // The legend may need several rows: the drawing starts below them.
  var ruler = document.createElement('canvas').getContext('2d');
  function fit(entry, width) {
    ruler.font = '12.5px ' + getComputedStyle(document.body).fontFamily;
    var room = width - 64, rows = 1, x = 0;
    // One row to leaf through if there are very many.
    if (entry.option.legend.type !== 'scroll') entry.option.legend.data.forEach(function (item) {
      var w = ruler.measureText(item.name).width + 26 + 5 + 16;
      if (x > 0 && x + w > room) { rows++; x = 0; }
      x += w;
    });
    var extra = (rows - 1) * 24;
    entry.el.style.height = (entry.height || +entry.el.dataset.height) + extra + 'px';
    return 40 + extra;
  }

  // Of all entities, or of some: those of a part of the run.
  var entries = [], hovered = null, part = null, pin = null;

  function belongs(about) { return !part || part.has(about.entity); }

  // Leaves in the option what belongs to the part that is shown, in which nothing is folded.
  function choose(entry) {
    var option = entry.option, rules = option.series[0].markLine;
    delete option.series[0].markLine;
    entry.lines = option.series.map(function (s, i) { return { series: s, about: entry.about[i] }; });
    if (!part && option.series.length > 60) { // what is folded would only slow the page down
      var seen = option.series.filter(function (s, i) { return !entry.about[i].folded; });
      if (seen.length) {
        var shown = {};
        seen.forEach(function (s) { shown[s.name] = true; });
        option.series = seen;
        option.legend.data = option.legend.data.filter(function (item) { return shown[item.name]; });
      }
    }
    if (part) {
      option.series = option.series.filter(function (s, i) { return belongs(entry.about[i]); });
      var selected = option.legend.selected || {}, names = option.series.map(function (s) { return s.name; });
      entry.lines.forEach(function (l) { if (l.about.folded) delete selected[l.series.name]; });
      option.legend.data = option.legend.data.filter(function (item) { return names.indexOf(item.name) >= 0; });
      option.legend.selected = selected;
      if (names.length <= 18) option.legend.type = 'plain';
    }
    if (option.yAxis[0].data) lanes(entry, option);
    if (pin !== null && entry.el.dataset.group) rules = pinned(rules);
    // Rules have a line of their own: those of one that is hidden are hidden, too.
    if (rules) option.series.push({ type: 'line', name: '', data: [], silent: true, markLine: rules });
  }

  // Of an axis with lanes those that nothing is drawn in are left out.
  function lanes(entry, option) {
    var axis = option.yAxis[0], used = [];
    option.series.forEach(function (s) { var p = s.data[0]; if (p && used.indexOf(p[1]) < 0) used.push(p[1]); });
    used.sort(function (a, b) { return a - b; });
    option.series.forEach(function (s) { s.data.forEach(function (p) { if (p[1] !== null) p[1] = used.indexOf(p[1]); }); });
    entry.height = +entry.el.dataset.height - 24 * (axis.data.length - used.length);
    // On an axis of categories a line wouldn't break where its value is null.
    var names = axis.names = used.map(function (lane) { return axis.data[lane]; });
    delete axis.data;
    Object.assign(axis, {
      type: 'value', min: -1, max: names.length, interval: 1, splitLine: { show: false },
      axisLabel: { formatter: function (v) { return names[v] || ''; } }
    });
    axis.inverse = true; // the first on top
    option.xAxis[0].axisLine = { onZero: false };
  }

  // The rule of an event that has been chosen, besides those of the chart.
  function pinned(rules) {
    var own = { xAxis: pin, lineStyle: { color: css('--link'), type: 'solid', width: 1.5 } };
    if (!rules) rules = { symbol: ['none', 'none'], label: { show: false }, data: [] };
    rules.data = rules.data.concat([own]);
    return rules;
  }

  // anew: without what has been chosen in the legend.
  function draw(entry, anew) {
    var zoom = entry.chart ? entry.chart.getOption().dataZoom[0] : null;
    var selected = entry.chart && !anew ? entry.chart.getOption().legend[0].selected : null;
    if (entry.chart) { entry.chart.dispose(); entry.chart = null; }
    if (entry.el.closest('[hidden]')) return;
    entry.option = paint(JSON.parse(document.getElementById(entry.el.dataset.option).textContent));
    choose(entry);
    entry.option.grid = [].concat(entry.option.grid);
    entry.option.grid[0].top = fit(entry, entry.el.clientWidth);
    entry.option.tooltip.formatter = tip(entry);
    complete(entry.option);
    if (zoom) { entry.option.dataZoom[0].start = zoom.start; entry.option.dataZoom[0].end = zoom.end; }
    if (selected) entry.option.legend.selected = selected;
    entry.chart = echarts.init(entry.el, theme(), { renderer: 'svg' });
    entry.chart.setOption(entry.option);
    if (entry.el.dataset.group) entry.chart.group = entry.el.dataset.group;
    dragToZoom(entry);
    entry.chart.on('datazoom', function () { zoomed(entry); });
  }

  // Whoever wants to know that what a chart shows of its axis has changed.
  var zoomed = function () {};

  function dragToZoom(entry) {
    entry.chart.dispatchAction({ type: 'takeGlobalCursor', key: 'dataZoomSelect', dataZoomSelectActive: true });
    entry.chart.getZr().on('dblclick', function () { showAll(entry); });
  }

  function showAll(entry) { entry.chart.dispatchAction({ type: 'dataZoom', start: 0, end: 100 }); }

  function rangeOf(entry) {
    var zoom = entry.chart.getOption().dataZoom[0];
    return [zoom.startValue, zoom.endValue];
  }

  function showRange(entry, from, to) { entry.chart.dispatchAction({ type: 'dataZoom', startValue: from, endValue: to }); }

  // Keys zoom and move what a chart shows, by a tenth of it or by a third.
  function onKey(entry, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    var range = rangeOf(entry), from = range[0], to = range[1], width = to - from, end = limitOf(entry);
    switch (event.key) {
      case '+': case '=': from += width / 6; to -= width / 6; break;
      case '-': from -= width / 4; to += width / 4; break;
      case 'ArrowLeft': from -= Math.min(width / 10, from); to = from + width; break;
      case 'ArrowRight': to += Math.min(width / 10, end - to); from = to - width; break;
      case 'Home': to = width; from = 0; break;
      case 'End': from = end - width; to = end; break;
      case '0': case 'Escape': showAll(entry); event.preventDefault(); return;
      default: return;
    }
    event.preventDefault();
    showRange(entry, Math.max(0, from), Math.min(end, to));
  }

  // The end of a chart's axis, which begins at 0.
  function limitOf(entry) {
    var zoom = entry.chart.getOption().dataZoom[0];
    return entry.option.xAxis[0].max || 100 * (zoom.endValue - zoom.startValue) / (zoom.end - zoom.start);
  }

  function offer(href, name) {
    var link = document.createElement('a');
    link.href = href;
    link.download = name;
    link.click();
  }

  function save(entry) {
    offer('data:image/svg+xml;charset=utf-8,' + encodeURIComponent(entry.chart.renderToSVGString()), entry.el.id + '.svg');
  }

  function quoted(text) { return /[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text; }

  // What the chart draws, hidden lines too, a point a row (RFC 4180).
  function table(entry) {
    var x = entry.option.xAxis[0].name, rows = [['entity', 'what', quoted(x), 'value', 'unit'].join(',')];
    entry.lines.forEach(function (l) {
      if (!belongs(l.about)) return;
      var axis = entry.option.yAxis[l.series.yAxisIndex || 0], unit = bracket(axis.name || '') || axis.name || '';
      var head = quoted(l.about.entity) + ',' + quoted(l.about.what) + ',';
      l.series.data.forEach(function (p, i) {
        if (p[1] === null) return;
        // In lanes every stretch has a beginning, an end, and a gap.
        rows.push(head + p[0] + ',' + (axis.names ? ['begin', 'end'][i % 3] + ',' : p[1] + ',' + quoted(unit)));
      });
    });
    return rows.join('\r\n') + '\r\n';
  }

  function saveTable(entry) {
    var url = URL.createObjectURL(new Blob([table(entry)], { type: 'text/csv;charset=utf-8' }));
    offer(url, entry.el.id + '.csv');
    setTimeout(function () { URL.revokeObjectURL(url); }, 10000);
  }

  function drawAll() { entries.forEach(function (e) { draw(e); }); }

  // Shows a part of the run, the set of its entities, or all of it.
  function show(entities) {
    part = entities;
    entries.forEach(function (e) {
      e.el.closest('figure').hidden = !e.about.some(belongs);
      draw(e, true);
    });
  }

  // Draws a rule at a time, or none.
  function setPin(at) {
    if (pin === at) return;
    pin = at;
    entries.forEach(function (e) { if (e.el.dataset.group) draw(e); });
  }

  document.querySelectorAll('.plot').forEach(function (el) {
    entries.push({ el: el, about: JSON.parse(el.dataset.lines) });
    el.addEventListener('mouseenter', function () { hovered = el; });
    el.addEventListener('mouseleave', function () { hovered = null; });
    var entry = entries[entries.length - 1], figure = el.closest('figure');
    figure.querySelector('[data-all]').addEventListener('click', function () { showAll(entry); });
    figure.querySelector('[data-save]').addEventListener('click', function () { save(entry); });
    figure.querySelector('[data-table]').addEventListener('click', function () { saveTable(entry); });
    el.addEventListener('keydown', function (event) { onKey(entry, event); });
  });
  if (entries.length) {
    drawAll();
    entries.forEach(function (e) { if (e.el.dataset.group) echarts.connect(e.el.dataset.group); });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
    var pending = 0;
    addEventListener('resize', function () { cancelAnimationFrame(pending); pending = requestAnimationFrame(drawAll); });
    // Paper is white, whatever the screen is.
    addEventListener('beforeprint', function () {
      root.dataset.print = '';
      entries.forEach(function (e) { e.el.style.width = '720px'; });
      drawAll();
    });
    addEventListener('afterprint', function () {
      delete root.dataset.print;
      entries.forEach(function (e) { e.el.style.width = ''; });
      drawAll();
    });
  }

  document.querySelectorAll('[data-copy]').forEach(function (button) {
    button.addEventListener('click', function () {
      var code = button.parentNode.querySelector('code');
      var say = function (text) {
        button.textContent = text;
        setTimeout(function () { button.textContent = 'Copy'; }, 1500);
      };
      var select = function () { getSelection().selectAllChildren(code); say('Selected'); };
      if (!navigator.clipboard) { select(); return; }
      navigator.clipboard.writeText(code.textContent).then(function () { say('Copied'); }, select);
    });
  });

  return {
    entries: entries, show: show, setPin: setPin, showAll: showAll, showRange: showRange, rangeOf: rangeOf, limitOf: limitOf, table: table,
    onZoom: function (f) { zoomed = f; }
  };
})();
