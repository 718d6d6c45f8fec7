// The form that starts a test. What is wrong is said by the orchestrator, next to the field that it is about.
import {createLoadTest, getLoadTest} from './api.js';
import {element, labelled} from './dom.js';
import * as format from './format.js';
import {put, RestOfSpec, textOf} from './rest_of_spec.js';

// One control: what it is called, where its value goes in the spec, and what a person may write there.
const text = (path, name, hint, attributes = {}) => ({path, name, hint, attributes: {type: 'text', autocomplete: 'off', ...attributes}});
const number = (path, name, hint, attributes = {}) =>
  ({...text(path, name, hint, {inputmode: 'numeric', ...attributes}), read: numberOrText});
const lines = (path, name, hint, read) => ({path, name, hint, area: true, attributes: {rows: '3', spellcheck: 'false'}, read});
const choice = (path, name, options, hint = '') => ({path, name, hint, options, attributes: {}});
const check = (path, name, hint) => ({path, name, hint, attributes: {type: 'checkbox'}});

const KINDS = [
  ['avalanche', 'Avalanche', 'every connection sends its next request as soon as it has its answer'],
  ['tsunami', 'Tsunami', 'each driver sends a request every so often, whatever the server does'],
  ['rate', 'Rate', 'all drivers together send so many requests a second'],
  ['stages', 'Rate in stages', 'a rate that changes'],
];

const REQUEST = [
  {...text('request.url', 'URL', '', {placeholder: 'http://127.0.0.1:8081/ping', required: '', inputmode: 'url'}), wide: true},
  text('request.method', 'Method', '', {placeholder: 'GET'}),
  {...lines('request.headers', 'Headers', 'one a line: Name: value', readHeaders), wide: true},
  {...lines('request.body', 'Body', '', readBody), wide: true},
];
const OF_KIND = {
  avalanche: [],
  tsunami: [text('tsunami.delay', 'Delay', 'between the requests of a driver', {placeholder: '10ms'})],
  rate: [number('rate.requests_per_second', 'Requests per second', 'of all drivers together', {placeholder: '500'})],
  stages: [],
};
const AMOUNT = [
  text('duration', 'Duration', 'such as 30s or 1m30s', {placeholder: '10s'}),
  number('requests_per_driver', 'Requests a driver', 'instead of a duration, or as well'),
  number('connections', 'Connections a driver', '', {placeholder: '50'}),
  number('drivers', 'Drivers', 'empty: all that are idle'),
];
const MORE = [
  text('warmup', 'Warm-up', 'sent before, left out of the result'),
  text('request_timeout', 'Time-out', 'for a whole response', {placeholder: '10s'}),
  number('max_connections', 'Most connections a driver', 'open loop: when none is free'),
  choice('arrivals', 'Arrivals', [['', 'evenly'], ['POISSON', 'at random (Poisson)']], 'open loop'),
  choice('http_version', 'HTTP', [['', 'HTTP/1.1'], ['HTTP_2', 'HTTP/2']]),
  number('streams', 'Streams', 'HTTP/2: requests at once on a connection', {placeholder: '1'}),
  check('tls.insecure', 'Do not verify the certificate', ''),
  choice('on_driver_loss', 'When a driver is lost',
    [['', 'the others go on'], ['REDISTRIBUTE', 'the others take its share'], ['ABORT', 'the test is stopped']]),
];
const ABOUT = [
  text('load_test_id', 'Id', 'a-z, 0-9 and -; empty: one is made'),
  {...text('title', 'Title', ''), wide: true},
  {...lines('labels', 'Labels', 'one a line: key=value', readLabels), wide: true},
  {...lines('thresholds', 'Thresholds', 'one a line, such as p99<50ms or errors<0.1% or rate>950/s', nonEmptyLines), wide: true},
  check('abort_on_threshold', 'Stop as soon as a threshold cannot be kept', ''),
];

// As it is when it is a number, so that the orchestrator says what is wrong with anything else.
function numberOrText(value) {
  return value !== '' && !Number.isNaN(Number(value)) ? Number(value) : value;
}
function nonEmptyLines(value) {
  return value.split('\n').map((line) => line.trim()).filter(Boolean);
}
// The two parts of a line; what cannot be sent at all is an Error in the words of the command line.
function halves(line, separator, wanted) {
  const at = line.indexOf(separator);
  if (at < 1) throw new Error(`got "${line}", want ${wanted}`);
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}
function readHeaders(value) {
  return nonEmptyLines(value).map((line) => {
    const [name, content] = halves(line, ':', 'Name: value');
    return {name, value: content};
  });
}
function readLabels(value) {
  return Object.fromEntries(nonEmptyLines(value).map((line) => halves(line, '=', 'KEY=VALUE')));
}
// `bytes` are base64 in JSON.
function readBody(value) {
  return btoa(Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join(''));
}

function control({path, attributes, area, options}) {
  const all = {id: `f-${path}`, name: path, ...attributes};
  if (area) return element('textarea', all);
  if (options) return element('select', all, ...options.map(([value, name]) => element('option', {value}, name)));
  return element('input', all);
}

function field(definition) {
  const made = control(definition);
  const frame = labelled(definition.name, made, definition.hint);
  if (definition.attributes.type === 'checkbox') frame.classList.add('check');
  if (definition.wide) frame.classList.add('wide-field');
  return frame;
}

function group(name, ...children) {
  return element('fieldset', {}, element('legend', {}, name), ...children);
}

// Shows the form in `view`, filled in like the test `id` when there is one. Returns a function that ends it.
export function showForm(view, tell, id) {
  const kinds = KINDS.map(([value, name, hint]) => {
    const radio = element('input', {type: 'radio', name: 'kind', id: `f-kind-${value}`, value});
    return element('div', {class: 'radio'}, radio,
      element('label', {for: radio.id}, name, element('span', {class: 'hint'}, hint)));
  });
  const stages = new StageRows();
  const ofKind = Object.fromEntries(Object.entries(OF_KIND).map(([kind, definitions]) =>
    [kind, element('div', {class: 'fields'}, ...definitions.map(field))]));
  ofKind.stages.append(stages.element);
  const problems = element('div', {role: 'alert', class: 'problems'});
  const submit = element('button', {type: 'submit', class: 'action'}, 'Start the test');
  const checkButton = element('button', {type: 'button'}, 'Only check');
  const result = element('p', {role: 'status'});
  const rest = new RestOfSpec(ALL().map(({path}) => path), KINDS.map(([kind]) => kind));
  const form = element('form', {novalidate: '', class: 'form'},
    group('Request', ...REQUEST.map(field)),
    group('Load', element('div', {role: 'radiogroup', 'aria-label': 'Kind of load'}, ...kinds), ...Object.values(ofKind),
      element('div', {class: 'fields'}, ...AMOUNT.map(field))),
    group('About the test', ...ABOUT.map(field)),
    element('details', {}, element('summary', {}, 'More'), element('div', {class: 'fields'}, ...MORE.map(field))),
    rest.element, problems, element('div', {class: 'buttons'}, submit, checkButton, result));
  view.replaceChildren(element('h2', {}, 'New test'), form);
  form.elements.kind.value = 'avalanche';
  showKind();

  function showKind() {
    for (const [kind, fields] of Object.entries(ofKind)) fields.hidden = kind !== form.elements.kind.value;
    form.elements.duration.placeholder = form.elements.kind.value === 'stages' ? 'that of the stages' : '10s';
  }
  form.addEventListener('change', (event) => {
    if (event.target.name === 'kind') showKind();
  });

  async function send(options) {
    clearProblems(form, problems);
    result.textContent = '';
    const unreadable = [];
    const {load_test_id, ...spec} = readForm(form, stages, rest.spec(), unreadable);
    try {
      const test = await createLoadTest(spec, {load_test_id, ...options, ...(unreadable.length ? {validate_only: 'true'} : {})});
      if (unreadable.length === 0) return test;
    } catch (error) {
      if (error.code !== 400 && error.code !== 409) {
        tell(error);
        return null;
      }
      unreadable.push(...error.message.split('\n'));
    }
    showProblems(form, problems, unreadable);
    return null;
  }
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const test = await send({});
    submit.disabled = false;
    if (test) location.hash = `#/tests/${encodeURIComponent(format.idOf(test.name))}`;
  });
  checkButton.addEventListener('click', async () => {
    const test = await send({validate_only: 'true'});
    if (test) result.textContent = `Nothing is wrong. It would be: ${format.load(test.spec)}`;
  });

  if (id) {
    getLoadTest(id).then((test) => {
      fillForm(form, stages, test.spec);
      rest.take(id, test.spec);
      showKind();
    }, tell);
  }
  return () => {};
}

const ALL = () => [...REQUEST, ...Object.values(OF_KIND).flat(), ...AMOUNT, ...MORE, ...ABOUT];

// The spec as it is written there over `spec`, without what was left empty. What cannot be sent is a line in `unreadable`.
function readForm(form, stages, spec, unreadable) {
  const kind = form.elements.kind.value;
  spec[kind] = {};
  for (const {path, read} of ALL()) {
    const made = form.elements[path];
    if (made.closest('[hidden]')) continue;
    if (made.type === 'checkbox') {
      if (made.checked) put(spec, path, true);
    } else if (made.value.trim() !== '') {
      try {
        put(spec, path, read ? read(made.value) : made.value.trim());
      } catch (error) {
        unreadable.push(`${path}: ${error.message}`);
      }
    }
  }
  if (kind === 'stages') spec.stages = {stages: stages.read()};
  return spec;
}

function fillForm(form, stages, spec) {
  const kind = KINDS.map(([name]) => name).find((name) => spec[name]) ?? 'avalanche';
  form.elements.kind.value = kind;
  if (kind === 'stages') stages.fill(spec.stages.stages);
  const write = {
    'request.headers': (list) => list.map(({name, value}) => `${name}: ${value}`).join('\n'),
    'request.body': (bytes) => textOf(bytes) ?? '',
    labels: (map) => Object.entries(map).map(([key, value]) => `${key}=${value}`).join('\n'),
    thresholds: (list) => list.join('\n'),
  };
  for (const {path} of ALL()) {
    const value = path.split('.').reduce((at, key) => at?.[key], spec);
    const made = form.elements[path];
    if (made.type === 'checkbox') made.checked = value === true;
    else if (value !== undefined && value !== 0 && value !== '' && path !== 'load_test_id') {
      made.value = write[path] ? write[path](value) : value;
      // A name that the list does not have is the default.
      if (made.tagName === 'SELECT' && made.selectedIndex < 0) made.value = '';
    }
  }
}

// "request body: spec.stages[1].duration: got ..." belongs to the field of the longest path that it begins with.
function showProblems(form, problems, lines) {
  const rest = [];
  let first = null;
  for (const line of lines) {
    const path = line.replace(/^request body: /, '').replace(/^spec\./, '');
    const made = [...form.elements]
      .filter((one) => one.name && one.name !== 'kind' && (path.startsWith(`${one.name}:`) || path.startsWith(`${one.name}[`) || path.startsWith(`${one.name}.`)))
      .filter((one) => !one.closest('[hidden]'))
      .sort((a, b) => b.name.length - a.name.length)[0];
    const place = made && document.getElementById(`${made.id}-problem`);
    if (!place) {
      rest.push(line);
      continue;
    }
    made.closest('details')?.setAttribute('open', '');
    made.setAttribute('aria-invalid', 'true');
    place.textContent += (place.textContent ? '\n' : '') + path.slice(path.indexOf(': ') + 2);
    first ??= made;
  }
  problems.replaceChildren(...rest.map((line) => element('p', {class: 'problem'}, line)));
  first?.focus();
}

function clearProblems(form, problems) {
  problems.replaceChildren();
  for (const made of form.elements) made.removeAttribute('aria-invalid');
  for (const place of form.querySelectorAll('.field > .problem')) place.textContent = '';
}

// Rows of from, to, duration, as many as one likes.
class StageRows {
  constructor() {
    this.rows = element('div');
    const add = element('button', {type: 'button', class: 'plain'}, 'Add a stage');
    add.addEventListener('click', () => this.add().querySelector('input').focus());
    this.element = element('div', {class: 'stages'},
      element('p', {class: 'hint'}, 'Requests per second of all drivers together, in a straight line from the first to the second.'),
      this.rows, add);
    this.add(['0', '500', '10s']);
    this.add(['500', '500', '20s']);
  }

  add(values = ['', '', '']) {
    const row = element('div', {class: 'stage'});
    const remove = element('button', {type: 'button', class: 'plain', 'aria-label': 'Remove this stage'}, '×');
    remove.addEventListener('click', () => {
      row.remove();
      this.number();
    });
    row.append(...['From', 'To', 'Duration'].map((name, i) => {
      const input = element('input', {type: 'text', autocomplete: 'off', value: values[i], size: '6', id: 'stage', 'data-part': name.toLowerCase()});
      return labelled(name, input);
    }), remove);
    this.rows.append(row);
    this.number();
    return row;
  }

  // Names and ids say which stage it is, for what the orchestrator says of it.
  number() {
    [...this.rows.children].forEach((row, i) => {
      for (const frame of row.querySelectorAll('.field')) {
        const input = frame.querySelector('input');
        const id = `f-stage-${i}-${input.dataset.part}`;
        input.id = id;
        input.name = `stages.stages[${i}].${input.dataset.part}`;
        input.setAttribute('aria-describedby', `${id}-problem`);
        frame.querySelector('label').setAttribute('for', id);
        frame.querySelector('.problem').id = `${id}-problem`;
      }
    });
  }

  read() {
    return [...this.rows.children].map((row) => {
      const [from, to, duration] = [...row.querySelectorAll('input')].map((input) => input.value.trim());
      return Object.fromEntries([['from', numberOrText(from)], ['to', numberOrText(to)], ['duration', duration]]
        .filter(([, value]) => value !== ''));
    });
  }

  fill(stages) {
    this.rows.replaceChildren();
    for (const {from, to, duration} of stages) this.add([from ?? 0, to ?? 0, duration]);
  }
}
