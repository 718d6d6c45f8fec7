// Building elements. Data only ever becomes text, never markup.

// element('p', {class: 'quiet'}, 'text', child, ...); children that are null are left out.
export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A control with its label, and a place for what is wrong with it.
export function labelled(text, control, hint = '') {
  const problem = element('p', {class: 'problem', id: `${control.id}-problem`});
  control.setAttribute('aria-describedby', `${control.id}-hint ${control.id}-problem`);
  return element('div', {class: 'field'},
    element('label', {for: control.id}, text), control,
    hint ? element('p', {class: 'hint', id: `${control.id}-hint`}, hint) : null, problem);
}

const MOST_ROWS = 20;

// A table whose columns are {head, cell: (row) => text or element, number: true for numbers}. The first cell heads its row.
// A `stacked` one has its cells under each other where the screen is narrow; a `boxed` one of many rows scrolls by itself.
export function table(caption, columns, rows, whenEmpty, {stacked = false, boxed = false} = {}) {
  const align = (column) => (column.number ? {class: 'number'} : {});
  const head = columns.map((column) => element('th', {scope: 'col', ...align(column)}, column.head));
  const body = rows.map((row) => element('tr', {}, ...columns.map((column, i) => (i === 0
    ? element('th', {scope: 'row'}, column.cell(row))
    : element('td', {...align(column), 'data-head': column.head}, column.cell(row))))));
  if (rows.length === 0) {
    body.push(element('tr', {}, element('td', {class: 'empty', colspan: columns.length}, whenEmpty)));
  }
  // Focusable, so that a table wider than the screen can be scrolled with the keyboard.
  return element('div', {class: boxed && rows.length > MOST_ROWS ? 'wide boxed' : 'wide', tabindex: '0', role: 'region', 'aria-label': caption || 'Table'}, element('table', stacked ? {class: 'stacked'} : {},
    caption ? element('caption', {}, caption) : null,
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body)));
}

// Closed at first, and made when it is opened.
export function folded(title, make) {
  const made = element('details', {}, element('summary', {}, title));
  made.addEventListener('toggle', () => {
    if (made.open && made.children.length === 1) made.append(make());
  });
  return made;
}

const KINDS = {
  SUCCEEDED: 'good', FINISHED: 'good', VALID: 'good', IDLE: 'good', PASSED: 'good',
  FAILED: 'bad', INVALID: 'bad', LOST: 'bad',
  STOPPED: 'warn', STOPPING: 'warn', DEGRADED: 'warn',
  STARTING: 'busy', RUNNING: 'busy', ARMED: 'busy', DRAINING: 'busy',
};

// A state or level as a word with a colour; nothing while it is not known.
export function badge(word) {
  if (!word || word.endsWith('_UNSPECIFIED')) return '';
  return element('span', {class: `badge ${KINDS[word] ?? 'quiet'}`}, word);
}

const REFRESH_MS = 2000;

// Loads again and again, and draws when something changed, so that selection stays where it is. Returns a function that ends it;
// its method now() loads at once.
export function refreshing(tell, load, draw) {
  let ended = false;
  let shown = '';
  let timer = 0;
  let round = 0;

  async function refresh() {
    clearTimeout(timer);
    const mine = ++round;
    try {
      const data = await load();
      if (ended || mine !== round) return;
      tell(null);
      const current = JSON.stringify(data);
      if (current !== shown) keepingFocus(() => draw(data));
      shown = current;
    } catch (error) {
      if (ended || mine !== round) return;
      tell(error);
      if (error.code === 401) return;
    }
    timer = setTimeout(refresh, REFRESH_MS);
  }

  refresh();
  const end = () => {
    ended = true;
    clearTimeout(timer);
  };
  end.now = refresh;
  return end;
}

// Puts `children` in the place of those that were there; a table keeps how far it was scrolled, and the focus.
export function replaceKeeping(parent, ...children) {
  const tables = () => [...parent.querySelectorAll('.wide')];
  const focused = parent.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
  const scrolled = new Map(tables().map((one) => [one.getAttribute('aria-label'), [one.scrollLeft, one.scrollTop]]));
  parent.replaceChildren(...children);
  for (const one of tables()) {
    const label = one.getAttribute('aria-label');
    [one.scrollLeft, one.scrollTop] = scrolled.get(label) ?? [0, 0];
    if (label === focused) one.focus({preventScroll: true});
  }
}

// Links and what has data-focus get the focus back when they are drawn anew.
function keepingFocus(draw) {
  const focused = document.activeElement;
  const selector = ['data-focus', 'href']
    .filter((name) => focused?.hasAttribute(name))
    .map((name) => `[${name}="${CSS.escape(focused.getAttribute(name))}"]`)[0];
  draw();
  if (selector && !focused.isConnected) document.querySelector(`main ${selector}`)?.focus();
}
