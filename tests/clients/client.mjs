// Connects an MCP client of the TypeScript SDK to a server, lists everything, calls some tools.
//
// stdin:  {"client": "v1" | "v2", "mode"?: "legacy" | "auto", "url" | "command", "args"?, "calls": [{name, arguments}]}
// stdout: {"version", "tools", "resources", "prompts", "answers": [{name, result} | {name, error}]}
import { text } from 'node:stream/consumers';

const given = JSON.parse(await text(process.stdin));

const load = {
  async v1() {
    const [{ Client }, { StdioClientTransport }, { StreamableHTTPClientTransport }] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'),
      import('@modelcontextprotocol/sdk/client/stdio.js'),
      import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    ]);
    return { Client, StdioClientTransport, StreamableHTTPClientTransport, options: {} };
  },
  async v2() {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
    return { Client, StdioClientTransport, StreamableHTTPClientTransport, options: { versionNegotiation: { mode: given.mode } } };
  },
};

async function listAll(list, key, visit = async () => {}) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor === undefined ? undefined : { cursor });
    found.push(...page[key]);
    await visit(page[key]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

async function attempt(call) {
  try {
    const result = await client.callTool(call);
    return { name: call.name, result };
  } catch (error) {
    return { name: call.name, error: String(error?.message ?? error) };
  }
}

const { Client, StdioClientTransport, StreamableHTTPClientTransport, options } = await load[given.client]();
const client = new Client({ name: 'acceptance', version: '1.0.0' }, options);
const transport = given.url
  ? new StreamableHTTPClientTransport(new URL(given.url))
  : new StdioClientTransport({ command: given.command, args: given.args, env: process.env, stderr: 'ignore' });
await client.connect(transport);
const can = client.getServerCapabilities() ?? {};
const answers = [];
// A client of v1 knows the output schemas of the page it saw last, and of no other.
const tools = await listAll((page) => client.listTools(page), 'tools', async (page) => {
  const names = new Set(page.map((tool) => tool.name));
  for (const call of given.calls ?? []) if (names.has(call.name)) answers.push(await attempt(call));
});
const resources = can.resources ? await listAll((page) => client.listResources(page), 'resources') : [];
const prompts = can.prompts ? await listAll((page) => client.listPrompts(page), 'prompts') : [];
const version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null;
await client.close();
process.stdout.write(JSON.stringify({ version, tools, resources, prompts, answers }));
