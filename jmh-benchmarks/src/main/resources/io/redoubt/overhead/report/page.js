'use strict';
/* Draws results.json (docs/benchmarks.md describes it). Charts are ECharts, as SVG, so that they print and zoom well. */
(() => {
  const results = JSON.parse(document.getElementById('results').textContent);
  const BARE = 'native';
  const COLORS = {
    native: '#7d8794', runc: '#2f7ed8', crun: '#61a7c9', 'runsc-systrap': '#e08a1e', 'runsc-ptrace': '#b9671c',
    bubblewrap: '#3a9d5d', proot: '#8d6bb8', 'notify-floor': '#9aa02c', redoubt: '#d0402b',
  };
  const LEADS = {
    micro: 'Single operations as ratios to bare Linux, on a logarithmic axis: 1 is no overhead. Pale: no difference shown.',
    apps: 'Whole programs, timed inside, so that starting the sandbox is not in it. Ratios to bare Linux, on a logarithmic axis.',
    command: 'Your command, timed inside, so that starting the sandbox is not in it. Ratio to bare Linux.',
    startup: 'From the start of the command to the first instruction of the guest, to its first output, and to the end; one alone and several started at the same moment.',
    density: 'What one idle sandbox uses, all its processes together, when there are that many of them.',
    isolation: 'What the cost buys. Tried from inside, watched from the host.',
  };
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const state = { suites: new Set(), runtimes: new Set(), shown: {} };
  const suites = [...new Set(results.workloads.map(w => w.suite))];
  const runtimes = results.runtimes.filter(r => results.cells.some(c => c.runtime === r.name)).map(r => r.name);
  suites.forEach(s => state.suites.add(s));
  runtimes.forEach(r => state.runtimes.add(r));

  const titles = Object.fromEntries(results.runtimes.map(r => [r.name, r.title]));
  const index = new Map(results.cells.map(c => [c.suite + '/' + c.workload + '/' + c.runtime, c]));
  const cell = (w, runtime) => index.get(w.suite + '/' + w.name + '/' + runtime);
  const rows = suite => results.workloads.filter(w => w.suite === suite);
  const color = name => COLORS[name] || '#888888';
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function digits(v) {
    const size = Math.abs(v);
    return v.toFixed(size === Math.round(size) && size < 1e6 ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : 2);
  }
  function value(unit, v) {
    const [step, units] = unit === 'ns' ? [1000, ['ns', 'us', 'ms', 's']] : unit === 'bytes' ? [1024, ['B', 'KiB', 'MiB', 'GiB']] : [Infinity, ['']];
    let i = 0;
    while (Math.abs(v) >= step && i < units.length - 1) v /= step, i++;
    return (digits(v) + ' ' + units[i]).trim();
  }
  function ratioText(r) {
    return (r.shown ? '' : '~') + digits(r.median) + 'x';
  }
  function element(tag, attributes = {}, ...children) {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    e.append(...children);
    return e;
  }

  /* ---- charts ---- */

  const charts = [];
  function draw(box, height, option) {
    box.style.height = height + 'px';
    const chart = echarts.init(box, dark.matches ? 'dark' : null, { renderer: 'svg' });
    chart.setOption({ backgroundColor: 'transparent', animation: false, textStyle: { fontFamily: 'inherit' }, ...option });
    charts.push(chart);
  }

  const narrow = () => document.body.clientWidth < 640;
  const axis = { axisLine: { show: false }, axisTick: { show: false } };

  /* Bars of ratio with a dot for each round, a group a workload. */
  function ratioChart(box, suite) {
    const names = runtimes.filter(r => r !== BARE && state.runtimes.has(r) && rows(suite).some(w => cell(w, r)?.ratio));
    const list = rows(suite).filter(w => names.some(r => cell(w, r)?.ratio));
    if (!names.length || !list.length) return false;
    const group = names.length * 9 + 16;
    const limits = [];
    const series = names.flatMap(name => {
      const points = list.map(w => cell(w, name)?.ratio ?? null);
      points.forEach(r => r && limits.push(r.low, r.high));
      return [{
        name: titles[name], type: 'bar', barWidth: 7, barGap: '28%', itemStyle: { color: color(name) },
        data: points.map(r => r ? { value: r.median, itemStyle: { opacity: r.shown ? 1 : 0.35 } } : null),
        markLine: name === names[0] ? { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: css('--ink'), type: 'solid', width: 1 }, data: [{ xAxis: 1 }] } : undefined,
      }];
    });
    const low = Math.min(0.5, ...limits), high = Math.max(2, ...limits);
    draw(box, list.length * group + 90, {
      legend: { type: 'scroll', top: 0, textStyle: { color: css('--ink') } },
      grid: { left: narrow() ? 8 : 12, right: 24, top: 48, bottom: 8, containLabel: true },
      xAxis: { type: 'log', logBase: 10, min: Math.max(0.05, low * 0.9), max: high * 1.2, position: 'top', axisLabel: { formatter: v => digits(v) + 'x', color: css('--quiet'), showMinLabel: false, showMaxLabel: false }, splitLine: { lineStyle: { color: css('--line') } }, minorSplitLine: { show: false }, ...axis },
      yAxis: { type: 'category', inverse: true, data: list.map(w => w.title), axisLabel: { color: css('--ink'), width: narrow() ? 110 : 300, overflow: 'break', lineHeight: 14 }, splitArea: { show: true, areaStyle: { color: ['transparent', css('--tint')] } }, ...axis },
      tooltip: {
        trigger: 'axis', axisPointer: { type: 'shadow' }, confine: true,
        formatter: ps => {
          const w = list[ps[0].dataIndex], bare = cell(w, BARE);
          return [`<b>${w.title}</b>` + (bare?.n ? ` · bare Linux ${value(w.unit, bare.median)}` : '')].concat(names.map(r => {
            const c = cell(w, r);
            return `${titles[r]}: ` + (c?.ratio ? `${ratioText(c.ratio)} (${digits(c.ratio.low)} to ${digits(c.ratio.high)}, n=${c.ratio.n}), ${value(w.unit, c.median)}` : (c?.failed || 'not measured'));
          })).join('<br>');
        },
      },
      series,
    });
    return true;
  }

  /* All values of one workload: every batch of every round, with the box of their quartiles. */
  function distributionChart(box, w) {
    const names = runtimes.filter(r => state.runtimes.has(r) && cell(w, r)?.n);
    const all = names.map(r => cell(w, r).samples.flatMap(s => s.batches || [s.value]).filter(v => v > 0));
    const quantile = (sorted, q) => {
      const at = q * (sorted.length - 1), i = Math.floor(at);
      return sorted[i] + (at - i) * ((sorted[i + 1] ?? sorted[i]) - sorted[i]);
    };
    const boxes = all.map(vs => {
      const s = [...vs].sort((a, b) => a - b);
      return s.length ? [s[0], quantile(s, 0.25), quantile(s, 0.5), quantile(s, 0.75), s[s.length - 1]] : [];
    });
    draw(box, names.length * 34 + 80, {
      grid: { left: 12, right: 24, top: 12, bottom: 8, containLabel: true },
      xAxis: { type: 'log', axisLabel: { formatter: v => value(w.unit, v), color: css('--quiet') }, splitLine: { lineStyle: { color: css('--line') } }, min: v => v.min * 0.9, max: v => v.max * 1.1, ...axis },
      yAxis: { type: 'category', inverse: true, data: names.map(n => titles[n]), axisLabel: { color: css('--ink') }, ...axis },
      tooltip: { confine: true, formatter: p => `${titles[names[p.seriesType === 'boxplot' ? p.dataIndex : p.value[1]]]}: ` + (p.seriesType === 'boxplot' ? `median ${value(w.unit, boxes[p.dataIndex][2])}, all from ${value(w.unit, boxes[p.dataIndex][0])} to ${value(w.unit, boxes[p.dataIndex][4])}` : value(w.unit, p.value[0])) },
      series: [
        { type: 'boxplot', data: boxes.map((b, i) => ({ value: b, itemStyle: { color: color(names[i]) + '33', borderColor: color(names[i]) } })), boxWidth: [10, 18] },
        { type: 'scatter', symbolSize: 5, data: all.flatMap((vs, i) => vs.map(v => ({ value: [v, i], itemStyle: { color: color(names[i]), opacity: 0.6 } }))) },
      ],
    });
  }

  /* Rows whose names end in a number are points of one curve. */
  function curves(section, suite) {
    const stems = [...new Set(rows(suite).map(w => w.name.replace(/\.\d+$/, '')))];
    const holder = element('div', { class: 'curves' });
    section.append(holder);
    const drawn = [];
    for (const stem of stems) {
      const points = rows(suite).filter(w => w.name.replace(/\.\d+$/, '') === stem);
      const names = runtimes.filter(r => state.runtimes.has(r) && points.some(w => cell(w, r)?.n));
      if (!names.length || points.length < 2) continue;
      const box = element('div', { class: 'chart' });
      holder.append(box);
      drawn.push(() => curve(box, points, names));
    }
    drawn.forEach(d => d()); // all boxes must be there first: their number makes their width
  }

  function curve(box, points, names) {
    const unit = points[0].unit, most = Math.max(...points.flatMap(w => names.map(r => cell(w, r)?.median ?? 0)));
    let step; // round numbers of MiB, not of bytes
    if (unit === 'bytes') for (step = 1; most / step > 6;) step *= 2;
    draw(box, 300, {
      title: { text: points[0].title.replace(/, (one sandbox|\d+ sandboxes, each)$/, ', each sandbox'), textStyle: { fontSize: 13, fontWeight: 600, color: css('--ink') } },
      grid: { left: 12, right: 30, top: 38, bottom: 26, containLabel: true },
      xAxis: { type: 'category', data: points.map(w => w.name.match(/\d+$/)[0]), name: 'at once', nameLocation: 'middle', nameGap: 24, nameTextStyle: { color: css('--quiet') }, axisLabel: { color: css('--quiet') } },
      yAxis: { type: 'value', min: 0, interval: step, axisLabel: { formatter: v => value(unit, v), color: css('--quiet') }, splitLine: { lineStyle: { color: css('--line') } }, ...axis },
      tooltip: { trigger: 'axis', confine: true, valueFormatter: v => v == null ? 'not measured' : value(unit, v) },
      series: names.map(r => ({
        name: titles[r], type: 'line', symbolSize: 7, lineStyle: { width: r === 'redoubt' ? 3 : 2 }, itemStyle: { color: color(r) },
        data: points.map(w => cell(w, r)?.n ? cell(w, r).median : null),
      })),
    });
  }

  /* ---- tables ---- */

  const notes = new Map();
  function note(text) {
    if (!notes.has(text)) notes.set(text, notes.size + 1);
    return notes.get(text);
  }

  function tableCell(w, runtime) {
    const c = cell(w, runtime), td = element('td');
    if (!c) return td;
    if (c.n) {
      const asRatio = c.ratio && runtime !== BARE;
      td.textContent = asRatio ? ratioText(c.ratio) : value(c.unit, c.median);
      if (asRatio && !c.ratio.shown) td.className = 'pale';
      if (asRatio && c.ratio.n > 1) td.append(' ', element('small', {}, `${digits(c.ratio.low)} to ${digits(c.ratio.high)}`));
      if (!asRatio && c.n > 1 && c.unit !== 'count' && c.median) td.append(' ', element('small', {}, `±${Math.round(100 * c.medianDeviation / c.median)}%`));
      td.title = (c.detail || []).join(' ');
    }
    if (c.failed) {
      const n = note(`${titles[runtime]}: ${c.failed}`);
      td.classList.add('failed');
      td.append(c.n ? ' then ' : '', element('a', { href: '#note-' + n, title: c.failed }, `failed [${n}]`));
    }
    return td;
  }

  function table(suite) {
    const names = runtimes.filter(r => state.runtimes.has(r) && rows(suite).some(w => cell(w, r)));
    const head = element('tr', {}, element('th'), ...names.map(n => element('th', {}, titles[n])));
    const body = rows(suite).map(w => {
      const tr = element('tr', { 'data-workload': w.name, title: 'show all values' }, element('td', {}, w.title), ...names.map(n => tableCell(w, n)));
      tr.addEventListener('click', e => {
        if (e.target.tagName !== 'A') show(suite, w.name);
      });
      return tr;
    });
    return element('div', { class: 'scroll' }, element('table', {}, element('thead', {}, head), element('tbody', {}, ...body)));
  }

  /* ---- sections ---- */

  function show(suite, name) {
    state.shown[suite] = name;
    render();
    document.getElementById('distribution-' + suite)?.scrollIntoView({ block: 'nearest' });
  }

  function distribution(section, suite) {
    const list = rows(suite).filter(w => runtimes.some(r => cell(w, r)?.n));
    if (!list.length) return;
    const chosen = list.find(w => w.name === state.shown[suite]) || list[0];
    const select = element('select', { 'aria-label': 'workload' }, ...list.map(w => new Option(w.title, w.name, false, w === chosen)));
    select.addEventListener('change', () => show(suite, select.value));
    const box = element('div', { class: 'chart' });
    section.append(element('p', { id: 'distribution-' + suite }, 'All values of ', select), box);
    distributionChart(box, chosen);
  }

  function isolationDetails(section) {
    for (const w of rows('isolation')) {
      for (const r of runtimes.filter(n => state.runtimes.has(n))) {
        const c = cell(w, r);
        if (c?.detail?.length > 1) {
          section.append(element('details', {}, element('summary', {}, `${titles[r]}: ${c.detail.length} ${w.title}`), element('p', {}, c.detail.join(', '))));
        }
      }
    }
  }

  function suiteSection(suite) {
    const section = element('section', { class: 'suite', id: 'suite-' + suite }, element('h2', {}, suite), element('p', { class: 'lead' }, LEADS[suite] || ''));
    document.getElementById('main').append(section);
    if (suite === 'startup' || suite === 'density') {
      curves(section, suite);
    } else if (suite !== 'isolation') {
      const box = element('div', { class: 'chart' });
      section.append(box);
      if (!ratioChart(box, suite)) box.remove();
    }
    section.append(table(suite));
    if (suite === 'isolation') isolationDetails(section);
    else if (suite !== 'density') distribution(section, suite);
  }

  function jmhSection() {
    if (!results.jmh?.length) return;
    const body = results.jmh.map(s => element('tr', {}, element('td', {}, s.benchmark.replace(/^.*\.(\w+\.\w+)$/, '$1') + ' ' + s.params), element('td', {}, digits(s.score) + (s.error == null ? '' : ' ±' + digits(s.error)) + ' ' + s.unit)));
    document.getElementById('main').append(element('section', { class: 'suite' }, element('h2', {}, 'inside the sentry'), element('p', { class: 'lead' }, 'JMH micro-benchmarks.'), element('div', { class: 'scroll' }, element('table', {}, element('tbody', {}, ...body)))));
  }

  function render() {
    charts.splice(0).forEach(c => c.dispose());
    notes.clear();
    document.getElementById('main').replaceChildren();
    suites.filter(s => state.suites.has(s)).forEach(suiteSection);
    jmhSection();
    const list = document.querySelector('#notes ol');
    list.replaceChildren(...[...notes.keys()].map((text, i) => element('li', { id: 'note-' + (i + 1) }, text)));
    document.getElementById('notes').hidden = notes.size === 0;
  }

  function chips(id, names, chosen, label) {
    for (const name of names) {
      const box = element('input', { type: 'checkbox', value: name });
      box.checked = true;
      box.addEventListener('change', () => {
        box.checked ? chosen.add(name) : chosen.delete(name);
        render();
      });
      const chip = element('label', { class: 'chip' }, box);
      if (id === 'runtimes') {
        const dot = element('i');
        dot.style.background = color(name);
        chip.append(dot);
      }
      chip.append(label(name));
      document.getElementById(id).append(chip);
    }
  }

  function facts() {
    const m = results.machine, o = results.options;
    document.getElementById('summary').textContent =
      `${results.started.slice(0, 10)} · ${m.cpus} CPUs, ${m.cpu}${m.virtual ? ' (virtual machine)' : ''} · Linux ${m.kernel.split(' ')[0]} · n=${Math.max(0, ...results.cells.map(c => c.n))} rounds` +
      (o.command?.length ? ` · ${o.command.join(' ')}` : '') + (results.interrupted ? ' · interrupted: this is what was measured until then' : '');
    const list = [
      ['system', m.system], ['kernel', m.kernel], ['memory', value('bytes', m.memoryBytes)], ['cgroups', m.cgroups],
      ['transparent huge pages', m.transparentHugepages], ['CPU governor', m.governor || 'none visible'],
      ['working directory', o.scratch === 'memory' ? 'in memory, each runtime\'s own way' : `on the host's disk (${m.scratchFileSystem})`],
      ['load before, after', `${m.loadBefore} · ${m.loadAfter}`],
      ['mitigations', Object.entries(m.mitigations).filter(([, v]) => v !== 'Not affected').map(([k, v]) => `${k}: ${v}`).join('; ') || 'not affected by any'],
      ...results.runtimes.map(r => [r.title, r.unavailable ? 'not measured: ' + r.unavailable : r.version || 'as is']),
    ];
    document.getElementById('machine').append(...list.flatMap(([k, v]) => [element('dt', {}, k), element('dd', {}, v)]));
  }

  facts();
  chips('suites', suites, state.suites, s => s);
  chips('runtimes', runtimes, state.runtimes, r => titles[r]);
  render();
  dark.addEventListener('change', render);
  let width = document.body.clientWidth;
  addEventListener('resize', () => {
    if (document.body.clientWidth !== width) {
      width = document.body.clientWidth;
      render();
    }
  });
  /* On paper all is light, and as wide as the paper. */
  addEventListener('beforeprint', () => charts.forEach(c => c.resize()));
  document.documentElement.dataset.ready = 'true';
})();
