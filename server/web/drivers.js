// The drivers, and what is serving here.
import {getServerInfo, listDrivers} from './api.js';
import {badge, element, refreshing, table} from './dom.js';
import * as format from './format.js';
import {testLink} from './tests.js';

const COLUMNS = [
  {head: 'Driver', cell: (driver) => format.idOf(driver.name)},
  {head: 'State', cell: (driver) => badge(driver.state)},
  {head: 'Load test', cell: (driver) => (driver.load_test ? testLink(driver.load_test) : '')},
  {head: 'Address', cell: (driver) => driver.ip_address},
  {head: 'Host', cell: (driver) => driver.host_name},
  {head: 'Labels', cell: (driver) => format.labels(driver.labels)},
  {head: 'Version', cell: (driver) => driver.version},
  {head: 'CPU cores', cell: (driver) => format.cores(driver.cpu_cores), number: true},
  {head: 'Clock', cell: (driver) => clock(driver), number: true},
  {head: 'Last heard', cell: (driver) => format.time(driver.last_heartbeat_time), number: true},
];

function clock(driver) {
  if (!Number(driver.clock_error_ns)) return '';
  return `${format.latency(driver.clock_offset_ns)} ± ${format.latency(driver.clock_error_ns)}`;
}

// Returns a function that ends it.
export function showDrivers(view, tell) {
  const content = element('div');
  view.replaceChildren(element('h2', {}, 'Drivers'), content);
  return refreshing(tell, () => Promise.all([listDrivers(), getServerInfo()]), ([drivers, info]) => {
    content.replaceChildren(
      table('', COLUMNS, drivers.drivers, 'None has registered. Start some: orchestrator 2, or driver --kafka HOST:PORT', {stacked: true}),
      element('h3', {}, 'Orchestrator'),
      element('p', {}, `Version ${info.version}, since ${format.time(info.start_time)}`),
      element('p', {}, `${info.bus}${info.bus_connected ? '' : ': cannot be reached'}`),
      element('p', {}, `${info.live_drivers} drivers are there; it starts ${info.own_drivers} itself`));
  });
}
