// Two tests laid over each other.
import {getReport} from './api.js';
import {PercentileChart, TimeCharts} from './charts.js';
import {badge, element, table} from './dom.js';
import * as format from './format.js';
import {testLink} from './tests.js';

const latency = (name, field, of = 'response_time') =>
  ({name, value: (report) => Number(report[of]?.[field] ?? 0), text: format.latency, lessIsBetter: true});

const ROWS = [
  {name: 'Completed per second', value: (report) => report.completed_per_second, text: format.perSecond, lessIsBetter: false},
  latency('Response p50', 'p50_ns'), latency('Response p90', 'p90_ns'), latency('Response p99', 'p99_ns'),
  latency('Response p99.9', 'p999_ns'), latency('Response max', 'max_ns'),
  latency('Service p50', 'p50_ns', 'service_time'), latency('Service p99', 'p99_ns', 'service_time'),
  latency('Send delay p99', 'p99_ns', 'send_delay'),
  {name: 'Completed', value: (report) => Number(report.totals?.counts?.completed ?? 0), text: format.count},
  {name: 'Failed or not sent', value: failures, text: format.count, lessIsBetter: true},
  {name: 'Status 400 and above', value: (report) => Number(report.totals?.counts?.http_errors ?? 0), text: format.count, lessIsBetter: true},
];

function failures(report) {
  const counts = report.totals?.counts ?? {};
  return Number(counts.failed ?? 0) + Number(counts.dropped ?? 0);
}

// Returns a function that ends it.
export function showCompare(view, a, b, tell) {
  let ended = false;
  let charts = [];
  view.replaceChildren(element('h2', {}, `${a} and ${b}`));
  Promise.all([getReport(a), getReport(b)]).then((reports) => {
    if (ended) return;
    const times = new TimeCharts([a, b]);
    const percentiles = new PercentileChart([a, b].map((id) => `response time, ${id}`));
    charts = [times, percentiles];
    view.append(
      element('p', {}, testLink(`loadTests/${a}`), ' ', badge(reports[0].verdict?.level), ' compared with ',
        testLink(`loadTests/${b}`), ' ', badge(reports[1].verdict?.level)),
      element('p', {class: 'quiet'}, element('code', {}, `loadctl diff ${a} ${b}`), ' tells a change from noise.'),
      ...warnings(reports), numbers(a, b, reports), times.element, percentiles.element, differences(a, b, reports));
    // One point is no line.
    times.element.hidden = reports.every((report) => report.intervals.length < 2);
    times.update(...reports.map((report) => report.intervals));
    percentiles.update(...reports.map((report) => report.totals?.response_time));
  }, (error) => {
    if (!ended) tell(error);
  });
  return () => {
    ended = true;
    charts.forEach((chart) => chart.destroy());
  };
}

// What makes the comparison doubtful.
function warnings(reports) {
  const found = [];
  if (reports.some((report) => report.verdict?.level === 'INVALID')) {
    found.push('At least one of them is INVALID: its generator did not keep its schedule.');
  }
  const [first, second] = reports.map((report) => report.load_test.spec.request?.url);
  if (first !== second) found.push('They asked different servers or pages.');
  return found.map((text) => element('p', {class: 'warn'}, text));
}

function numbers(a, b, [first, second]) {
  return table('Numbers', [
    {head: '', cell: (row) => row.name},
    {head: a, cell: (row) => row.text(row.value(first)), number: true},
    {head: b, cell: (row) => row.text(row.value(second)), number: true},
    {head: 'Change', cell: (row) => change(row, row.value(first), row.value(second)), number: true},
  ], ROWS);
}

// Coloured from 5 % on: less is the noise of any two runs.
function change(row, before, after) {
  if (before === after) return '';
  if (before === 0) return 'new';
  const share = (after - before) / before;
  const text = `${share > 0 ? '+' : '−'}${Math.abs(100 * share).toFixed(1)} %`;
  if (row.lessIsBetter === undefined || Math.abs(share) < 0.05) return text;
  return element('span', {class: (share < 0) === row.lessIsBetter ? 'good' : 'bad'}, text);
}

// Fields of the spec and of the drivers' hosts that are not the same.
function differences(a, b, reports) {
  const [first, second] = reports.map((report) => flat({
    spec: report.load_test.spec,
    version: report.manifest?.orchestrator_version ?? '',
    drivers: (report.manifest?.drivers ?? []).map(({host_name, kernel, cpu_model}) => ({host_name, kernel, cpu_model})),
  }));
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])].filter((name) => first[name] !== second[name]);
  return table('What else is different', [
    {head: 'Field', cell: (name) => name},
    {head: a, cell: (name) => first[name] ?? ''},
    {head: b, cell: (name) => second[name] ?? ''},
  ], names, 'Nothing: the same spec, the same hosts.');
}

// {a: {b: [1]}} -> {'a.b[0]': '1'}
function flat(value, path = '', into = {}) {
  if (value !== null && typeof value === 'object') {
    for (const [key, part] of Object.entries(value)) {
      flat(part, Array.isArray(value) ? `${path}[${key}]` : path ? `${path}.${key}` : key, into);
    }
  } else {
    into[path] = String(value);
  }
  return into;
}
