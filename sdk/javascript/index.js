// A client of the loadtest orchestrator; index.d.ts has the types, README.md the first steps.
import {randomUUID} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {isIP} from 'node:net';
import {checkServerIdentity} from 'node:tls';
import {fileURLToPath} from 'node:url';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

export const DEFAULT_SERVER = '127.0.0.1:50051';

// A single call may take so long; a watch takes as long as its test.
const CALL_MS = 10_000;

// Names as in the proto files, enums as their names. Counts and nanoseconds fit a number exactly up to 2^53: 104 days of
// nanoseconds.
const definition = protoLoader.loadSync('loadtest/v1/service.proto', {
  includeDirs: [fileURLToPath(new URL('proto', import.meta.url))],
  keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
const {LoadTestService} = grpc.loadPackageDefinition(definition).loadtest.v1;

/** An answer of the orchestrator that is an error, or none at all. `code` is the name of gRPC's: "INVALID_ARGUMENT". */
export class LoadTestError extends Error {
  constructor(code, message) {
    super(message);
    this.name = 'LoadTestError';
    this.code = code;
  }
}

const ON_THE_WAY = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'UNAUTHENTICATED', 'PERMISSION_DENIED']);

function translated(error, server) {
  const code = grpc.status[error.code] ?? 'UNKNOWN';
  return new LoadTestError(code, ON_THE_WAY.has(code) ? `orchestrator at ${server}: ${code}: ${error.details}` : error.details);
}

const fullName = (test) => {
  const name = typeof test === 'string' ? test : test.name;
  return name.startsWith('loadTests/') ? name : `loadTests/${name}`;
};

const UNITS = {ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9};

/** Milliseconds, or text as the command line takes it ("500ms", "1m30s"), as a Duration message. */
export function duration(time) {
  let nanos;
  if (typeof time === 'number' && Number.isFinite(time)) {
    nanos = Math.round(time * UNITS.ms);
  } else if (typeof time === 'string' && /^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(time)) {
    nanos = [...time.matchAll(/([\d.]+)(ns|us|ms|s|m|h)/g)].reduce((sum, [, n, unit]) => sum + Math.round(n * UNITS[unit]), 0);
  } else {
    throw new TypeError(`got ${JSON.stringify(time)}, want milliseconds, or text such as "500ms" or "1m30s"`);
  }
  return {seconds: Math.trunc(nanos / UNITS.s), nanos: nanos % UNITS.s};
}

const SPEC_FIELDS = new Set(definition['loadtest.v1.LoadTestSpec'].type.field.map(({name}) => name));

/** A spec from the words of the command line; index.d.ts says which. */
export function makeSpec(url, options = {}) {
  const {delay, rate, stages, requests, duration: length, timeout, warmup, method, headers = {}, body, thresholds, ...rest} = options;
  if ([delay, rate, stages].filter((kind) => kind !== undefined).length > 1) {
    throw new TypeError('got more than one of delay, rate and stages, want at most one');
  }
  // A word that is misspelt would otherwise be left out in silence.
  const unknown = Object.keys(rest).filter((word) => !SPEC_FIELDS.has(word));
  if (unknown.length > 0) throw new TypeError(`got ${unknown.join(', ')}, which no spec has`);
  const spec = {request: {url}, ...rest};
  if (method !== undefined) spec.request.method = method;
  if (body !== undefined) spec.request.body = typeof body === 'string' ? Buffer.from(body) : body;
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  spec.request.headers = pairs.map(([name, value]) => ({name, value}));
  if (delay !== undefined) {
    spec.tsunami = {delay: duration(delay)};
  } else if (rate !== undefined) {
    spec.rate = {requests_per_second: rate};
  } else if (stages !== undefined) {
    spec.stages = {stages: stages.map(([from, to, time]) => ({from, to, duration: duration(time)}))};
  } else {
    spec.avalanche = {};
  }
  if (thresholds !== undefined) {
    spec.thresholds = typeof thresholds === 'string' ? thresholds.split(',').map((one) => one.trim()) : thresholds;
  }
  if (requests !== undefined) spec.requests_per_driver = requests;
  if (length !== undefined) spec.duration = duration(length);
  if (timeout !== undefined) spec.request_timeout = duration(timeout);
  if (warmup !== undefined) spec.warmup = duration(warmup);
  return spec;
}

const specOf = (spec, options) => typeof spec === 'string' ? makeSpec(spec, options) : spec;

/** What came of a test. `report` is the whole message. */
export class Result {
  constructor(report) {
    this.report = report;
  }
  get name() { return this.report.load_test.name; }
  get state() { return this.report.load_test.state; }
  get verdict() { return this.report.verdict?.level ?? 'LEVEL_UNSPECIFIED'; }
  get sent() { return this.report.totals?.counts?.sent ?? 0; }
  get completed() { return this.report.totals?.counts?.completed ?? 0; }
  /** Of the response time, milliseconds. */
  get p50() { return (this.report.response_time?.p50_ns ?? 0) / 1e6; }
  get p99() { return (this.report.response_time?.p99_ns ?? 0) / 1e6; }

  /** Why it did not pass, a line each; none if it ran to its end, something was answered, the numbers may be believed, and every
   * threshold was kept. */
  problems() {
    const found = [];
    const {state_reason: reason} = this.report.load_test;
    if (this.state !== 'SUCCEEDED') found.push(`${this.state}: ${reason}`);
    if (this.completed === 0) found.push('no request succeeded');
    if (this.verdict === 'INVALID') found.push(...this.report.verdict.reasons.map(({message}) => `INVALID: ${message}`));
    for (const {expression, passed, actual} of this.report.thresholds ?? []) {
      if (!passed) found.push(`threshold ${expression}: got ${actual || 'nothing'}`);
    }
    return found;
  }
}

function tokenOfEnvironment() {
  const file = process.env.LOADTEST_TOKEN_FILE;
  return file ? readFileSync(file, 'utf8').split(/\r?\n/)[0] : process.env.LOADTEST_TOKEN;
}

const hostOf = (server) => server.split('/').at(-1).replace(/:\d*$/, '').replace(/^\[|\]$/g, '');

function isLoopback(server) {
  if (server.startsWith('unix:')) return true;
  const host = hostOf(server);
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** A connection to an orchestrator. Every method throws a LoadTestError. */
export class Client {
  #service;
  #metadata = new grpc.Metadata();

  constructor(server, {token = tokenOfEnvironment(), caFile = process.env.LOADTEST_SERVER_CACERT, certFile, keyFile,
                       tls = Boolean(caFile || certFile)} = {}) {
    this.server = server || process.env.LOADTEST_SERVER || DEFAULT_SERVER;
    if (Boolean(certFile) !== Boolean(keyFile)) throw new TypeError('got one of certFile and keyFile, want both or none');
    if (token && !tls && !isLoopback(this.server)) {
      throw new TypeError(`server: ${this.server} is another host, and the token would go there in clear text; want caFile or tls`);
    }
    if (token) this.#metadata.set('authorization', `Bearer ${token}`);
    const content = (file) => file ? readFileSync(file) : null;
    // An address is no name that TLS may ask for (RFC 6066): grpc-js would, and Node.js warns of it. It can be told to ask for
    // another name, not for none; the certificate must be the address's all the same.
    const address = isIP(hostOf(this.server)) ? hostOf(this.server) : undefined;
    const verify = address ? {checkServerIdentity: (_, certificate) => checkServerIdentity(address, certificate)} : {};
    const credentials = tls ? grpc.credentials.createSsl(content(caFile), content(keyFile), content(certFile), verify) : grpc.credentials.createInsecure();
    this.#service = new LoadTestService(this.server, credentials, {
      ...(tls && address ? {'grpc.ssl_target_name_override': 'localhost'} : {}),
      'grpc.enable_http_proxy': 0,
      // Reports of long tests have many intervals.
      'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1,
    });
  }

  close() { this.#service.close(); }

  async run(spec, {signal, onUpdate, ...options} = {}) {
    signal?.throwIfAborted();
    const test = await this.create(spec, options);
    try {
      for await (const update of this.watch(test, {signal})) onUpdate?.(update);
    } catch (error) {
      await this.stop(test, 'its JavaScript program gave up').catch(() => {});
      throw error;
    }
    return this.result(test);
  }

  // With a request_id a call that is sent again still creates one test.
  create(spec, options) {
    const {testId = '', ...words} = options ?? {};
    return this.#call('CreateLoadTest', {spec: specOf(spec, words), load_test_id: testId, request_id: randomUUID()});
  }

  async validate(spec, options) {
    return (await this.#call('CreateLoadTest', {spec: specOf(spec, options), validate_only: true})).spec;
  }

  async* watch(test, {signal} = {}) {
    signal?.throwIfAborted();
    const stream = this.#service.WatchLoadTest({name: fullName(test)}, this.#metadata);
    const cancel = () => stream.cancel();
    signal?.addEventListener('abort', cancel, {once: true});
    try {
      yield* stream;
    } catch (error) {
      signal?.throwIfAborted();
      throw translated(error, this.server);
    } finally {
      signal?.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  get(test) { return this.#call('GetLoadTest', {name: fullName(test)}); }

  async* tests() {
    let token = '';
    do {
      const page = await this.#call('ListLoadTests', {page_token: token});
      yield* page.load_tests;
      token = page.next_page_token;
    } while (token);
  }

  stop(test, reason = '') { return this.#call('StopLoadTest', {name: fullName(test), reason}); }
  async delete(test) { await this.#call('DeleteLoadTest', {name: fullName(test)}); }
  note(test, text) { return this.#call('UpdateLoadTest', {load_test: {name: fullName(test), note: text}}); }
  async result(test) { return new Result(await this.#call('GetReport', {name: fullName(test)})); }
  async drivers() { return (await this.#call('ListDrivers', {})).drivers; }

  // One request, one answer, as a promise.
  #call(method, request) {
    return new Promise((resolve, reject) => {
      const options = {deadline: Date.now() + CALL_MS};
      this.#service[method](request, this.#metadata, options,
                            (error, reply) => error ? reject(translated(error, this.server)) : resolve(reply));
    });
  }
}

/** One test from nothing: `await run('http://127.0.0.1:8081/ping', {rate: 500, duration: '10s'})`. */
export async function run(url, {server, token, caFile, certFile, keyFile, ...options} = {}) {
  const client = new Client(server, {token, caFile, certFile, keyFile});
  try {
    return await client.run(url, options);
  } finally {
    client.close();
  }
}
