// Copies the repository's proto files into the package and makes the messages' types of them, so that a packed package is whole.
import {execFileSync} from 'node:child_process';
import {cpSync, mkdirSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const files = ['measure', 'load_test', 'service'].map((name) => `loadtest/v1/${name}.proto`);

rmSync(join(here, 'proto'), {recursive: true, force: true});
rmSync(join(here, 'types'), {recursive: true, force: true});
mkdirSync(join(here, 'proto/loadtest/v1'), {recursive: true});
for (const file of files) cpSync(join(here, '../../proto', file), join(here, 'proto', file));

const loader = dirname(createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json'));
execFileSync(process.execPath, [
  join(loader, 'build/bin/proto-loader-gen-types.js'),
  '--keepCase', '--longs=Number', '--enums=String', '--defaults', '--oneofs', '--grpcLib=@grpc/grpc-js',
  '--inputTemplate=%s__Input', '--outputTemplate=%s', '--importFileExtension=.js',
  '--includeDirs', join(here, 'proto'), '--outDir', join(here, 'types'), '--', files.at(-1),
], {stdio: ['ignore', 'ignore', 'inherit']});
