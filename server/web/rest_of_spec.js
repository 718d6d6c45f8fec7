// What the form has no fields for, of a test that is to be run again: it goes along, and is named.
import {element} from './dom.js';
import * as format from './format.js';

// Written by the orchestrator, or not shown by it.
const NOT_SENT = ['request.body_bytes', 'tls.client_key', 'tls.client_certificate'];
const MAPS = ['labels', 'driver_labels'];

// `written` are the paths of the form's fields, `loads` the fields of which a spec has one.
export class RestOfSpec {
  constructor(written, loads) {
    this.written = written;
    this.loads = loads;
    this.kept = {};
    this.keep = element('input', {type: 'checkbox', id: 'f-rest'});
    this.label = element('label', {for: 'f-rest'});
    this.list = element('ul', {class: 'hint'});
    this.missing = element('p', {class: 'warn'});
    this.frame = element('div', {}, element('div', {class: 'field check'}, this.label, this.keep), this.list);
    this.element = element('div', {hidden: ''}, this.frame, this.missing);
  }

  take(id, spec) {
    for (const [path, value] of leaves(spec)) {
      if (this.isLeft(path, value, spec)) put(this.kept, path, value);
    }
    const names = [...leaves(this.kept)].map(([path, value]) =>
      `${path}: ${path === 'request.body' ? 'bytes that are no text' : short(value)}`);
    this.label.textContent = `Also as in ${id}`;
    this.list.replaceChildren(...names.map((name) => element('li', {}, name)));
    this.keep.checked = names.length > 0;
    this.frame.hidden = names.length === 0;
    this.missing.textContent = notShown(spec).map((what) => `Not as in ${id}: ${what}.`).join(' ');
    this.element.hidden = names.length === 0 && this.missing.textContent === '';
  }

  isLeft(path, value, spec) {
    if (path === 'request.body') return textOf(value) === null;
    if (path === 'connect_timeout' && value === '10s') return false;
    if (path === 'drain_timeout' && value === spec.request_timeout) return false;
    return !this.written.includes(path) && !NOT_SENT.includes(path) && !this.loads.includes(path.split('.')[0]);
  }

  // A copy, for the form to write over.
  spec() {
    return this.keep.checked ? structuredClone(this.kept) : {};
  }
}

function notShown(spec) {
  const found = [];
  if (spec.tls?.client_key) found.push('the client certificate, since its key is never shown; loadctl run has --cert and --key');
  const bytes = Number(spec.request?.body_bytes ?? 0);
  if (bytes > 0 && !spec.request.body) found.push(`the body of ${format.count(bytes)} bytes, too large to be shown`);
  return found;
}

// [path, value] of whatever is not the default; maps and lists are one value.
function* leaves(message, path = '') {
  for (const [key, value] of Object.entries(message)) {
    const at = path ? `${path}.${key}` : key;
    const nested = value !== null && typeof value === 'object' && !Array.isArray(value) && !MAPS.includes(at);
    if (nested) yield* leaves(value, at);
    else if (!isDefault(value)) yield [at, value];
  }
}

function isDefault(value) {
  if (typeof value === 'string') return ['', '0', '0s'].includes(value) || value.endsWith('_UNSPECIFIED');
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

function short(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

// Puts the value at "a.b" of `spec`.
export function put(spec, path, value) {
  const keys = path.split('.');
  const last = keys.pop();
  let at = spec;
  for (const key of keys) at = at[key] ??= {};
  at[last] = value;
}

// The text that these bytes in base64 are, or null.
export function textOf(base64) {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
  } catch {
    return null;
  }
}
