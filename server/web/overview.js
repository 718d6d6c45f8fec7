// The first view: drivers and load tests.
import {listDrivers, listLoadTests} from './api.js';
import {badge, element, table} from './dom.js';
import * as format from './format.js';

const REFRESH_MS = 2000;

const DRIVER_COLUMNS = [
  {head: 'Driver', cell: (driver) => format.idOf(driver.name)},
  {head: 'State', cell: (driver) => badge(driver.state)},
  {head: 'Load test', cell: (driver) => (driver.load_test ? testLink(driver.load_test) : '')},
  {head: 'Address', cell: (driver) => driver.ip_address},
  {head: 'Host', cell: (driver) => driver.host_name},
  {head: 'Version', cell: (driver) => driver.version},
  {head: 'CPU cores', cell: (driver) => format.cores(driver.cpu_cores), number: true},
  {head: 'Last heard', cell: (driver) => format.time(driver.last_heartbeat_time), number: true},
];

const TEST_COLUMNS = [
  {head: 'Load test', cell: (test) => testLink(test.name)},
  {head: 'State', cell: (test) => badge(test.state)},
  {head: 'Title', cell: (test) => test.spec.title},
  {head: 'Target', cell: (test) => test.spec.request?.url ?? ''},
  {head: 'Load', cell: (test) => format.load(test.spec)},
  {head: 'Created', cell: (test) => format.time(test.create_time), number: true},
];

function testLink(name) {
  const id = format.idOf(name);
  return element('a', {href: `#${id}`}, id);
}

// Shows the lists in `view` and keeps them fresh. Returns a function that ends it.
export function showOverview(view, tellTrouble) {
  let ended = false;
  let shown = '';

  async function refresh() {
    try {
      const [drivers, tests] = await Promise.all([listDrivers(), listLoadTests()]);
      if (ended) return;
      tellTrouble('');
      // Drawn anew only when something changed, so that focus and selection stay where they are.
      const current = JSON.stringify([drivers, tests]);
      if (current !== shown) draw(drivers, tests);
      shown = current;
    } catch (error) {
      if (!ended) tellTrouble(error.message);
    }
    if (!ended) setTimeout(refresh, REFRESH_MS);
  }

  function draw(drivers, tests) {
    const focused = document.activeElement?.getAttribute('href');
    view.replaceChildren(
      table('Load tests', TEST_COLUMNS, tests.load_tests, 'None yet. Start one with: loadctl run URL'),
      tests.next_page_token ? element('p', {class: 'quiet'}, 'Older tests: loadctl ls') : '',
      table('Drivers', DRIVER_COLUMNS, drivers.drivers, 'None has registered.'));
    if (focused) view.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  refresh();
  return () => { ended = true; };
}
