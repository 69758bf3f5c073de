#!/usr/bin/env node
import { main } from '../dist/cli/main.js';
import { terminal } from '../dist/cli/terminal.js';
import { realHost } from '../dist/host/real-host.js';

process.exitCode = await main(process.argv.slice(2), terminal(), realHost);
