// Building elements. Data only ever becomes text, never markup.

// element('p', {class: 'quiet'}, 'text', child, ...); children that are null are left out.
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  fill(made, attributes, children);
  return made;
}

export function svg(name, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  fill(made, attributes, children);
  return made;
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
}

// A table whose columns are {head, cell: (row) => text or element, number: true for numbers}. The first cell heads its row.
export function table(caption, columns, rows, whenEmpty) {
  const align = (column) => (column.number ? {class: 'number'} : {});
  const head = columns.map((column) => element('th', {scope: 'col', ...align(column)}, column.head));
  const body = rows.map((row) => element('tr', {}, ...columns.map((column, i) => (i === 0
    ? element('th', {scope: 'row'}, column.cell(row))
    : element('td', align(column), column.cell(row))))));
  if (rows.length === 0) {
    body.push(element('tr', {}, element('td', {class: 'empty', colspan: columns.length}, whenEmpty)));
  }
  return element('div', {class: 'wide'}, element('table', {},
    element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body)));
}

const KINDS = {
  SUCCEEDED: 'good', FINISHED: 'good', VALID: 'good', IDLE: 'good',
  FAILED: 'bad', INVALID: 'bad', LOST: 'bad',
  STOPPED: 'warn', STOPPING: 'warn', DEGRADED: 'warn',
  STARTING: 'busy', RUNNING: 'busy', ARMED: 'busy', DRAINING: 'busy',
};

// A state or level as a word with a colour; nothing while it is not known.
export function badge(word) {
  if (!word || word.endsWith('_UNSPECIFIED')) return '';
  return element('span', {class: `badge ${KINDS[word] ?? 'quiet'}`}, word);
}

export function lineChart(title, values, format) {
  const top = Math.max(...values, 0) || 1;
  const points = values.map((value, i) =>
    `${(100 * i) / Math.max(values.length - 1, 1)},${38 - (36 * value) / top}`);
  const last = values.length ? format(values[values.length - 1]) : 'no value yet';
  return element('figure', {},
    element('figcaption', {}, `${title}, 0 to ${format(top)}`),
    svg('svg', {viewBox: '0 0 100 40', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}, last ${last}`},
      svg('polyline', {points: points.join(' ')})));
}
