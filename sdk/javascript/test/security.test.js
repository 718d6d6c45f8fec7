// Token, TLS and client certificates, against an orchestrator that wants all three.
import assert from 'node:assert/strict';
import {execFileSync, spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import tls from 'node:tls';
import {after, before, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';

import {Client} from 'loadtest-client';

const token = '0123456789abcdef-token';
const folder = mkdtempSync(join(tmpdir(), 'loadtest-js-'));
const file = (name) => join(folder, name);
const own = {certFile: file('client.pem'), keyFile: file('client.key')};
let orchestrator, server;

// Node.js says each once in a process.
const warnings = [];
process.on('warning', ({message}) => warnings.push(message));

const openssl = (line) => execFileSync('openssl', line.split(' '), {cwd: folder, stdio: 'pipe'});

before(async () => {
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -days 2 -subj /CN=ca -addext basicConstraints=critical,CA:TRUE`);
  for (const name of ['server', 'client']) {
    openssl(`req ${key} -keyout ${name}.key -out ${name}.csr -subj /CN=${name} -addext subjectAltName=DNS:localhost,IP:127.0.0.1`);
    openssl(`x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out ${name}.pem`);
  }
  writeFileSync(file('token'), `${token}\n`);
  orchestrator = spawn(join(process.env.LOADTEST_BIN, 'orchestrator'), [
    '1', '--grpc', '127.0.0.1:0', '--http', '127.0.0.1:0', '--data', 'data', '--ready_file', 'ready', '--tls-cert', 'server.pem', '--tls-key',
    'server.key', '--token-file', 'token', '--set', 'orchestrator.tls_client_ca_file=ca.pem',
  ], {cwd: folder, stdio: ['ignore', 'ignore', 'inherit']});
  const deadline = Date.now() + 30_000;
  while (!existsSync(file('ready'))) {
    assert.ok(Date.now() < deadline && orchestrator.exitCode === null, 'the orchestrator did not start');
    await sleep(20);
  }
  server = JSON.parse(readFileSync(file('ready'), 'utf8')).grpc_address;
});

after(async () => {
  if (orchestrator?.exitCode === null) {
    const ended = new Promise((resolve) => orchestrator.once('exit', resolve));
    orchestrator.kill();
    await ended;
  }
  rmSync(folder, {recursive: true, force: true});
});

async function drivers(options) {
  const client = new Client(server, options);
  try {
    return (await client.drivers()).length;
  } finally {
    client.close();
  }
}

test('the right caller comes in, others do not', async () => {
  const caFile = file('ca.pem');
  assert.equal(await drivers({token, caFile, ...own}), 1);
  await assert.rejects(drivers({token: 'not-the-token', caFile, ...own}), {code: 'UNAUTHENTICATED', message: /is not the one/});
  for (const wrong of [{caFile}, {tls: true}, {}]) {
    await assert.rejects(drivers({token, ...wrong}), {code: 'UNAVAILABLE', message: new RegExp(`orchestrator at ${server}`)});
  }
});

test('the certificate of a server that is named by its address must be for that address', async () => {
  const elsewhere = tls.createServer({key: readFileSync(file('server.key')), cert: readFileSync(file('server.pem')), ALPNProtocols: ['h2']});
  await new Promise((resolve) => elsewhere.listen(0, '127.0.0.2', resolve));
  try {
    assert.match(server, /^127\.0\.0\.1:/);
    assert.equal(await drivers({token, caFile: file('ca.pem'), ...own}), 1);
    const client = new Client(`127.0.0.2:${elsewhere.address().port}`, {token, caFile: file('ca.pem')});
    await assert.rejects(client.drivers(), {code: 'UNAVAILABLE', message: /127\.0\.0\.2 is not in the cert's list/});
    client.close();
    assert.deepEqual(warnings, []);
  } finally {
    elsewhere.close();
  }
});

test('the environment says what is not given', async () => {
  Object.assign(process.env, {LOADTEST_SERVER_CACERT: file('ca.pem'), LOADTEST_TOKEN_FILE: file('token')});
  try {
    assert.equal(await drivers(own), 1);
  } finally {
    delete process.env.LOADTEST_SERVER_CACERT;
    delete process.env.LOADTEST_TOKEN_FILE;
  }
});

test('a token does not go to another host in clear text', () => {
  for (const other of ['load.example:50051', '192.0.2.1:50051', 'dns:///load.example:50051', '127.example:1']) {
    assert.throws(() => new Client(other, {token}), /in clear text/);
  }
  for (const here of ['localhost:1', '127.0.0.1:1', '[::1]:1', 'dns:///localhost:1']) new Client(here, {token}).close();
});

test('half a client certificate is refused', () => {
  assert.throws(() => new Client('localhost:1', {certFile: own.certFile}), /both or none/);
});
