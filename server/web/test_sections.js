// What is shown of a load test, from an update or from its report.
import {errorsOf, perSecond} from './charts.js';
import {badge, element, folded, table} from './dom.js';
import * as format from './format.js';

// An update and a report in the one form that is drawn.
export function ofUpdate(update) {
  return {
    loadTest: update.load_test,
    progress: update.progress,
    rateName: 'Rate now',
    rate: update.interval ? perSecond((counts) => counts.completed)(update.interval) : 0,
    counts: update.totals ?? {},
    latencies: latenciesOf(update),
    errors: update.errors,
    statusCodes: update.status_codes ?? {},
    verdict: update.verdict,
    thresholds: update.thresholds ?? [],
    drivers: update.drivers.map((driver) => ({
      id: driver.driver_id,
      state: driver.state,
      counts: driver.counts ?? {},
      sendDelayP99: driver.send_delay_p99_ns,
      cpu: driver.cpu_cores,
    })),
  };
}

export function ofReport(report) {
  return {
    loadTest: report.load_test,
    progress: null,
    rateName: 'Mean rate',
    rate: report.completed_per_second,
    counts: report.totals?.counts ?? {},
    latencies: latenciesOf(report),
    errors: report.totals?.errors ?? [],
    statusCodes: report.totals?.status_codes ?? {},
    verdict: report.verdict,
    thresholds: report.thresholds ?? [],
    drivers: report.drivers.map((driver) => ({
      id: driver.assignment.driver_id,
      state: driver.lost ? 'LOST' : driver.finished ? 'FINISHED' : '',
      counts: driver.counts ?? {},
      sendDelayP99: driver.send_delay?.p99_ns,
      cpu: driver.cpu_cores,
    })),
  };
}

function latenciesOf(message) {
  return [
    {name: 'Response', ...message.response_time},
    {name: 'Service', ...message.service_time},
    {name: 'Send delay', ...message.send_delay},
  ];
}

// The elements between the title and the charts.
export function sectionsAbove(test) {
  return [
    description(test.loadTest),
    test.progress === null ? null : progressBar(test.progress),
    tiles(test),
    verdictReasons(test.verdict),
    thresholdTable(test.thresholds, Boolean(test.loadTest.end_time)),
  ].filter((section) => section !== null);
}

// The elements below the charts.
export function sectionsBelow(test, {intervals, events}) {
  return [
    errorTable(test.errors),
    latencyTable(test.latencies),
    statusCodeTable(test.statusCodes),
    table('Drivers', DRIVER_COLUMNS, test.drivers, 'None takes part yet.', {stacked: true, boxed: true}),
    table('Events', EVENT_COLUMNS, events, 'None yet.', {boxed: true}),
    test.progress === null ? intervalTable(intervals) : null,
  ].filter((section) => section !== null);
}

function description(loadTest) {
  const {spec} = loadTest;
  return element('div', {},
    spec.title ? element('p', {}, spec.title) : null,
    spec.description ? element('p', {class: 'quiet'}, spec.description) : null,
    element('p', {class: 'quiet'}, `${spec.request?.method || 'GET'} ${spec.request?.url ?? ''}`),
    element('p', {class: 'quiet'}, format.load(spec)),
    loadTest.state_reason ? element('p', {}, loadTest.state_reason) : null);
}

function progressBar(progress) {
  return element('div', {class: 'progress'},
    element('progress', {max: 1, value: progress, 'aria-label': 'Progress'}),
    element('span', {}, format.percent(progress)));
}

function tiles(test) {
  const {counts} = test;
  const [response] = test.latencies;
  const failures = Number(counts.failed ?? 0) + Number(counts.dropped ?? 0);
  const shown = [
    [test.rateName, format.perSecond(test.rate)],
    ['Response p50', format.latency(response.p50_ns)],
    ['Response p99', format.latency(response.p99_ns)],
    ['Response max', format.latency(response.max_ns)],
    ['Completed', format.count(counts.completed)],
    ['Sent', format.count(counts.sent)],
    ['Failed or not sent', format.count(failures), failures > 0],
    ['HTTP errors', format.count(counts.http_errors), Number(counts.http_errors) > 0],
  ];
  return element('dl', {class: 'tiles'}, ...shown.map(([name, value, isBad]) =>
    element('div', {}, element('dt', {}, name), element('dd', isBad ? {class: 'bad'} : {}, value))));
}

function thresholdTable(thresholds, ended) {
  if (thresholds.length === 0) return null;
  const windows = thresholds.some((one) => one.windows > 0);
  return table('Thresholds', [
    {head: 'Threshold', cell: (one) => one.expression},
    {head: 'Outcome', cell: (one) => badge(one.passed ? 'PASSED' : one.actual || ended ? 'FAILED' : 'NOT YET')},
    {head: 'Measured', cell: (one) => one.actual, number: true},
    ...(windows ? [{head: 'Windows failed', cell: (one) => (one.windows ? `${one.windows_failed} of ${one.windows}` : ''), number: true}] : []),
  ], thresholds);
}

const MOST_ROWS = 1000;

// Folded: a long test has many.
function intervalTable(intervals) {
  if (intervals.length === 0) return null;
  const at = (offset) => `${Number(format.seconds(offset).toFixed(2))} s`;
  const left = intervals.length - MOST_ROWS;
  return folded(`Intervals (${format.count(intervals.length)})`, () => element('div', {}, table('', [
    {head: 'From', cell: (one) => at(one.start_offset_ns)},
    {head: 'To', cell: (one) => at(one.end_offset_ns), number: true},
    {head: 'Due', cell: (one) => format.count(one.counts?.due), number: true},
    {head: 'Sent', cell: (one) => format.count(one.counts?.sent), number: true},
    {head: 'Completed', cell: (one) => format.count(one.counts?.completed), number: true},
    {head: 'Errors', cell: (one) => format.count(errorsOf(one.counts ?? {})), number: true},
    {head: 'p50', cell: (one) => format.latency(one.response_time?.p50_ns), number: true},
    {head: 'p99', cell: (one) => format.latency(one.response_time?.p99_ns), number: true},
    {head: 'max', cell: (one) => format.latency(one.response_time?.max_ns), number: true},
    {head: 'Drivers', cell: (one) => format.count(one.drivers), number: true},
  ], intervals.slice(0, MOST_ROWS)), left > 0 ? element('p', {class: 'quiet'}, `and ${format.count(left)} more, in the report as a file`) : null));
}

// What was asked for and who did it, to the last field; and where the whole report is.
export function reportFiles(id, report) {
  const json = (value) => element('pre', {tabindex: '0'}, JSON.stringify(value, null, 2));
  const save = element('button', {type: 'button', class: 'plain'}, 'Save as JSON');
  save.addEventListener('click', () => {
    const link = element('a', {href: URL.createObjectURL(new Blob([JSON.stringify(report)], {type: 'application/json'})), download: `${id}.json`});
    link.click();
    URL.revokeObjectURL(link.href);
  });
  return [
    folded('Spec', () => json(report.load_test.spec)),
    folded('Manifest', () => json(report.manifest ?? {})),
    element('p', {class: 'buttons'}, save, element('span', {class: 'quiet'}, 'or ', element('code', {}, `loadctl report ${id} -o html`), ', csv, junit')),
  ];
}

function verdictReasons(verdict) {
  const reasons = verdict?.reasons ?? [];
  if (reasons.length === 0) return null;
  return table('Why the numbers may not be believed', [
    {head: 'Verdict', cell: (reason) => badge(reason.level)},
    {head: 'Driver', cell: (reason) => reason.driver_id || 'all'},
    {head: 'Reason', cell: (reason) => reason.message},
  ], reasons, '', {stacked: true});
}

const LATENCY_ROWS = [
  ['min', 'min_ns'], ['mean', 'mean_ns'], ['p50', 'p50_ns'], ['p90', 'p90_ns'], ['p95', 'p95_ns'], ['p99', 'p99_ns'],
  ['p99.9', 'p999_ns'], ['p99.99', 'p9999_ns'], ['max', 'max_ns'],
];

function latencyTable(latencies) {
  return table('Latency', [
    {head: '', cell: ([name]) => name},
    ...latencies.map((of) => ({head: of.name, cell: ([, field]) => format.latency(of[field]), number: true})),
  ], LATENCY_ROWS);
}

const DRIVER_COLUMNS = [
  {head: 'Driver', cell: (driver) => driver.id},
  {head: 'State', cell: (driver) => badge(driver.state)},
  {head: 'Sent', cell: (driver) => format.count(driver.counts.sent), number: true},
  {head: 'Completed', cell: (driver) => format.count(driver.counts.completed), number: true},
  {head: 'Failed', cell: (driver) => format.count(driver.counts.failed), number: true},
  {head: 'Not sent', cell: (driver) => format.count(driver.counts.dropped), number: true},
  {head: 'In flight', cell: (driver) => format.count(driver.counts.in_flight), number: true},
  {head: 'Send delay p99', cell: (driver) => format.latency(driver.sendDelayP99), number: true},
  {head: 'CPU cores', cell: (driver) => format.cores(driver.cpu), number: true},
];

function errorTable(errors) {
  if (errors.length === 0) return null;
  return table('Errors', [
    {head: 'Kind', cell: (error) => format.words(error.kind)},
    {head: 'Count', cell: (error) => format.count(error.count), number: true},
    {head: 'Example', cell: (error) => error.example},
  ], errors, '', {stacked: true});
}

function statusCodeTable(statusCodes) {
  const rows = Object.entries(statusCodes ?? {});
  if (rows.length === 0) return null;
  return table('Status codes', [
    {head: 'Status', cell: ([code]) => code},
    {head: 'Responses', cell: ([, responses]) => format.count(responses), number: true},
  ], rows);
}

const EVENT_COLUMNS = [
  {head: 'Time', cell: (event) => format.time(event.time)},
  {head: 'Event', cell: (event) => format.words(event.type)},
  {head: '', cell: (event) => event.message},
];
