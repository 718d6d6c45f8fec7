// Draws the charts of a report, or of two reports over each other, from the JSON in the page.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const runs = data.runs;
  const two = runs.length > 1;
  const charts = [];
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

  const seconds = (s) => {
    if (s < 60) return +s.toFixed(s < 10 ? 1 : 0) + 's';
    const parts = [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
    let text = '';
    for (const [unit, name] of parts) {
      const n = Math.floor(s / unit);
      if (n > 0 && text.split(/[a-z]/).length < 3) text += n + name;
      s -= n * unit;
    }
    return text;
  };
  const millis = (ms) => ms === 0 ? '0' : ms < 0.001 ? +(ms * 1e6).toPrecision(3) + 'ns' : ms < 1 ? +(ms * 1e3).toPrecision(3) + 'µs'
    : ms < 1000 ? +ms.toPrecision(3) + 'ms' : +(ms / 1e3).toPrecision(3) + 's';
  const count = (n) => n >= 10 || Number.isInteger(n) ? Math.round(n).toLocaleString('en-US') : String(+n.toPrecision(3));
  const isDecade = (x) => Math.abs(Math.log10(x) - Math.round(Math.log10(x))) < 1e-6;
  const percentile = (x) => x === 1 ? '0 %' : +(100 - 100 / x).toFixed(Math.max(0, Math.ceil(Math.log10(x)) - 1)) + ' %';

  // Events as dashed lines, numbered from the left; the list below the charts has the words.
  const eventLines = {
    id: 'eventLines',
    afterDatasetsDraw(chart, args, options) {
      const { ctx, chartArea: area, scales: { x } } = chart;
      ctx.save();
      ctx.strokeStyle = color('soft');
      ctx.fillStyle = color('soft');
      ctx.font = '11px sans-serif';
      ctx.setLineDash([3, 3]);
      let before = -Infinity, level = 0;  // numbers that would lie on each other stand under each other
      for (const event of options.events || []) {
        const at = x.getPixelForValue(event.t);
        if (!(at >= area.left && at <= area.right)) continue;
        ctx.beginPath();
        ctx.moveTo(at, area.top);
        ctx.lineTo(at, area.bottom);
        ctx.stroke();
        level = at - before < 14 ? (level + 1) % 8 : 0;
        before = at;
        ctx.fillText(event.label, Math.min(at + 3, area.right - 12), area.top + 10 + 12 * level);
      }
      ctx.restore();
    },
  };

  const xy = (run, name) => run.intervals.t.map((t, i) => ({ x: t, y: run.intervals[name][i] }));
  const line = (label, points, colorName, more = {}) => ({
    label, data: points, colorName, borderWidth: 1.8, pointRadius: points.length < 40 ? 2 : 0, pointHitRadius: 6,
    spanGaps: false, tension: 0, ...more,
  });

  function axis(title, extra = {}) {
    return { title: { display: true, text: title }, grid: {}, ticks: { maxRotation: 0, autoSkipPadding: 14 }, ...extra };
  }

  // To the end of the last interval, or the last event after it.
  const ends = runs.flatMap((run) => [run.end, ...(two ? [] : run.events.map((event) => event.t))]);
  const timeAxis = () => axis('time after the start', {
    type: 'linear', min: 0, max: Math.max(...ends) || 1, ticks: { maxRotation: 0, autoSkipPadding: 18, includeBounds: false, callback: seconds } });

  // A logarithmic axis from one of 1, 2, 5, 10, 20 ... to another, with a tick at each of them that there is room for.
  function logAxis(title, datasets) {
    const values = datasets.flatMap((set) => set.data).map((point) => point.y).filter((y) => y > 0);
    const steps = [];
    const largest = Math.max(...values);
    for (let power = Math.floor(Math.log10(Math.min(...values))); values.length && !(steps.at(-1) >= largest); power++) {
      steps.push(...[1, 2, 5].map((digit) => +`${digit}e${power}`));
    }
    while (steps.length > 2 && steps[1] <= Math.min(...values)) steps.shift();
    while (steps.length > 2 && steps.at(-2) >= largest) steps.pop();
    return axis(title, {
      type: 'logarithmic', min: steps[0], max: steps.at(-1),
      afterBuildTicks: (scale) => {
        const decadesOnly = steps.length > scale.chart.height / 22;
        scale.ticks = steps.map((value) => ({ value })).filter(({ value }) => !decadesOnly || isDecade(value));
      },
      ticks: { autoSkip: false, maxRotation: 0, callback: millis },
    });
  }

  function draw(id, datasets, scales, tooltip, extra = {}) {
    const canvas = document.getElementById(id);
    if (!canvas) return;
    const chart = new Chart(canvas, {
      type: 'line',
      data: { datasets },
      options: {
        responsive: true, maintainAspectRatio: false, animation: false, parsing: false, normalized: true,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales,
        plugins: {
          legend: { position: 'bottom', labels: { boxWidth: 14, boxHeight: 2, padding: 12 } },
          tooltip: { callbacks: tooltip },
          eventLines: { events: [] },
          ...extra,
        },
      },
      plugins: [eventLines],
    });
    charts.push(chart);
  }

  const events = [];
  if (!two) runs[0].events.forEach((event, i) => events.push({ t: event.t, label: String(i + 1) }));
  const atTime = (format) => ({
    title: (items) => items.length ? seconds(items[0].parsed.x) : '',
    label: (item) => ' ' + item.dataset.label + ': ' + format(item.parsed.y),
  });
  const suffix = (run) => two ? ' ' + run.name : '';
  const dash = (i) => i === 0 && two ? { borderDash: [6, 4] } : {};

  // Rate.
  const rates = [];
  runs.forEach((run, i) => {
    if (run.wanted.length && i === runs.length - 1) {
      rates.push(line('wanted', run.wanted.map(([x, y]) => ({ x, y })), 's6', { borderDash: [2, 3], pointRadius: 0 }));
    }
    if (!two) rates.push(line('sent', xy(run, 'sent'), 's4'));
    rates.push(line('answered' + suffix(run), xy(run, 'completed'), two && i === 0 ? 's3' : 's1', dash(i)));
    if (run.intervals.failed.some((n) => n > 0)) {
      rates.push(line('errors' + suffix(run), xy(run, 'failed'), 's5', dash(i)));
    }
  });
  draw('rate', rates, { x: timeAxis(), y: axis('requests per second', { min: 0, ticks: { callback: count } }) },
    atTime((y) => count(y) + '/s'), { eventLines: { events } });

  // Latency over time.
  const latencies = [];
  runs.forEach((run, i) => {
    const series = two ? [['p50', 'p50', i ? 's1' : 's2'], ['p99', 'p99', i ? 's4' : 's3']]
      : [['p50', 'p50', 's2'], ['p90', 'p90', 's1'], ['p99', 'p99', 's3'], ['p999', 'p99.9', 's4'], ['max', 'max', 's5']];
    for (const [name, label, c] of series) latencies.push(line(label + suffix(run), xy(run, name), c, dash(i)));
  });
  draw('latency', latencies, {
    x: timeAxis(), y: logAxis('response time', latencies),
  }, atTime(millis), { eventLines: { events } });

  // Distribution: percentiles over 1 / (1 - q), so that each nine takes as much room.
  const points = (run, name) => run.distribution[name].map(([x, y]) => ({ x, y }));
  const distributions = [];
  runs.forEach((run, i) => {
    distributions.push(line('response time' + suffix(run), points(run, 'response'), two && i === 0 ? 's3' : 's1', { pointRadius: 0, ...dash(i) }));
    if (two) return;
    distributions.push(line('service time', points(run, 'service'), 's2', { pointRadius: 0, borderDash: [6, 4] }));
    distributions.push(line('send delay', points(run, 'send_delay'), 's6', { pointRadius: 0 }));
  });
  draw('distribution', distributions, {
    x: axis('percentile', {
      type: 'logarithmic', min: 1,
      afterBuildTicks: (scale) => {
        scale.ticks = [];
        for (let x = 1; x <= scale.max * 1.0001; x *= 10) {
          scale.ticks.push({ value: x });
          if (x === 1) scale.ticks.push(...(scale.chart.width < 420 ? [{ value: 2 }] : [{ value: 2 }, { value: 4 }]));
        }
      },
      ticks: { autoSkip: false, maxRotation: 0, callback: (x) => isDecade(x) || x < 10 ? percentile(x) : '' },
    }),
    y: logAxis('latency', distributions),
  }, {
    title: (items) => items.length ? percentile(+items[0].parsed.x.toPrecision(6)) : '',
    label: (item) => ' ' + item.dataset.label + ': ' + millis(item.parsed.y),
  });

  // Errors by kind, on top of each other.
  if (!two) {
    const palette = ['s5', 's3', 's4', 's1', 's2', 's6'];
    const kinds = Object.entries(runs[0].intervals.errors).map(([kind, counts], i) =>
      line(kind, runs[0].intervals.t.map((t, k) => ({ x: t, y: counts[k] })), palette[i % palette.length],
        { fill: i ? '-1' : 'origin', stepped: 'middle', borderWidth: 1, pointRadius: 0 }));
    draw('errors', kinds, { x: timeAxis(), y: axis('requests per interval', { stacked: true, min: 0, ticks: { callback: count } }) },
      atTime(count), { eventLines: { events } });
  }

  // Colours come from the style, which knows of dark mode and paper.
  function paint() {
    for (const chart of charts) {
      for (const set of chart.data.datasets) {
        set.borderColor = set.backgroundColor = color(set.colorName);
        if (set.fill !== undefined) set.backgroundColor = color(set.colorName) + '55';
      }
      for (const scale of Object.values(chart.options.scales)) {
        scale.grid.color = color('line');
        scale.grid.borderColor = color('line');
        scale.ticks.color = scale.title.color = color('soft');
      }
      chart.options.plugins.legend.labels.color = color('text');
      chart.update('none');
    }
  }
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  const fit = () => {
    paint();
    for (const chart of charts) chart.resize();
  };
  matchMedia('print').addEventListener('change', fit);
  addEventListener('beforeprint', () => {
    for (const element of document.querySelectorAll('details')) element.open = true;
    fit();
  });
  addEventListener('afterprint', fit);
})();
