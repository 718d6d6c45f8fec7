// The REST API of the orchestrator.

// The JSON of a response; throws an Error with the server's message.
export async function call(method, path, body) {
  const options = {method};
  if (body !== undefined) {
    options.headers = {'Content-Type': 'application/json'};
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error('The orchestrator cannot be reached.');
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? `HTTP ${response.status}`);
  return answer;
}

export const listDrivers = () => call('GET', '/v1/drivers');
export const listLoadTests = () => call('GET', '/v1/loadTests');
export const getReport = (id) => call('GET', `/v1/loadTests/${encodeURIComponent(id)}/report`);
export const stopLoadTest = (id) =>
  call('POST', `/v1/loadTests/${encodeURIComponent(id)}:stop`, {reason: 'stopped on the web page'});

// Calls onUpdate for each update until the test has ended, then onEnd; onTrouble when the connection breaks (the browser
// tries again by itself, unless it gave up). Returns a function that ends it.
export function watchLoadTest(id, {onUpdate, onEnd, onTrouble}) {
  const source = new EventSource(`/v1/loadTests/${encodeURIComponent(id)}:watch`);
  source.addEventListener('update', (event) => onUpdate(JSON.parse(event.data)));
  source.addEventListener('end', (event) => {
    const {error} = JSON.parse(event.data);
    if (error) return;  // the orchestrator stops; the browser tries again
    source.close();
    onEnd();
  });
  source.addEventListener('error', () => onTrouble(source.readyState === EventSource.CLOSED));
  return () => source.close();
}
