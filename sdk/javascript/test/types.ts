// Compiled, not run: the types hold what index.js gives.
import {Client, LoadTestError, Result, makeSpec, run} from 'loadtest-client';

async function use(): Promise<number> {
  const result: Result = await run('http://127.0.0.1:8081/ping', {rate: 500, duration: '10s', thresholds: ['p99<50ms']});
  const client = new Client('127.0.0.1:50051', {token: 'secret'});
  const test = await client.create(makeSpec('http://127.0.0.1/', {stages: [[0, 10, '1s']], connections: 4}));
  for await (const update of client.watch(test)) console.log(update.progress, update.totals?.sent);
  const drivers = await client.drivers();
  const state: string | undefined = drivers[0]?.state;
  try {
    await client.run('http://127.0.0.1/', {delay: 5, requests: 1, signal: AbortSignal.timeout(10)});
  } catch (error) {
    if (error instanceof LoadTestError) console.log(error.code.toLowerCase(), state);
  }
  // @ts-expect-error: a rate is a number
  makeSpec('http://127.0.0.1/', {rate: 'fast'});
  return result.p99;
}
void use;
