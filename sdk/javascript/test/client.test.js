// Against a live orchestrator, which this file starts from LOADTEST_BIN.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, existsSync} from 'node:fs';
import http from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {after, before, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';

import {Client, LoadTestError, duration, makeSpec, run} from 'loadtest-client';

const folder = mkdtempSync(join(tmpdir(), 'loadtest-js-'));
let orchestrator, client, site, url;
let received = 0;
let lastRequest;

before(async () => {
  const ready = join(folder, 'ready.json');
  orchestrator = spawn(join(process.env.LOADTEST_BIN, 'orchestrator'), [
    '2', '--kafka', 'embedded', '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data', join(folder, 'data'), '--ready_file', ready,
  ], {stdio: ['ignore', 'ignore', 'inherit']});
  const deadline = Date.now() + 20_000;
  while (!existsSync(ready)) {
    assert.ok(Date.now() < deadline && orchestrator.exitCode === null, 'the orchestrator did not start');
    await sleep(20);
  }
  client = new Client(JSON.parse(readFileSync(ready, 'utf8')).grpc_address);
  site = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => body += part);
    request.on('end', () => {
      received++;
      lastRequest = {method: request.method, who: request.headers['x-who'], body};
      response.end('pong\n');
    });
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${site.address().port}/`;
});

after(async () => {
  client?.close();
  site?.closeAllConnections();
  site?.close();
  if (orchestrator?.exitCode === null) {
    const ended = new Promise((resolve) => orchestrator.once('exit', resolve));
    orchestrator.kill();
    await ended;
  }
  rmSync(folder, {recursive: true, force: true});
});

test('run counts what the server counted', async () => {
  received = 0;
  const updates = [];
  const result = await client.run(url, {delay: 5, requests: 50, onUpdate: (update) => updates.push(update)});
  assert.deepEqual([result.sent, result.completed, received], [100, 100, 100]);
  assert.equal(result.state, 'SUCCEEDED');
  assert.ok(result.p50 > 0 && result.p50 <= result.p99);
  assert.equal(updates.at(-1).progress, 1);
});

test('method, headers and body arrive', async () => {
  await client.run(url, {method: 'POST', headers: {'X-Who': 'me'}, body: 'hello', requests: 2, connections: 1});
  assert.deepEqual(lastRequest, {method: 'POST', who: 'me', body: 'hello'});
});

test('a wrong field is named', async () => {
  await assert.rejects(client.create(url, {delay: 0}),
                       (error) => error instanceof LoadTestError && error.code === 'INVALID_ARGUMENT' &&
                           /spec\.tsunami\.delay: got 0s, want /.test(error.message));
});

test('validate gives the defaults', async () => {
  assert.equal((await client.validate(url)).connections, 50);
});

test('aborting a run stops its test', async () => {
  const controller = new AbortController();
  let name;
  const running = client.run(url, {rate: 50, duration: '60s', signal: controller.signal, onUpdate: (update) => {
    name = update.load_test.name;
    controller.abort();
  }});
  await assert.rejects(running, {name: 'AbortError'});
  for await (const update of client.watch(name)) assert.ok(update);
  const {state, state_reason: reason} = await client.get(name);
  assert.deepEqual([state, reason], ['STOPPED', 'its JavaScript program gave up']);
});

test('aborting a run while its test is being created stops it too', async () => {
  const controller = new AbortController();
  const running = client.run(url, {rate: 50, duration: '60s', testId: 'aborted-early', signal: controller.signal});
  controller.abort(new Error('enough'));
  await assert.rejects(running, /enough/);
  const deadline = Date.now() + 20_000;
  while ((await client.get('aborted-early')).state !== 'STOPPED') {
    assert.ok(Date.now() < deadline, 'the test was not stopped');
    await sleep(20);
  }
});

test('a test is listed, noted and deleted', async () => {
  const {name} = await client.run(url, {requests: 1, connections: 1, testId: 'js-steps'});
  assert.equal(name, 'loadTests/js-steps');
  assert.equal((await client.note('js-steps', 'before the cache')).note, 'before the cache');
  for await (const newest of client.tests()) {
    assert.equal(newest.name, name);
    break;
  }
  await client.delete(name);
  await assert.rejects(client.get(name), {code: 'NOT_FOUND'});
});

test('a broken threshold is a problem', async () => {
  const result = await client.run(url, {delay: 10, requests: 20, thresholds: ['p50<10s', 'p50<1ns']});
  assert.match(result.problems().join('\n'), /threshold p50<1ns: got /);
  assert.doesNotMatch(result.problems().join('\n'), /10s/);
});

test('nobody there is said with the address', async () => {
  const nobody = new Client('127.0.0.1:1');
  await assert.rejects(nobody.drivers(), /orchestrator at 127\.0\.0\.1:1: UNAVAILABLE/);
  nobody.close();
  await assert.rejects(run(url, {server: '127.0.0.1:1'}), {code: 'UNAVAILABLE'});
});

test('times are exact', () => {
  assert.deepEqual(duration('1m30s5ms'), {seconds: 90, nanos: 5_000_000});
  assert.deepEqual(duration('1.5h0.25us'), {seconds: 5400, nanos: 250});
  assert.deepEqual(duration(0.25), {seconds: 0, nanos: 250_000});
  assert.deepEqual(duration(-1500), {seconds: -1, nanos: -500_000_000});
  assert.throws(() => duration('soon'), /got "soon", want milliseconds/);
});

test('thresholds may be written as on the command line', () => {
  assert.deepEqual(makeSpec(url, {thresholds: 'p99<50ms, errors<0.1%'}).thresholds, ['p99<50ms', 'errors<0.1%']);
  assert.deepEqual(makeSpec(url, {thresholds: ['p99<50ms']}).thresholds, ['p99<50ms']);
});

test('a word that is misspelt is refused', () => {
  assert.throws(() => makeSpec(url, {ratee: 5, treshold: []}), /got ratee, treshold, which no spec has/);
  assert.equal(makeSpec(url, {http_version: 'HTTP_2'}).http_version, 'HTTP_2');
});

test('two paces are refused', () => {
  assert.throws(() => makeSpec(url, {delay: 5, rate: 5}), /more than one of delay, rate and stages/);
});
