// How a host starts a bundle: the bundler's own code puts the user's settings into the manifest.
import { readFileSync } from "node:fs";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";

const { folder, settings } = JSON.parse(readFileSync(0, "utf-8"));
const manifest = JSON.parse(readFileSync(`${folder}/manifest.json`, "utf-8"));
const quiet = { log() {}, warn() {}, error() {} };
const command = await getMcpConfigForManifest({
  manifest, extensionPath: folder, systemDirs: {}, userConfig: settings, pathSeparator: "/", logger: quiet,
});
process.stdout.write(JSON.stringify(command));
