import type {Driver} from './types/loadtest/v1/Driver.js';
import type {LoadTest} from './types/loadtest/v1/LoadTest.js';
import type {LoadTestSpec, LoadTestSpec__Input} from './types/loadtest/v1/LoadTestSpec.js';
import type {LoadTestUpdate} from './types/loadtest/v1/LoadTestUpdate.js';
import type {Report} from './types/loadtest/v1/Report.js';

export type {Driver, LoadTest, LoadTestSpec, LoadTestSpec__Input, LoadTestUpdate, Report};

/** "127.0.0.1:50051". */
export const DEFAULT_SERVER: string;

/** Milliseconds, or text as the command line takes it: "500ms", "1m30s". */
export type Time = number | string;

/** Rate at the beginning of a stage and at its end, requests per second of all drivers together; how long it is. */
export type Stage = [from: number, to: number, time: Time];

/**
 * What to run, in the words of the command line. With `delay` every driver sends a request so often (Tsunami), with `rate` or `stages`
 * all drivers together so many a second, with none of them every connection as fast as it is answered (Avalanche). `requests` is for
 * each driver. All other fields of the message may be given by their own names. What is left out has the orchestrator's default.
 */
export interface SpecOptions extends Omit<LoadTestSpec__Input, 'request' | 'duration' | 'warmup' | 'stages' | 'rate' | 'tsunami' | 'avalanche' | 'thresholds'> {
  delay?: Time;
  rate?: number;
  stages?: Stage[];
  requests?: number;
  duration?: Time;
  timeout?: Time;
  warmup?: Time;
  method?: string;
  headers?: Record<string, string> | [name: string, value: string][];
  body?: string | Uint8Array;
  /** One after the other, or as on the command line: "p99<50ms,errors<0.1%". */
  thresholds?: string | string[];
}

export interface RunOptions extends SpecOptions {
  /** Aborting it stops the test. */
  signal?: AbortSignal;
  onUpdate?: (update: LoadTestUpdate) => void;
  testId?: string;
}

export interface ConnectionOptions {
  /** If it is not given, LOADTEST_TOKEN, or what the file LOADTEST_TOKEN_FILE has. Not sent to another host in clear text. */
  token?: string;
  /** Speak TLS and trust the PEM certificates in this file, or in LOADTEST_SERVER_CACERT if it is not given. */
  caFile?: string;
  /** The client's own certificate and its key, PEM files: both or none. */
  certFile?: string;
  keyFile?: string;
  /** Speak TLS and trust the system's certificates. */
  tls?: boolean;
}

/** A test, its name or its id. */
export type TestName = string | {name: string};

export class LoadTestError extends Error {
  readonly code: string;
}

export class Result {
  constructor(report: Report);
  readonly report: Report;
  readonly name: string;
  readonly state: string;
  readonly verdict: string;
  readonly sent: number;
  readonly completed: number;
  /** Of the response time, milliseconds. */
  readonly p50: number;
  readonly p99: number;
  problems(): string[];
}

export class Client {
  /** HOST:PORT; LOADTEST_SERVER, or else DEFAULT_SERVER, if it is not given. */
  constructor(server?: string, options?: ConnectionOptions);
  readonly server: string;
  close(): void;
  /** Creates a test, waits for its end, and gives its result. An error on the way stops the test. */
  run(spec: string | LoadTestSpec__Input, options?: RunOptions): Promise<Result>;
  create(spec: string | LoadTestSpec__Input, options?: SpecOptions & {testId?: string}): Promise<LoadTest>;
  /** The spec with the defaults that a test would get; nothing is created. */
  validate(spec: string | LoadTestSpec__Input, options?: SpecOptions): Promise<LoadTestSpec>;
  watch(test: TestName, options?: {signal?: AbortSignal}): AsyncGenerator<LoadTestUpdate>;
  get(test: TestName): Promise<LoadTest>;
  /** Newest first. */
  tests(): AsyncGenerator<LoadTest>;
  stop(test: TestName, reason?: string): Promise<LoadTest>;
  delete(test: TestName): Promise<void>;
  note(test: TestName, text: string): Promise<LoadTest>;
  result(test: TestName): Promise<Result>;
  drivers(): Promise<Driver[]>;
}

export function run(url: string, options?: RunOptions & Omit<ConnectionOptions, 'tls'> & {server?: string}): Promise<Result>;
export function makeSpec(url: string, options?: SpecOptions): LoadTestSpec__Input;
export function duration(time: Time): {seconds: number; nanos: number};
