// Charts, drawn by Chart.js.
import {element} from './dom.js';
import * as format from './format.js';

const {Chart} = window;

// The colours of the style sheet, as they are now: light or dark.
function colours() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    series: [get('--series-1'), get('--series-2'), get('--bad')],
    text: get('--quiet'),
    line: get('--line'),
  };
}

const dark = window.matchMedia('(prefers-color-scheme: dark)');

// Points are {x, y}; the last value of each series is read out to those who do not see the chart.
//   title    above it
//   series   [{label, colour: 0 to 2, dashed: true}]; 2 is that of what went wrong
//   y        (value) => text of a value
//   x        {title, text: (value) => ..., ticks: values, log: true}
export class LineChart {
  constructor({title, series, y, x}) {
    this.title = title;
    this.series = series;
    this.y = y;
    this.canvas = element('canvas', {role: 'img', 'aria-label': title});
    this.element = element('figure', {}, element('figcaption', {}, title),
      element('div', {class: 'canvas'}, this.canvas));
    this.chart = new Chart(this.canvas, {
      type: 'line',
      data: {datasets: series.map(() => ({data: []}))},
      options: options(y, x, series.length > 1),
    });
    this.recolour = () => {
      this.paint();
      this.chart.update();
    };
    dark.addEventListener('change', this.recolour);
    this.paint();
  }

  paint() {
    const {series, text, line} = colours();
    this.chart.data.datasets.forEach((dataset, i) => Object.assign(dataset, {
      label: this.series[i].label,
      borderColor: series[this.series[i].colour ?? i],
      backgroundColor: series[this.series[i].colour ?? i],
      borderDash: this.series[i].dashed ? [6, 4] : [],
      borderWidth: 2,
      pointRadius: 0,
      pointHitRadius: 12,
    }));
    for (const axis of Object.values(this.chart.options.scales)) {
      axis.ticks.color = text;
      axis.grid.color = line;
      axis.grid.borderColor = line;
      axis.title.color = text;
    }
    this.chart.options.plugins.legend.labels.color = text;
  }

  // The right end of the x axis, drawn with the next update.
  setEnd(x) {
    this.chart.options.scales.x.max = x;
  }

  // A list of points for each series.
  update(points) {
    points.forEach((list, i) => { this.chart.data.datasets[i].data = thinned(list); });
    this.chart.update();
    const last = this.series.map(({label}, i) => (points[i].length
      ? `${label} ${this.y(points[i][points[i].length - 1].y)}` : `${label} has no value yet`));
    this.canvas.setAttribute('aria-label', `${this.title}, last: ${last.join(', ')}`);
  }

  destroy() {
    dark.removeEventListener('change', this.recolour);
    this.chart.destroy();
  }
}

// About the pixels of a wide chart.
const MOST_POINTS = 1200;

// Of many points the lowest and the highest of each few, so that no peak is lost.
export function thinned(points) {
  if (points.length <= MOST_POINTS) return points;
  const few = Math.ceil(points.length / (MOST_POINTS / 2));
  const kept = [];
  for (let i = 0; i < points.length; i += few) {
    const some = points.slice(i, i + few);
    const low = some.reduce((a, b) => (b.y < a.y ? b : a));
    const high = some.reduce((a, b) => (b.y > a.y ? b : a));
    kept.push(...(low === high ? [low] : low.x < high.x ? [low, high] : [high, low]));
  }
  return kept;
}

function options(y, x, legend) {
  return {
    animation: false,
    parsing: false,
    normalized: true,
    maintainAspectRatio: false,
    interaction: {mode: 'nearest', axis: 'x', intersect: false},
    scales: {
      x: {
        type: x.log ? 'logarithmic' : 'linear',
        title: {display: true, text: x.title},
        grid: {},
        ticks: {maxRotation: 0, autoSkipPadding: 16, callback: x.text},
        ...(x.ticks ? {min: x.ticks[0], max: x.ticks[x.ticks.length - 1], afterBuildTicks: (axis) => {
          axis.ticks = x.ticks.filter((value) => value <= axis.max).map((value) => ({value}));
        }} : {}),
      },
      y: {beginAtZero: true, title: {display: false}, grid: {}, ticks: {maxTicksLimit: 6, callback: y}},
    },
    plugins: {
      legend: {display: legend, position: 'bottom', labels: {boxWidth: 14, boxHeight: 2}},
      tooltip: {callbacks: {
        title: ([item]) => (x.text ? x.text(item.parsed.x) : `${item.parsed.x}`),
        label: (item) => `${item.dataset.label}: ${y(item.parsed.y)}`,
      }},
    },
  };
}

const SECONDS = {title: 'seconds after the start', text: (value) => `${Number(Number(value).toFixed(2))}`};

// What one or more tests did over time. `names` tells them apart where there are two.
export class TimeCharts {
  constructor(names = ['']) {
    const of = (label, name) => (name ? `${label}, ${name}` : label);
    const each = (labels) => names.flatMap((name, test) => labels.map((label, i) => ({
      label: of(label, name),
      colour: names.length > 1 ? test : label === 'errors' ? 2 : i,
      dashed: label === 'due' || (names.length > 1 && i > 0),
    })));
    this.rate = new LineChart({title: 'Requests per second', series: each(['completed', 'due']), y: format.perSecond, x: SECONDS});
    this.latency = new LineChart({title: 'Response time', series: each(['p99', 'p50']), y: format.latency, x: SECONDS});
    this.errors = new LineChart({title: 'Errors per second', series: each(['errors']), y: format.perSecond, x: SECONDS});
    this.all = [this.rate, this.latency, this.errors];
    this.element = element('div', {class: 'charts'}, ...this.all.map((chart) => chart.element));
  }

  // The intervals of each test.
  update(...tests) {
    const points = (value) => tests.map((intervals) =>
      intervals.map((interval) => ({x: format.seconds(interval.end_offset_ns), y: value(interval)})));
    const paired = (a, b) => a.flatMap((list, i) => [list, b[i]]);
    this.rate.update(paired(points(perSecond((counts) => counts.completed)), points(perSecond((counts) => counts.due))));
    this.latency.update(paired(points((one) => Number(one.response_time?.p99_ns ?? 0)),
      points((one) => Number(one.response_time?.p50_ns ?? 0))));
    this.errors.update(points(perSecond(errorsOf)));
  }

  destroy() {
    this.all.forEach((chart) => chart.destroy());
  }
}

// Requests without a good answer: failed, not sent, or answered with status 400 and above.
export function errorsOf(counts) {
  return Number(counts.failed ?? 0) + Number(counts.dropped ?? 0) + Number(counts.http_errors ?? 0);
}

export const perSecond = (value) => (interval) => {
  const length = format.seconds(interval.end_offset_ns) - format.seconds(interval.start_offset_ns);
  return length > 0 ? Number(value(interval.counts ?? {}) ?? 0) / length : 0;
};

// 1 / (1 - q): the slow end, where the interest is, gets as much room as the rest.
const QUANTILES = [
  [1, '0 %'], [2, '50 %'], [10, '90 %'], [100, '99 %'], [1000, '99.9 %'], [10000, '99.99 %'], [100000, '99.999 %']];

// Latency against the share of requests that were faster.
export class PercentileChart {
  constructor(labels) {
    this.chart = new LineChart({
      title: 'Latency by percentile',
      series: labels.map((label, i) => ({label, colour: i})),
      y: format.latency,
      x: {
        title: 'share of the requests that took at most so long', log: true,
        ticks: QUANTILES.map(([x]) => x),
        text: (value) => QUANTILES.find(([x]) => x === value)?.[1] ?? `${Number((100 * (1 - 1 / value)).toPrecision(6))} %`,
      },
    });
    this.element = element('div', {class: 'charts'}, this.chart.element);
  }

  // Histograms of measure.proto.
  update(...histograms) {
    const curves = histograms.map(percentileCurve);
    // No further than there are requests for.
    const last = Math.max(...curves.map((curve) => curve[curve.length - 1]?.x ?? 0));
    this.chart.setEnd(QUANTILES.map(([x]) => x).find((x) => x >= last));
    this.chart.update(curves);
  }

  destroy() {
    this.chart.destroy();
  }
}

const SUB_BUCKETS = 512;

// The middle of a bucket; the layout is in measure.proto.
export function bucketMiddle(index) {
  if (index < 2 * SUB_BUCKETS) return index;
  const exponent = Math.floor(index / SUB_BUCKETS) - 1;
  const low = (index - exponent * SUB_BUCKETS) * 2 ** exponent;
  return low + 2 ** exponent / 2;
}

// At most a few hundred points: what would fall on the same pixel is left out.
export function percentileCurve(histogram) {
  const total = Number(histogram?.count ?? 0);
  if (total === 0) return [];
  const points = [];
  let index = 0;
  let below = 0;
  let lastX = 0;
  histogram.index_deltas.forEach((delta, i) => {
    index += delta;
    const x = 1 / (1 - below / total);
    below += Number(histogram.bucket_counts[i]);
    if (x > lastX * 1.01) {
      points.push({x, y: bucketMiddle(index)});
      lastX = x;
    }
  });
  points.push({x: Math.min(Math.max(total, 2), QUANTILES[QUANTILES.length - 1][0]), y: Number(histogram.max_ns)});
  return points.filter(({x}) => x <= QUANTILES[QUANTILES.length - 1][0]);
}
