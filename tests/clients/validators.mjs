// Compiles schemas as MCP clients in JavaScript do (ajv for draft-07 and for 2020-12), and holds values against them.
//
// stdin:  [{"schema", "values": [...]}]
// stdout: for each, for each engine: the error it was refused with, or whether each value fits
import { text } from 'node:stream/consumers';
import addFormats from 'ajv-formats';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

const options = { strict: false, validateFormats: true, validateSchema: false, allErrors: true, logger: false };

function judge(Engine, { schema, values }) {
  const ajv = new Engine(options);
  addFormats.default ? addFormats.default(ajv) : addFormats(ajv);
  try {
    const validate = ajv.compile(schema);
    return values.map((value) => validate(value));
  } catch (error) {
    return String(error.message);
  }
}

const cases = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(cases.map((each) => [judge(Ajv, each), judge(Ajv2020, each)])));
