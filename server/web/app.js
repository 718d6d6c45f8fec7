// The page: the part after '#' of its address says what is shown, nothing for the overview, else the id of a load test.
import {showOverview} from './overview.js';
import {showTest} from './test_view.js';

const view = document.getElementById('view');
const connection = document.getElementById('connection');
let leave = () => {};

function tellTrouble(message) {
  if (connection.textContent !== message) connection.textContent = message;
}

function show() {
  leave();
  tellTrouble('');
  view.replaceChildren();
  const id = decodeURIComponent(location.hash.slice(1));
  document.title = id ? `${id} - load test` : 'Load testing';
  leave = id ? showTest(view, id, tellTrouble) : showOverview(view, tellTrouble);
}

window.addEventListener('hashchange', show);
show();
