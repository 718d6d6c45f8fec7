// The page: the part after '#' of its address says what is shown.
//   #/  #/drivers  #/new  #/new/ID (as that test)  #/tests/ID  #/compare/A/B
import {forgetToken, hasToken} from './api.js';
import {showCompare} from './compare.js';
import {showDrivers} from './drivers.js';
import {showForm} from './form.js';
import {askForToken} from './login.js';
import {showTests} from './tests.js';
import {showTest} from './test_view.js';

const view = document.getElementById('view');
const connection = document.getElementById('connection');
const forget = document.getElementById('forget-token');
let leave = () => {};

// Shows what is wrong, or nothing when the message is empty. A refused token is asked for instead.
function tell(error) {
  if (error?.code === 401) return login(error);
  const message = error?.message ?? '';
  if (connection.textContent !== message) connection.textContent = message;
}

function login(error) {
  leave();
  leave = () => {};
  // The first time nobody has been refused anything yet.
  askForToken(view, hasToken() ? error.message : '', show);
  forget.hidden = true;
}

const PAGES = {
  '': () => showTests(view, tell),
  drivers: () => showDrivers(view, tell),
  new: (id) => showForm(view, tell, id),
  tests: (id) => showTest(view, id, tell),
  compare: (a, b) => showCompare(view, a, b, tell),
};

function show() {
  leave();
  tell(null);
  forget.hidden = !hasToken();
  const [page, ...ids] = location.hash.replace(/^#\/?/, '').split('/').map(decoded);
  view.replaceChildren();
  document.title = [ids.join(' and ') || page, 'Load testing'].filter(Boolean).join(' - ');
  for (const link of document.querySelectorAll('nav a')) {
    const current = link.getAttribute('href') === `#/${page}`;
    current ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  }
  leave = PAGES[Object.hasOwn(PAGES, page) ? page : ''](...ids);
}

// What is no percent-encoding stays as it is, and will not be found.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

forget.addEventListener('click', () => {
  forgetToken();
  show();
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();  // '#view' would be taken for a page
  view.focus();
});
window.addEventListener('hashchange', () => {
  show();
  view.focus({preventScroll: true});
  window.scrollTo(0, 0);
});
show();
