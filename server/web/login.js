// Asks for the token, where the orchestrator wants one.
import {setToken} from './api.js';
import {element} from './dom.js';

// Calls `onGiven` once a token was entered; `problem` says why another one was refused.
export function askForToken(view, problem, onGiven) {
  const input = element('input', {
    id: 'token', type: 'password', autocomplete: 'off', required: '', 'aria-describedby': 'token-problem'});
  const form = element('form', {class: 'narrow'},
    element('h2', {}, 'Token'),
    element('p', {class: 'quiet'}, 'This orchestrator answers only those who know its token. It is kept until this tab is closed.'),
    element('label', {for: 'token'}, 'Token'), input,
    element('p', {id: 'token-problem', class: 'problem', role: 'alert'}, problem),
    element('button', {type: 'submit', class: 'action'}, 'Go on'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    setToken(input.value.trim());
    onGiven();
  });
  view.replaceChildren(form);
  input.focus();
}
