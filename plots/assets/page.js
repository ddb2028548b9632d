// Draws the charts of a run's page and links their zoom. Without charts, as on
// an overview, only the copy buttons are left.
(function () {
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
  function valueAt(series, x) {
    var data = series.data, lo = 0, hi = data.length;
    while (lo < hi) {
      var mid = (lo + hi) >> 1;
      if (data[mid][0] <= x) lo = mid + 1; else hi = mid;
    }
    if (series.step) return lo > 0 ? data[lo - 1][1] : null;
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
        var y = off[s.name] === false ? null : valueAt(s, x);
        if (y === null) return;
        var row = document.createElement('div'), dot = document.createElement('span'), text = document.createElement('b');
        row.style.cssText = 'display:flex;gap:8px;align-items:center';
        dot.style.cssText = 'width:14px;border-top:3px ' + ((s.lineStyle || {}).type || 'solid') + ' ' + s.color;
        dot.style.opacity = (s.lineStyle || {}).opacity || 1;
        text.style.cssText = 'margin-left:auto;padding-left:14px;font-variant-numeric:tabular-nums';
        text.textContent = (+y.toPrecision(4)) + ' ' + bracket(option.yAxis[s.yAxisIndex || 0].name);
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
    entry.el.style.height = +entry.el.dataset.height + extra + 'px';
    return 40 + extra;
  }

  var entries = [], hovered = null;

  function draw(entry) {
    var zoom = entry.chart ? entry.chart.getOption().dataZoom[0] : null;
    var selected = entry.chart ? entry.chart.getOption().legend[0].selected : null;
    if (entry.chart) entry.chart.dispose();
    entry.option = paint(JSON.parse(document.getElementById(entry.el.dataset.option).textContent));
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
  }

  function dragToZoom(entry) {
    entry.chart.dispatchAction({ type: 'takeGlobalCursor', key: 'dataZoomSelect', dataZoomSelectActive: true });
    entry.chart.getZr().on('dblclick', function () { showAll(entry); });
  }

  function showAll(entry) { entry.chart.dispatchAction({ type: 'dataZoom', start: 0, end: 100 }); }

  function save(entry) {
    var link = document.createElement('a');
    link.href = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(entry.chart.renderToSVGString());
    link.download = entry.el.id + '.svg';
    link.click();
  }

  function drawAll() { entries.forEach(draw); }

  document.querySelectorAll('.plot').forEach(function (el) {
    entries.push({ el: el });
    el.addEventListener('mouseenter', function () { hovered = el; });
    el.addEventListener('mouseleave', function () { hovered = null; });
    var entry = entries[entries.length - 1], figure = el.closest('figure');
    figure.querySelector('[data-all]').addEventListener('click', function () { showAll(entry); });
    figure.querySelector('[data-save]').addEventListener('click', function () { save(entry); });
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
})();
