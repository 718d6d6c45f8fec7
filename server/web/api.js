// The REST API of the orchestrator.

// Kept for this tab only, and sent by hand: a cookie would also go to other servers on other ports of this host.
const TOKEN_KEY = 'loadtest-token';
const RETRY_MS = 2000;

export const hasToken = () => sessionStorage.getItem(TOKEN_KEY) !== null;
export const setToken = (token) => sessionStorage.setItem(TOKEN_KEY, token);
export const forgetToken = () => sessionStorage.removeItem(TOKEN_KEY);

// What the server said; `code` is the HTTP code, 0 when it cannot be reached.
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

async function send(method, path, {body, signal} = {}) {
  const options = {method, signal, headers: {}};
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) options.headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The orchestrator cannot be reached.');
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  throw new ApiError(response.status, answer.error?.message ?? `HTTP ${response.status}`);
}

async function call(method, path, body) {
  return (await send(method, path, {body})).json();
}

function query(parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== '');
  return given.length ? `?${new URLSearchParams(given)}` : '';
}

const testPath = (id) => `/v1/loadTests/${encodeURIComponent(id)}`;

export const listDrivers = () => call('GET', '/v1/drivers');
// Filters: {labels: 'k=v,k=v', states: 'RUNNING,STOPPED', page_token, page_size}.
export const listLoadTests = (filters = {}) => call('GET', `/v1/loadTests${query(filters)}`);
export const getServerInfo = () => call('GET', '/v1/serverInfo');
export const getLoadTest = (id) => call('GET', testPath(id));
export const getReport = (id) => call('GET', `${testPath(id)}/report`);
export const stopLoadTest = (id) => call('POST', `${testPath(id)}:stop`, {reason: 'stopped on the web page'});
export const writeNote = (id, note) => call('PATCH', `${testPath(id)}?update_mask=note`, {note});
export const createLoadTest = (spec, options) => call('POST', `/v1/loadTests${query(options)}`, spec);

// Calls onUpdate for each update until the test has ended, then onEnd. When the connection breaks, onTrouble is told and it
// tries again, unless the server refused. Returns a function that ends it.
export function watchLoadTest(id, {onUpdate, onEnd, onTrouble}) {
  const controller = new AbortController();
  const {signal} = controller;
  follow();
  return () => controller.abort();

  async function follow() {
    while (!signal.aborted) {
      try {
        const response = await send('GET', `${testPath(id)}:watch`, {signal});
        if (await readEvents(response.body)) return onEnd();
        onTrouble(new ApiError(0, 'Connection lost, trying again.'));
      } catch (error) {
        if (signal.aborted) return;
        if (error.code >= 400 && error.code < 500) return onTrouble(error);
        onTrouble(new ApiError(0, 'Connection lost, trying again.'));
      }
      await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
    }
  }

  // True when the test has ended, false when the stream broke off.
  async function readEvents(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return false;
      const events = (text + value).split('\n\n');
      text = events.pop();
      for (const event of events) {
        const type = event.match(/^event: (.*)$/m)?.[1];
        const data = event.match(/^data: (.*)$/m)?.[1];
        if (type === 'update') onUpdate(JSON.parse(data));
        if (type === 'end') return !JSON.parse(data).error;  // with an error the orchestrator stops, and comes back
      }
    }
  }
}
