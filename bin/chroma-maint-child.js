import { serveParent } from '../dist/operations/child-main.js';

serveParent();
