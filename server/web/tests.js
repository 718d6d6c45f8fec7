// The list of load tests: what runs and what ran, with filters; two can be chosen to be compared.
import {listLoadTests} from './api.js';
import {badge, element, labelled, refreshing, table} from './dom.js';
import * as format from './format.js';

const STATES = [
  ['', 'all'],
  ['PENDING,STARTING,RUNNING,STOPPING', 'not ended'],
  ['SUCCEEDED', 'succeeded'],
  ['STOPPED', 'stopped'],
  ['FAILED', 'failed'],
];

// How many are added by "Older tests".
const OLDER = 250;

export function testLink(name) {
  const id = format.idOf(name);
  return element('a', {href: `#/tests/${encodeURIComponent(id)}`}, id);
}

// Returns a function that ends it.
export function showTests(view, tell) {
  const state = element('select', {id: 'filter-state'},
    ...STATES.map(([value, name]) => element('option', {value}, name)));
  const labels = element('input', {id: 'filter-labels', type: 'text', placeholder: 'team=web,env=staging', autocomplete: 'off'});
  const compare = element('button', {type: 'button', disabled: ''}, 'Compare two');
  const older = element('button', {type: 'button', class: 'plain', hidden: ''}, 'Older tests');
  const content = element('div');
  const chosen = new Set();  // ids, in the order in which they were chosen
  let pages = [''];  // tokens of the pages that are shown

  const columns = [
    {head: 'Load test', cell: (test) => testLink(test.name)},
    {head: 'State', cell: (test) => badge(test.state)},
    {head: 'About', cell: about},
    {head: 'Target', cell: (test) => test.spec.request?.url ?? ''},
    {head: 'Load', cell: (test) => format.load(test.spec)},
    {head: 'Created', cell: (test) => format.time(test.create_time), number: true},
    {head: 'Compare', cell: choice},
  ];

  function choice(test) {
    const id = format.idOf(test.name);
    const box = element('input', {type: 'checkbox', 'aria-label': `Compare ${id}`, 'data-focus': `compare ${id}`});
    box.checked = chosen.has(id);
    box.addEventListener('change', () => {
      box.checked ? chosen.add(id) : chosen.delete(id);
      compare.disabled = chosen.size !== 2;
      compare.textContent = chosen.size === 2 ? `Compare ${[...chosen].join(' and ')}` : `Compare two (${chosen.size} chosen)`;
    });
    return box;
  }

  compare.addEventListener('click', () => {
    location.hash = `#/compare/${[...chosen].map(encodeURIComponent).join('/')}`;
  });

  async function load() {
    const filters = {states: state.value, labels: labels.value.trim()};
    const tests = [];
    let next = '';
    for (const page_token of pages) {
      const page = await listLoadTests({...filters, page_token, page_size: page_token ? OLDER : ''});
      tests.push(...page.load_tests);
      next = page.next_page_token;
    }
    return {tests, next};
  }

  view.replaceChildren(
    element('h2', {}, 'Load tests'),
    element('form', {class: 'filters', role: 'search'},
      labelled('State', state), labelled('Labels', labels), compare),
    content, older);
  const list = refreshing(tell, load, ({tests, next}) => {
    content.replaceChildren(table('', columns, tests, 'None. Start one with "New test", or: loadctl run URL', {stacked: true}));
    older.hidden = !next;
    older.onclick = () => {
      pages = [...pages, next];
      list.now();
    };
  });
  const filter = (event) => {
    event.preventDefault();
    pages = [''];
    list.now();
  };
  state.addEventListener('change', filter);
  labels.addEventListener('change', filter);
  view.querySelector('form').addEventListener('submit', filter);
  return list;
}

function about(test) {
  const {title, labels} = test.spec;
  return element('div', {class: 'about'},
    title ? element('div', {}, title) : null,
    Object.keys(labels ?? {}).length ? element('div', {class: 'quiet'}, format.labels(labels)) : null,
    test.note ? element('div', {class: 'note'}, test.note) : null);
}
