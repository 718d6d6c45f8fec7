// One load test: live while it runs, its report when it has ended.
import {getReport, stopLoadTest, watchLoadTest, writeNote} from './api.js';
import {PercentileChart, TimeCharts} from './charts.js';
import {badge, element, replaceKeeping} from './dom.js';
import {ofReport, ofUpdate, reportFiles, sectionsAbove, sectionsBelow} from './test_sections.js';

const ENDED = ['SUCCEEDED', 'STOPPED', 'FAILED'];

// Shows the test in `view` and keeps it fresh. Returns a function that ends it.
export function showTest(view, id, tell) {
  const history = new History();
  // The frame is made once, so that the buttons keep their focus while the numbers below change.
  const badges = element('span', {'aria-live': 'polite'});
  const stop = element('button', {type: 'button', class: 'danger', hidden: ''}, 'Stop');
  const again = element('a', {href: `#/new/${encodeURIComponent(id)}`, class: 'action', hidden: ''}, 'Run again');
  const above = element('div');
  const below = element('div');
  const files = element('div');
  const times = new TimeCharts();
  const percentiles = new PercentileChart(['response time', 'service time']);
  times.element.hidden = true;
  percentiles.element.hidden = true;
  const note = new Note(id, tell);
  view.replaceChildren(
    element('div', {class: 'title'}, element('h2', {}, id), badges, element('span', {class: 'buttons'}, stop, again)),
    above, times.element, percentiles.element, below, files, note.element);
  let closed = false;
  let shownState = '';
  let lastUpdate = null;
  let final = false;  // the report of the ended test is shown, and no update any more

  stop.addEventListener('click', async () => {
    if (!window.confirm(`Stop ${id} on all drivers?`)) return;
    try {
      await stopLoadTest(id);
    } catch (error) {
      tell(error);
    }
  });

  function draw(test) {
    const {state} = test.loadTest;
    const states = `${state} ${test.verdict?.level}`;
    // Only when it changed, or it would be read out each second.
    if (states !== shownState) badges.replaceChildren(badge(state), ' ', badge(test.verdict?.level));
    shownState = states;
    stop.hidden = ENDED.includes(state);
    stop.disabled = state === 'STOPPING';
    again.hidden = false;
    note.show(test.loadTest.note);
    replaceKeeping(above, ...sectionsAbove(test));
    replaceKeeping(below, ...sectionsBelow(test, history));
    times.element.hidden = history.intervals.length < 2;
    if (!times.element.hidden) times.update(history.intervals);
  }

  // Fetched at the start for what went before, and at the end for what is final.
  async function showReport() {
    try {
      const report = await getReport(id);
      if (closed) return;
      tell(null);
      history.add(report.intervals, report.events);
      final = ENDED.includes(report.load_test.state);
      if (final) {
        draw(ofReport(report));
        files.replaceChildren(...reportFiles(id, report));
        percentiles.element.hidden = !Number(report.totals?.response_time?.count ?? 0);
        if (!percentiles.element.hidden) percentiles.update(report.totals.response_time, report.totals.service_time);
      } else if (lastUpdate) {
        draw(ofUpdate(lastUpdate));
      }
    } catch (error) {
      if (!closed) tell(error);
    }
  }

  const stopWatching = watchLoadTest(id, {
    onUpdate: (update) => {
      tell(null);
      history.add(update.interval ? [update.interval] : [], update.events);
      lastUpdate = update;
      if (!final) draw(ofUpdate(update));
    },
    onEnd: showReport,
    onTrouble: tell,
  });
  showReport();
  return () => {
    closed = true;
    stopWatching();
    times.destroy();
    percentiles.destroy();
  };
}

// What people wrote about the test; the one thing that can be changed afterwards.
class Note {
  constructor(id, tell) {
    this.shown = '';
    this.area = element('textarea', {id: 'note', rows: '2', maxlength: '4000'});
    const save = element('button', {type: 'submit'}, 'Save the note');
    const saved = element('span', {role: 'status', class: 'quiet'});
    this.element = element('form', {class: 'note-form', hidden: ''}, element('label', {for: 'note'}, 'Note'), this.area,
      element('div', {class: 'buttons'}, save, saved));
    this.element.addEventListener('submit', async (event) => {
      event.preventDefault();
      try {
        await writeNote(id, this.area.value);
        saved.textContent = 'saved';
      } catch (error) {
        tell(error);
      }
    });
    this.area.addEventListener('input', () => { saved.textContent = ''; });
  }

  // Leaves alone what somebody is writing.
  show(note = '') {
    this.element.hidden = false;
    if (note === this.shown) return;
    if (this.area.value === this.shown) this.area.value = note;
    this.shown = note;
  }
}

// Half a day of seconds: more would make the page slow.
const MAX_INTERVALS = 43_200;

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
  if (more.length === 0) return known;
  const byId = new Map([...known, ...more].map((one) => [idOf(one), one]));
  return [...byId.values()].sort((a, b) => orderOf(a) - orderOf(b));
}
