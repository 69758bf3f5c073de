import '../dist/operations/child-main.js';
