// A Tsunami test from JavaScript: ask, check, create, watch, judge. Run it with ./run [URL].
import {randomUUID} from 'node:crypto';
import {fileURLToPath} from 'node:url';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const SERVER = process.env.LOADTEST_SERVER || '127.0.0.1:50051';
const URL_TO_TEST = process.argv[2] ?? 'http://127.0.0.1:8081/ping';

// A call without a deadline can wait for ever. These answer at once; only the watch takes as long
// as the test.
const CALL_MS = 5_000;
const WATCH_MS = 60_000;

// Names as in the proto files, enums as their names. Counts and nanoseconds fit a number exactly
// up to 2^53: 104 days of nanoseconds.
const definition = protoLoader.loadSync('loadtest/v1/service.proto', {
  includeDirs: [fileURLToPath(new URL('../../proto', import.meta.url))],
  keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true,
});
const {LoadTestService} = grpc.loadPackageDefinition(definition).loadtest.v1;
// Plain text is for loopback: the orchestrator listens there unless it is told otherwise.
const service = new LoadTestService(SERVER, grpc.credentials.createInsecure());

// One request, one answer, as a promise.
function call(method, request) {
  return new Promise((resolve, reject) => {
    const options = {deadline: Date.now() + CALL_MS};
    service[method](request, options, (error, reply) => error ? reject(error) : resolve(reply));
  });
}

// Each driver sends 200 requests, one every `delayMs`, whether or not the last one is answered.
function tsunami(delayMs) {
  return {
    title: 'Tsunami from JavaScript',
    request: {url: URL_TO_TEST},
    tsunami: {delay: {nanos: delayMs * 1e6}},
    requests_per_driver: 200,
  };
}

const ms = (nanoseconds) => `${(nanoseconds / 1e6).toFixed(2)} ms`;

// A line an update. The stream ends by itself when the test has ended.
async function watch(name) {
  const updates = service.WatchLoadTest({name}, {deadline: Date.now() + WATCH_MS});
  for await (const {load_test, progress, totals, response_time} of updates) {
    // A message that is not there yet is null.
    const {sent, completed, failed} = totals ?? {sent: 0, completed: 0, failed: 0};
    console.log(`${load_test.state} ${Math.round(100 * progress)}%: sent ${sent}, ` +
        `completed ${completed}, failed ${failed}, p99 ${ms(response_time?.p99_ns ?? 0)}`);
  }
}

// Prints what the numbers say; throws if the test failed or nothing answered.
function judge({load_test, totals, response_time, verdict}) {
  const {state, state_reason} = load_test;
  const {counts, errors} = totals;
  // Every request that was sent is accounted for, over all drivers, on every total.
  if (counts.sent !== counts.completed + counts.failed + counts.in_flight) {
    throw new Error(`the counts do not add up: ${JSON.stringify(counts)}`);
  }
  console.log(`sent ${counts.sent}`);
  console.log(`response time: p50 ${ms(response_time.p50_ns)}, p99 ${ms(response_time.p99_ns)}`);
  for (const {count, kind, example} of errors) console.log(`${count} ${kind}: ${example}`);
  // The verdict says whether the load generator kept up, and nothing about the target.
  console.log(`verdict ${verdict.level}`);
  for (const reason of verdict.reasons) console.log(`  ${reason.message}`);
  // SUCCEEDED means that the plan was carried out, also against a target that never answers.
  if (state !== 'SUCCEEDED' || counts.completed === 0) {
    throw new Error(`ended ${state} with ${counts.completed} requests answered ${state_reason}`);
  }
}

async function main() {
  const {drivers} = await call('ListDrivers', {});
  for (const driver of drivers) {
    console.log(`${driver.name} at ${driver.ip_address}: ${driver.state}`);
  }
  if (drivers.length === 0) {
    throw new Error('no driver is there, and a test would wait for one; try: orchestrator 2');
  }

  // Nothing is created; the answer has the defaults that a test would get.
  const valid = await call('CreateLoadTest', {spec: tsunami(5), validate_only: true});
  console.log(`valid, with ${valid.spec.connections} connections a driver by default`);
  try {
    await call('CreateLoadTest', {spec: tsunami(0), validate_only: true});
  } catch (error) {
    // The message names the field, its value and what was wanted.
    console.log(`a delay of 0 gets ${grpc.status[error.code]}: ${error.details}`);
  }

  // With a request_id the call may be sent again after a time-out: it still creates one test.
  const {name} = await call('CreateLoadTest', {spec: tsunami(5), request_id: randomUUID()});
  console.log(`created ${name}`);
  await watch(name);
  judge(await call('GetReport', {name}));
}

try {
  await main();
} catch (error) {
  console.error(`orchestrator at ${SERVER}: ${error.message}`);
  process.exitCode = 1;
}
service.close();
