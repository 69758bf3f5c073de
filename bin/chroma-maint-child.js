// One file instead of fifty: the working process starts 20 ms sooner.
import { serveParent } from '../dist/working-process/child-main.js';

serveParent();
