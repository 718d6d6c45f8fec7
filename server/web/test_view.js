// One load test: live while it runs, its report when it has ended.
import {getReport, stopLoadTest, watchLoadTest} from './api.js';
import {badge, element} from './dom.js';
import {ofReport, ofUpdate, sections} from './test_sections.js';

const ENDED = ['SUCCEEDED', 'STOPPED', 'FAILED'];

// Shows the test in `view` and keeps it fresh. Returns a function that ends it.
export function showTest(view, id, tellTrouble) {
  const history = new History();
  // The frame is made once, so that the button keeps its focus while the numbers below change.
  const badges = element('span', {'aria-live': 'polite'});
  const button = element('button', {type: 'button', hidden: ''}, 'Stop');
  const content = element('div');
  view.replaceChildren(
    element('div', {class: 'title'}, element('h2', {}, id), badges, button), content);
  let closed = false;
  let lastUpdate = null;
  let final = false;  // the report of the ended test is shown, and no update any more

  button.addEventListener('click', async () => {
    if (!window.confirm(`Stop ${id} on all drivers?`)) return;
    try {
      await stopLoadTest(id);
    } catch (error) {
      tellTrouble(error.message);
    }
  });

  function draw(test) {
    const {state} = test.loadTest;
    badges.replaceChildren(badge(state), ' ', badge(test.verdict?.level));
    button.hidden = ENDED.includes(state);
    button.disabled = state === 'STOPPING';
    content.replaceChildren(...sections(test, history));
  }

  // Fetched at the start for what went before, and at the end for what is final.
  async function showReport() {
    try {
      const report = await getReport(id);
      if (closed) return;
      tellTrouble('');
      history.add(report.intervals, report.events);
      final = ENDED.includes(report.load_test.state);
      if (final) draw(ofReport(report));
      else if (lastUpdate) draw(ofUpdate(lastUpdate));
    } catch (error) {
      if (!closed) tellTrouble(error.message);
    }
  }

  const stopWatching = watchLoadTest(id, {
    onUpdate: (update) => {
      tellTrouble('');
      history.add(update.interval ? [update.interval] : [], update.events);
      lastUpdate = update;
      if (!final) draw(ofUpdate(update));
    },
    onEnd: showReport,
    onTrouble: (gaveUp) => {
      // When the browser gave up, there is no such test, and the report's error says so.
      if (!gaveUp) tellTrouble('Connection lost, trying again.');
    },
  });
  showReport();
  return () => {
    closed = true;
    stopWatching();
  };
}

// The last ten minutes: more would make every redraw slow and the charts no clearer.
const MAX_INTERVALS = 600;

// Intervals and events in order of time, each once, whether they came with the report or with an update.
class History {
  intervals = [];
  events = [];

  add(intervals, events) {
    const startOf = (interval) => Number(interval.start_offset_ns);
    this.intervals = merge(this.intervals, intervals, startOf, startOf).slice(-MAX_INTERVALS);
    const idOf = (event) => `${event.time} ${event.type} ${event.message}`;
    this.events = merge(this.events, events, idOf, (event) => Date.parse(event.time));
  }
}

function merge(known, more, idOf, orderOf) {
  const byId = new Map([...known, ...more].map((one) => [idOf(one), one]));
  return [...byId.values()].sort((a, b) => orderOf(a) - orderOf(b));
}
