// Numbers and times for people.

export function count(value) {
  return Number(value ?? 0).toLocaleString('en-US');
}

// Three significant digits and the unit that fits: 812ns, 1.23ms, 45.6ms, 2.01s.
export function latency(nanoseconds) {
  let value = Number(nanoseconds ?? 0);
  for (const unit of ['ns', 'µs', 'ms']) {
    if (Math.abs(value) < 999.5) return threeDigits(value) + unit;
    value /= 1000;
  }
  return threeDigits(value) + 's';
}

function threeDigits(value) {
  return String(Number(value.toPrecision(3)));
}

export function percent(part) {
  return `${Math.floor(100 * Math.min(Math.max(part ?? 0, 0), 1))} %`;
}

export function perSecond(value) {
  return `${(value >= 100 ? Math.round(value) : Number(value.toFixed(1))).toLocaleString('en-US')}/s`;
}

export function cores(value) {
  return Number(value ?? 0).toFixed(2);
}

// A google.protobuf.Duration in JSON: "0.005s" -> 5ms, "5400s" -> 1h30m.
export function duration(text) {
  const seconds = parseFloat(text);
  if (seconds < 60) return latency(Math.round(seconds * 1e9));
  const parts = [[Math.floor(seconds / 3600), 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's']];
  return parts.filter(([amount]) => amount > 0).map(([amount, unit]) => amount + unit).join('');
}

// A google.protobuf.Timestamp in JSON as local time of day; with its date when that is not today.
export function time(text) {
  if (!text) return '';
  const date = new Date(text);
  const today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString();
}

// "CONNECT_REFUSED" -> "connect refused"
export function words(name) {
  return (name ?? '').toLowerCase().replaceAll('_', ' ');
}

// "loadTests/smoke" -> "smoke"
export function idOf(name) {
  return (name ?? '').split('/').pop();
}

// What a spec asks for, on one line.
export function load(spec) {
  const parts = [];
  if (spec.tsunami) parts.push(`Tsunami, a request every ${duration(spec.tsunami.delay)} on each driver`);
  else if (spec.rate) parts.push(`${perSecond(spec.rate.requests_per_second)} over all drivers`);
  else if (spec.stages) parts.push(`rate in stages, ${spec.stages.stages.map((s) => `${perSecond(s.from)} to ${perSecond(s.to)} in ${duration(s.duration)}`).join(', ')}`);
  else parts.push(`Avalanche, ${count(spec.connections)} connections on each driver`);
  if (spec.warmup && parseFloat(spec.warmup) > 0) parts.push(`warm-up ${duration(spec.warmup)}`);
  if (Number(spec.requests_per_driver)) parts.push(`${count(spec.requests_per_driver)} requests a driver`);
  if (spec.duration) parts.push(`for ${duration(spec.duration)}`);
  return parts.join(', ');
}

// {team: 'web'} -> "team=web"
export function labels(map) {
  return Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`).join(', ');
}

// Nanoseconds after the start as seconds for an axis.
export function seconds(nanoseconds) {
  return Number(nanoseconds ?? 0) / 1e9;
}
