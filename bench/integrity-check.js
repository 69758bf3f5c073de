/** SQLite's own integrity_check of a database, by the same SQLite: node bench/integrity-check.js <file> */
import Database from 'better-sqlite3';

const db = new Database(process.argv[2], { readonly: true });
process.stdout.write(`${JSON.stringify(db.pragma('integrity_check'))}\n`);
db.close();
